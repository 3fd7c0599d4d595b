"""WebSockets (RFC 6455): frames and connections."""
