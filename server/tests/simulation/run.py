"""Runs the simulator by hand: one seed with its trace, or many."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from simulation.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
