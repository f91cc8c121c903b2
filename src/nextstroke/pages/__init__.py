"""Ink on paper: layout in millimetres, pens and colours, output formats.

Knows ink and arrays; no networks, no model files, no data sets.
"""
