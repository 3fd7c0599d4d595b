"""How a message stands in the body of a stream, or in the answer to a poll.

In a stream the message ends with an empty line (HTML, section 9.2.6, "Interpreting an event
stream"); line breaks within it would be taken for the format's own.
"""

import re
from collections.abc import Callable

import msgspec

encode_json = msgspec.json.Encoder().encode
_decode_text = msgspec.json.Decoder(str).decode
_BREAK = re.compile(r"\r\n|\r|\n")
# In a name there can be no line break at all; NUL would end a record.
_IN_A_NAME = str.maketrans("\r\n\0", "   ")


class StreamShape(msgspec.Struct, frozen=True, eq=False):
    """How messages become texts.

    Attributes:
        own: The text of a message of River's own, from its type and its JSON.
        event: That of an event, from its name, its data, and the JSON of the whole message.
    """

    own: Callable[[str, bytes], bytes]
    event: Callable[[str, bytes, bytes], bytes]


def _one_line(text: bytes) -> bytes:
    # White space between the values of the publisher's JSON may have line breaks.
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _data(text: bytes) -> bytes:
    return b"data: %b\n\n" % text


def _named(name: str, text: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), text)


def _bare(data: bytes) -> bytes:
    """A JSON string as the text that it stands for (HTML is sent so), anything else as JSON."""
    if not data.startswith(b'"'):
        return _one_line(data)
    text = _decode_text(data).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return "\ndata: ".join(_BREAK.split(text)).encode()


OBJECTS = StreamShape(
    lambda _kind, text: _data(text), lambda _name, _data_of, text: _data(_one_line(text))
)
"""The default: each message one JSON object, as in River's own protocol."""

EVENTS = StreamShape(
    _named, lambda name, data, _text: _named(name.translate(_IN_A_NAME), _bare(data))
)
"""`shape=event`: the event's name and its bare data, for `addEventListener` and htmx."""

POLLED = StreamShape(lambda _kind, text: text, lambda _name, _data_of, text: _one_line(text))
"""The entries of a poll's answer."""
