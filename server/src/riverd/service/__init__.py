"""How a process is put together: settings, secrets, logs, metrics."""
