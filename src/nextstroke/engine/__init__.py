"""Writing and generating from model files; no torch."""
