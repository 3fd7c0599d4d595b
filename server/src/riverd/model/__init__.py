"""The values that rooms exchange, frozen."""
