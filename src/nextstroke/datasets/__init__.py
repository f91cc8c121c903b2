"""Data sets: official corpora, packed ink and text, and the batches that training reads.

No torch and no networks.
"""
