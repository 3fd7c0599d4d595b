"""Why a message was not understood. An error costs no more than a success: no second parser."""

import re

import msgspec

from riverd.errors import DecodeError, ErrorCode
from riverd.model.replies import RequestId

ID_LENGTH_MAX = 64
"""Characters of an id, or digits."""
INTEGER_ID_MAX = 10**ID_LENGTH_MAX
INTEGER_ID_MIN = -INTEGER_ID_MAX
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACEMENT = rb"\\ufffd"
_ABSENT = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    """Of any object the two fields that an answer is made of; the decoder skips the others."""

    id: msgspec.Raw = _ABSENT
    type: msgspec.Raw = _ABSENT


_envelope = msgspec.json.Decoder(_Envelope).decode
_anything = msgspec.json.Decoder(msgspec.Raw).decode
_id = msgspec.json.Decoder(int | str).decode


def refusal(payload: bytes, reason: str | None) -> DecodeError:
    """The error for a message that the strict decoder did not take.

    Args:
        payload: valid UTF-8.
        reason: what the decoder found wrong with its fields; None if it found no JSON.
    """
    try:
        envelope = _envelope(payload)
    except msgspec.ValidationError:
        return _not_an_object(payload)
    except RecursionError:
        return DecodeError(ErrorCode.TOO_DEEP, "nested too deeply")
    except msgspec.DecodeError:
        return _not_json(payload)
    request_id = _readable_id(envelope.id)
    if reason is None:
        return DecodeError(ErrorCode.TOO_DEEP, "nested too deeply", request_id=request_id)
    if reason.startswith("Invalid value") and reason.endswith("`$.type`"):
        shown = bytes(envelope.type).decode()[:ID_LENGTH_MAX]
        return DecodeError(ErrorCode.UNKNOWN_TYPE, f"unknown type {shown}", request_id=request_id)
    return DecodeError(ErrorCode.INVALID_FIELD, reason, request_id=request_id)


def echoable(value: RequestId) -> RequestId:
    """An id, if it is short enough to be given back; else None."""
    if isinstance(value, str):
        return value if len(value) <= ID_LENGTH_MAX else None
    if value is None or INTEGER_ID_MIN < value < INTEGER_ID_MAX:
        return value
    return None


def _not_an_object(payload: bytes) -> DecodeError:
    try:
        _anything(payload)
    except RecursionError:
        return DecodeError(ErrorCode.TOO_DEEP, "nested too deeply", fatal=True)
    except msgspec.DecodeError:
        return _not_json(payload)
    return DecodeError(ErrorCode.NOT_AN_OBJECT, "a message is one JSON object", fatal=True)


def _not_json(payload: bytes) -> DecodeError:
    """No JSON, unless half of a surrogate pair is all that is wrong with it."""
    mended, count = _SURROGATE.subn(_REPLACEMENT, payload)
    if count:
        try:
            envelope = _envelope(mended)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            # An id that was mended is not the client's.
            is_same = b"\\ufffd" not in bytes(envelope.id)
            return DecodeError(
                ErrorCode.INVALID_FIELD,
                "half of a surrogate pair in a text",
                request_id=_readable_id(envelope.id) if is_same else None,
            )
    return DecodeError(ErrorCode.NOT_JSON, "a message is one JSON object", fatal=True)


def _readable_id(raw: msgspec.Raw) -> RequestId:
    try:
        return echoable(_id(raw))
    except msgspec.DecodeError:
        return None
