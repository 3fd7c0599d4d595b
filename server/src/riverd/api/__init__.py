"""The publish API: what back ends ask over HTTP, as plain functions over values."""
