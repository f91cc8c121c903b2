"""Ink on paper: layout in millimetres, pens, file formats, and how figures look.

Knows ink and arrays; no networks, no model files, no corpora.
"""
