"""Ink file formats, one module per format.

Every file is read within `limits.py`, every XML file by `safe_xml.py`.
"""
