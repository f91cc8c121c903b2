"""Text generation, and the distance between two texts."""
