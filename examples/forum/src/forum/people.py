"""What a person's name may be, and the initials and colour that stand for it."""

import re
import unicodedata
import zlib

NAME_MAX = 24
HUES = 8

_NAME = re.compile(r"\w(?:[\w .'\u2019-]*[\w.])?")


def clean_name(text: str) -> str | None:
    """Return the name as it is kept, or None when it is not one."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    return name if len(name) <= NAME_MAX and _NAME.fullmatch(name) else None


def initials(name: str) -> str:
    """Return one or two letters for the name."""
    words = [word for word in re.split(r"[ .'\u2019_-]+", name) if word]
    letters = [word[0] for word in words] or [name[0]]
    return "".join([letters[0], *letters[1:][-1:]]).upper()


def hue(name: str) -> int:
    """Return which of the colours is the name's: the same on every page and every day."""
    return zlib.crc32(name.encode()) % HUES
