"""The mathematics of the paper as torch modules: no files, no printing."""
