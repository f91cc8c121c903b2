"""Learning: loops, checkpoints, evaluation, export. Needs torch."""
