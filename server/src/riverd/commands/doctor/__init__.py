"""Walks the chain between a client and River, and names the broken hop and its cure."""

from riverd.commands.doctor.finding import Finding, Status
from riverd.commands.doctor.walk import walk

__all__ = ["Finding", "Status", "walk"]
