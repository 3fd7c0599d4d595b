"""The replicas of channels on a node: attached, repaired, their members, who is admitted."""
