"""Runs the `river` command as `python -m riverd`."""

from riverd.commands.cli import main

main()
