"""Learning: recipes to networks, loops, checkpoints, evaluation, export. Needs torch.

What is needed to write or generate does not live here, and nothing here prints.
"""
