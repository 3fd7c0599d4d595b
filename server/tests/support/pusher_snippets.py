"""What docs/how-to/pusher-libraries.md gives to paste, for a server of a test."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from docs_pages import FENCE, ROOT, text_of
from protocol_server import Server

PAGE = ROOT / "docs" / "how-to" / "pusher-libraries.md"


def snippet(heading: str, number: int, *, server: Server, app: Mapping[str, str]) -> str:
    """One piece of a library's section, counted from 0, with this server's ports and app."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text_of(PAGE), re.MULTILINE | re.DOTALL)
    assert section is not None, f"{PAGE.name} has no {heading}"
    code = [found["code"] for found in FENCE.finditer(section[1])][number]
    known = {
        "8001": str(urlsplit(server.api_url).port),
        "8000": str(urlsplit(server.url).port),
        '"1"': f'"{app["id"]}"',
        "ID=1": f"ID={app['id']}",
        '"KEY"': f'"{app["key"]}"',
        "=KEY": f"={app['key']}",
        '"SECRET"': f'"{app["secret"]}"',
        "=SECRET": f"={app['secret']}",
    }
    return re.sub("|".join(map(re.escape, known)), lambda found: known[found[0]], code)
