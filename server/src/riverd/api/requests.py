"""The JSON objects that the API is sent: bytes in, values out. What is data stays bytes."""

import codecs
import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from riverd.channels.names import EVENT_LENGTH_MAX, NAME_LENGTH_MAX, SESSION_LENGTH_MAX
from riverd.errors import ErrorCode, RiverError
from riverd.http.unknown_field import unknown_field
from riverd.model.payloads import HALF, OTHER, SOME, without_depth, without_halves

CHANNELS_MAX = 100
BATCH_MAX = 1_000
KEY_LENGTH_MAX = 128
NO_BODY = b"{}"
"""What stands for a body that may be left out."""
TTL_S_DEFAULT = 3_600
TTL_S_MAX = 2_592_000

_UNKNOWN_FIELD = re.compile("Object contains unknown field `(.*)`", re.DOTALL)

# Documented, but not checked by the decoder: its errors would not name the right code.
_channel = Meta(extra_json_schema={"minLength": 1, "maxLength": NAME_LENGTH_MAX})
_channels = Meta(
    description="Several channels instead of one; each gets the event once.",
    extra_json_schema={"minItems": 1, "maxItems": CHANNELS_MAX},
)
_event = Meta(extra_json_schema={"minLength": 1, "maxLength": EVENT_LENGTH_MAX})
_alias = Meta(description="The same as `event`.")
_key = Meta(
    description="Idempotency key: a second message with it is answered with the first's position.",
    extra_json_schema={"minLength": 1, "maxLength": KEY_LENGTH_MAX},
)
_keep = Meta(description="false: for those who are connected now; no history, no resume.")
_exclude = Meta(
    description="The session (from its `welcome`) that does not get it.",
    extra_json_schema={"minLength": 1, "maxLength": SESSION_LENGTH_MAX},
)
_messages = Meta(
    description="Publish requests; one that is wrong is an error of its own.",
    extra_json_schema={"maxItems": BATCH_MAX},
)
_message = Meta(extra_json_schema={"$ref": "#/components/schemas/Publish"})
_ttl = Meta(extra_json_schema={"minimum": 1, "maximum": TTL_S_MAX})
_globs = Meta(description="Globs of channel names.")
_names = Meta(description="Names of channels to subscribe to, to the letter: no globs.")


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event for one channel or several; `data` is any JSON.

    A field that is not known is refused: a misspelt `data` would publish null.
    """

    channel: Annotated[str, _channel] | None = None
    channels: Annotated[list[str], _channels] | None = None
    event: Annotated[str, _event] | None = None
    event_name: Annotated[str, _alias] | None = msgspec.field(name="eventName", default=None)
    data: Raw | UnsetType = UNSET
    id: Annotated[str, _key] | None = None
    keep: Annotated[bool, _keep] = True
    exclude: Annotated[str, _exclude] | None = None


class UserPublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event for one user; the fields are those of `Publish` but for its channels."""

    event: Annotated[str, _event] | None = None
    event_name: Annotated[str, _alias] | None = msgspec.field(name="eventName", default=None)
    data: Raw | UnsetType = UNSET
    id: Annotated[str, _key] | None = None
    keep: Annotated[bool, _keep] = True
    exclude: Annotated[str, _exclude] | None = None


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many messages at once."""

    messages: Annotated[list[Annotated[Raw, _message]], _messages]


class GoodBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many messages at once, none of them wrong in itself: decoded in one go."""

    messages: list[Publish]


class WantedToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose token, for how long, and what it grants.

    Without `subscribe`: every channel except private ones. So a name that is not known is refused:
    a misspelt limit would be none.
    """

    user: str
    ttl_s: Annotated[int, _ttl] = TTL_S_DEFAULT
    subscribe: Annotated[list[str], _globs] | None = None
    publish: Annotated[list[str], _globs] = []
    channels: Annotated[list[str], _names] = []
    info: dict[str, object] | None = None


class WantedDisconnect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the user's tokens are refused from now on; new ones are not."""

    revoke: bool = False


class WantedBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when the user is refused, in unix seconds; null or absent is for good.

    Later than the year 3000 is refused: that was meant in milliseconds.
    """

    until: float | None = None


class NoFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: all is said by the path. A field that is meant for another request is refused."""


class WantedReplay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead events of a webhook are sent again: those of `ids`, or the oldest."""

    webhook: str
    ids: list[str] | None = None
    limit: int = 1_000


class WantedTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which webhook is tried."""

    webhook: str


_Body = TypeVar("_Body", bound=msgspec.Struct)

publish = msgspec.json.Decoder(Publish)
user_publish = msgspec.json.Decoder(UserPublish)
batch = msgspec.json.Decoder(Batch)
good_batch = msgspec.json.Decoder(GoodBatch)
wanted_token = msgspec.json.Decoder(WantedToken)
wanted_disconnect = msgspec.json.Decoder(WantedDisconnect)
wanted_replay = msgspec.json.Decoder(WantedReplay)
wanted_test = msgspec.json.Decoder(WantedTest)
wanted_block = msgspec.json.Decoder(WantedBlock)
no_fields = msgspec.json.Decoder(NoFields)


def decoded(decoder: "msgspec.json.Decoder[_Body]", body: bytes | Raw) -> _Body:
    """The object in a body.

    Raises:
        RiverError: not_json, not_an_object, too_deep, invalid_field.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), decoder.type) from None
    except RecursionError:
        raise RiverError(ErrorCode.TOO_DEEP, "nested too deeply") from None
    except msgspec.DecodeError as error:
        raise _not_json(decoder, bytes(body), reason=str(error)) from None


def decoded_batch(body: bytes) -> Sequence[Publish | Raw | RiverError]:
    """The messages of a batch: decoded when they all can be, else each as it stands there.

    Raises:
        RiverError: it is no batch.
    """
    try:
        return good_batch.decode(body).messages
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return _decoded_one_by_one(body)
    except RiverError as error:
        if error.error is not ErrorCode.TOO_DEEP:
            raise
        too_deep = error
    # What is nested so deeply is one message's, and not the others'.
    flat = [_decoded_one_by_one(without_depth(body, instead=instead)) for instead in (b"0", b"1")]
    return [
        one if one == other or isinstance(one, RiverError) else too_deep
        for one, other in zip(*flat, strict=True)
    ]


def _decoded_one_by_one(body: bytes) -> Sequence[Raw | RiverError]:
    # JavaScript writes a text that was cut within a pair so: one such message is not the others'.
    mended = [without_halves(body, instead=instead) for instead in (SOME, OTHER)]
    if mended[0] == mended[1]:
        return decoded(batch, body).messages
    ones, others = [decoded(batch, text).messages for text in mended]
    wrong = RiverError(ErrorCode.INVALID_FIELD, HALF)
    return [one if one == other else wrong for one, other in zip(ones, others, strict=True)]


def check_text(body: bytes) -> bytes:
    """The body without its byte order mark, if it is UTF-8: a decoder does not look at all of it.

    Raises:
        RiverError: not_json.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            at = f"the body is not UTF-8: byte {error.start} is wrong"
            raise RiverError(ErrorCode.NOT_JSON, at) from None
        # Some editors and clients put it there (RFC 8259, section 8.1).
        return body.removeprefix(codecs.BOM_UTF8)
    return body


def _invalid(reason: str, body_type: type[msgspec.Struct]) -> RiverError:
    # What lies below the top has a path; without one it is the body itself that is no object.
    if reason.startswith("Expected `object`") and "$" not in reason:
        return RiverError(ErrorCode.NOT_AN_OBJECT, f"send one JSON object. {reason}")
    unknown = _UNKNOWN_FIELD.match(reason)
    if unknown is not None:
        fields = [field.encode_name for field in msgspec.structs.fields(body_type)]
        reason = unknown_field(unknown[1], fields)
    return RiverError(ErrorCode.INVALID_FIELD, reason)


def _not_json(decoder: "msgspec.json.Decoder[_Body]", body: bytes, *, reason: str) -> RiverError:
    if not body.strip():
        return RiverError(ErrorCode.NOT_JSON, "the body is empty: send one JSON object")
    mended = without_halves(body, instead=SOME)
    if mended != body:
        try:
            decoded(decoder, mended)
        except RiverError as error:
            if error.error is not ErrorCode.NOT_JSON:
                return error
        else:
            return RiverError(ErrorCode.INVALID_FIELD, HALF)
    return RiverError(ErrorCode.NOT_JSON, f"the body is not JSON. {reason}")
