"""Pusher's protocol, version 7 (protocol/pusher/README.md)."""
