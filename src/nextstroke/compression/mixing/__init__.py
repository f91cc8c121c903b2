"""The adaptive bit model: contexts, counters and matches, mixed by a logistic mixer."""
