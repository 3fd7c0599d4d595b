"""River in an AWS account: the stack, and the commands that build and remove it."""
