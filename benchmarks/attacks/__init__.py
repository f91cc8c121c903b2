"""Groups of tries of `benchmarks/attack.py`; each is a class whose `attempt` makes one try."""
