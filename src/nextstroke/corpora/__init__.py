"""Corpora: official formats in, packed arrays out."""
