"""HTTP/1.1 server connections, for both planes."""
