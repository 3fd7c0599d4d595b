"""River: a real-time service that stands beside an existing web application."""

__version__ = "0.1.0"
