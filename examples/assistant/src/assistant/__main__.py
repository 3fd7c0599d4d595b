"""The command that serves the app: `python -m assistant`."""

import os
import sys

import uvicorn

from assistant.app import create_app
from assistant.generator import toy
from assistant.settings import AssistantSettingsError, read_settings


def main() -> None:
    """Serve until Ctrl-C."""
    try:
        settings = read_settings(os.environ)
    except AssistantSettingsError as problem:
        sys.stderr.write(f"assistant: {problem}\n")
        sys.exit(2)
    address = f"http://{settings.host}:{settings.port}"
    sys.stdout.write(
        f"  The assistant    {address}/\n"
        f"                   River at {settings.river_url}; for plain EventSource\n"
        f"                   start it with RIVER_ALLOWED_ORIGINS={address}\n\n"
    )
    sys.stdout.flush()
    app = create_app(settings, toy(settings.tokens_per_s))
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", ws="none")


if __name__ == "__main__":
    main()
