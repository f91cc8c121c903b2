"""The paper rebuilt: its figures, tables and claims, worked out from models and data given.

What a figure looks like is for `pages`; torch is loaded only where a training is measured.
"""
