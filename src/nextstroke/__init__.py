"""nextstroke: predict the next stroke, of a pen or of a key."""

__version__ = "0.1.0"
