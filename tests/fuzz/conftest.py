import os

from hypothesis import HealthCheck, settings

# `make fuzz` asks for many more; what it finds is kept in .hypothesis and tried first the next time.
EXAMPLES = int(os.environ.get("NEXTSTROKE_FUZZ", "60"))
settings.register_profile("fuzz", deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
