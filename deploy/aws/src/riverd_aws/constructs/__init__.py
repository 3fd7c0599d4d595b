"""The units of the deployment, one a file; the stack wires them."""
