"""Lossless compression with the text network, in integer arithmetic that gives the same bits on every machine.

No torch.
"""
