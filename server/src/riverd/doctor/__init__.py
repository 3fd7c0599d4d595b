"""Walks the chain between a client and River, and names the broken hop and its cure."""

from riverd.doctor.finding import Finding, Status
from riverd.doctor.walk import walk

__all__ = ["Finding", "Status", "walk"]
