"""An event's data: a text for Pusher's clients, JSON for everybody else.

Pusher's clients send and get texts, which mostly are JSON. A log keeps JSON. Both ways are exact:

| the text | what the log keeps |
|---|---|
| JSON that every reader can read | the same bytes |
| the same, with a space in front | one more space in front |
| anything else, also an empty text | a space, then the text as a JSON string |

What others publish never begins with a space, so their data is the text of itself.
"""

import msgspec

from riverd.errors import RiverError
from riverd.model.payloads import check_data

_SPACE = b" "
_QUOTE = b'"'

_encode = msgspec.json.Encoder().encode
_anything = msgspec.json.Decoder(msgspec.Raw).decode


def stored(text: str) -> bytes:
    """What the log keeps of a text."""
    raw = text.encode()
    if _is_readable(raw):
        return _SPACE + raw if raw[:1] == _SPACE else raw
    return _SPACE + _encode(text)


def shown(data: bytes) -> bytes:
    """The text of what a log keeps, as a JSON string."""
    if data[:1] != _SPACE:
        return _encode(data.decode())
    if data[1:2] == _QUOTE:
        return data[1:]
    return _encode(data[1:].decode())


def text_of(raw: bytes) -> str:
    """The text in a message's `data`: a string's content, or anything else as it stands there."""
    if raw[:1] == _QUOTE:
        return msgspec.json.decode(raw, type=str)
    return raw.decode()


def _is_readable(raw: bytes) -> bool:
    try:
        _anything(raw)
        check_data(raw)
    except (msgspec.DecodeError, RecursionError, RiverError):
        return False
    return True
