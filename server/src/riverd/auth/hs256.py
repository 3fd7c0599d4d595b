"""A short way to verify HS256 tokens whose header PyJWT has accepted before.

PyJWT prepares the key anew for each token and decodes it character by character. A token takes
583,000 instructions that way and 62,000 this way (`make guard`). Whatever is unusual is left to
PyJWT.
"""

import hashlib
import hmac
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

HEADERS_MAX = 64
HEADER_LENGTH_MAX = 200
_BLOCK_BYTES = 64

_USUAL_FIELDS = frozenset({"alg", "typ", "kid"})
_decode = msgspec.json.Decoder(dict[str, Any]).decode
# The letters of plain base64 that the other has not become letters of neither.
_TO_PLAIN_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING = (b"", b"===", b"==", b"=")
_LAST = (b"", b"AQgw", b"AEIMQUYcgkosw048")
"""The letters that end so many bytes more than a multiple of three."""
_TO_URL_BASE64 = bytes.maketrans(b"+/", b"-_")


class KnownHeaders:
    """Encoded token headers that mean plain HS256, and the secrets to verify their tokens with."""

    def __init__(self) -> None:
        self._headers: dict[bytes, None] = {}
        self._signers: tuple[_HmacSha256, ...] = ()

    def use_secrets(self, keys: Sequence[bytes]) -> None:
        """The secrets from now on."""
        self._signers = tuple(_HmacSha256(key) for key in keys)

    def remember(self, token: str, header: Mapping[str, Any]) -> None:
        """Note the header of a token that PyJWT has accepted, if it says nothing unusual."""
        encoded = token.partition(".")[0]
        is_plain = header.keys() <= _USUAL_FIELDS and len(encoded) <= HEADER_LENGTH_MAX
        if is_plain and len(self._headers) < HEADERS_MAX:
            self._headers[encoded.encode()] = None

    def payload(self, token: str) -> dict[str, Any] | None:
        """The payload of a token with a known header and the signature of one of the secrets.

        None proves nothing about a token but that PyJWT has to look at it.
        """
        # A text that is no ASCII has no known header, and its signature fits nothing.
        signed, _, signature = token.encode(errors="replace").rpartition(b".")
        header, _, body = signed.partition(b".")
        if header not in self._headers:
            return None
        for signer in self._signers:
            if hmac.compare_digest(_url_base64(signer.digest(signed)), signature):
                return _object_in(body)
        return None

    def is_forged(self, token: str) -> bool:
        """Whether a token says that it is plain HS256, and none of the secrets has signed it.

        PyJWT takes milliseconds to find that out of a long one. False proves nothing.
        """
        signed, _, signature = token.encode(errors="replace").rpartition(b".")
        header = _object_in(signed.partition(b".")[0])
        if header is None or header.get("alg") != "HS256" or not header.keys() <= _USUAL_FIELDS:
            return False
        return _is_url_base64(signature) and not any(
            hmac.compare_digest(_url_base64(signer.digest(signed)), signature)
            for signer in self._signers
        )


class _HmacSha256:
    """HMAC-SHA-256 with one key (RFC 2104), whose part of the work is done once.

    With the library's own a token takes 5,600 instructions more, and 12,000 if it starts from the
    key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _url_base64(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL_BASE64)


def _is_url_base64(text: bytes) -> bool:
    """Whether this is what the one right encoding of some bytes looks like."""
    return _raw(text) is not None


def _raw(text: bytes) -> bytes | None:
    """What a text is the one right encoding of; None if it is none."""
    try:
        raw = a2b_base64(
            text.translate(_TO_PLAIN_BASE64) + _PADDING[len(text) % 4], strict_mode=True
        )
    except ValueError:
        return None
    # The bits behind the last byte are zeros: of what is strict only they are left to look at.
    rest = len(raw) % 3
    return raw if not rest or text[-1] in _LAST[rest] else None


def _object_in(body: bytes) -> dict[str, Any] | None:
    """The JSON object in a segment; None if there is none, or not encoded in the one right way."""
    raw = _raw(body)
    if raw is None:
        return None
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        return None
