"""Runs the `river` command as `python -m riverd`."""

from riverd.cli import main

main()
