"""The reproduction of the paper: its figures, tables and claims, and the report.

torch is loaded only where a training is measured.
"""
