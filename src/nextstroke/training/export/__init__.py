"""From a finished training to a model file."""
