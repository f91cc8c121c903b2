"""The network as a lossless compressor: integers from end to end, so that it decodes to the byte anywhere.

No torch, and no float whose rounding could decide a bit; the network's weights come in by `textmodel.py`.
"""
