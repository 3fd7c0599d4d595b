"""What River costs a month, from a load: sizes, items, hosted services beside it."""

from riverd.commands.estimate.aws import Estimate, Item, aws_estimate
from riverd.commands.estimate.load import EstimateError, Load

__all__ = ["Estimate", "EstimateError", "Item", "Load", "aws_estimate"]
