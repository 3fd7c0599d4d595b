"""The HTTP API of Pusher apps, for the server libraries of Pusher (protocol/pusher/README.md)."""
