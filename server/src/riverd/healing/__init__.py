"""Gives a broker back what it lost: see `process.py`."""
