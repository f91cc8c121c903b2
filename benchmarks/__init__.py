"""Measure speed and quality: `python -m benchmarks --help`, from a clone with everything installed."""
