"""The mathematics of the paper as torch modules: layers, networks, losses, the optimiser, noise.

Tensors in, tensors out: no files but its own C++ source, no corpora, no training loop, no printing.
"""
