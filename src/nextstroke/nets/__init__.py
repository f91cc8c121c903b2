"""The mathematics of the paper as torch modules: layers, networks, losses, the optimiser, noise."""
