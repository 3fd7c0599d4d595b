"""`python -m fake_aws PORT_FILE`: serves until it is ended, and writes down its port."""

import sys
from pathlib import Path

from .server import serve

if __name__ == "__main__":
    serve(Path(sys.argv[1]))
