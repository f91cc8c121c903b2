"""Training: recipes, loop, checkpoints, devices. Needs torch; nothing here prints."""
