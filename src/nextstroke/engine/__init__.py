"""Writing, reading and generating from model files, in numpy and onnxruntime.

No torch, no corpora; ink leaves in the units of the model's corpus, what becomes of it is for `pages`.
"""
