"""Makes what the tests share importable: test folders are no packages."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

# What an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("river", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("river")
