"""Data sets: official formats in, packed arrays out, and the batches that training reads.

No torch and no networks; every file from outside comes in by `limits.py`, every XML by `xmlreader.py`.
"""
