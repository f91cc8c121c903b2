"""The text network in exact arithmetic, and how it learns from the text that it compresses."""
