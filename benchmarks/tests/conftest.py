"""The bench's scripts are no package: put their folder where tests can import from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
