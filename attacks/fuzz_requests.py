"""What reads the requests of streams and of Pusher's clients and back ends, for the fuzz."""

import time
from contextlib import suppress

from riverd.api.pusher.signing import signed_request
from riverd.auth.apps import App, Apps
from riverd.channels.rules import ChannelRules
from riverd.errors import DecodeError, RiverError
from riverd.gateway.origins import Origins
from riverd.gateway.streams.client_requests import FIELDS, fields_of
from riverd.gateway.streams.credentials import token_in
from riverd.gateway.streams.stream_request import query_of, stream_request
from riverd.http.request import Request
from riverd.protocols.pusher.path import PusherPath
from riverd.protocols.pusher.protocol import PusherProtocol
from riverd.protocols.sse.cursor import StreamChannels

SECRET = "a-secret-of-a-fuzzed-app"  # noqa: S105  nobody else's
APP = App(id="1", key="key", secret=SECRET, client_events=True)
APPS = Apps((APP,))
RULES = ChannelRules((), history_size=100, history_ttl_s=300)
PUSHER = PusherProtocol(APP, APPS, rules=RULES)
PUSHER_PATH = PusherPath(APPS, RULES)
ORIGINS = Origins(["https://*.example.com"])
CHANNELS = StreamChannels.of(("a", "presence-b"))
CURSOR = CHANNELS.cursor((b"epoch:12", b"-"))
URL_LENGTH_MAX = 16_384

PUSHER_MESSAGES = [
    b'{"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"key:00","channel_data":"{}"}}',
    b'{"event":"client-x","channel":"private-c","data":"{\\"a\\":[1,2]}"}',
    b'{"event":"pusher:signin","data":{"auth":"key:00","user_data":"{\\"id\\":\\"u\\"}"}}',
    b'{"event":"pusher:unsubscribe","data":{"channel":"#server-to-user-1"}}',
    b'{"event":"pusher:ping","data":{}}',
]
SIGNED = [
    b"/apps/1/events?auth_key=key&auth_timestamp=1&auth_version=1.0&body_md5=0&auth_signature=00",
    b"/apps/1/channels?info[0]=a&info[1]=b&auth_key=key&auth_version=1.0&auth_signature=%C3%A9",
    b"/app/key?protocol=7&client=js&version=8.6.0&flash=false",
    b"/t/l8k2j-0e4c9f0e-7f3a-4c52-9a51-000000000000/app/key?protocol=7",
]
STREAMS = [
    b"channel=a&channel=presence-b&last-event-id=" + CURSOR,
    b"channel=a&mode=poll&wait_s=3&token=x",
    b"channel=%61&shape=event&lastEventId=" + CURSOR,
    b"channel=a&shape=native&mode=poll&wait_s=0&history=5",
]
BODIES = [
    b'{"channel":"c","event":"e","data":{"a":[1,2.5e3,"x",null]},"keep":false,"exclude":"s"}',
    b'{"channel":"presence-c"}',
    b'{"channel":"c","epoch":"e","offset":3,"limit":2}',
]


def read_pusher_message(data: bytes) -> None:
    """A message of Pusher's protocol."""
    with suppress(DecodeError):
        PUSHER.decode(data.decode("utf-8", "replace").encode())


def read_signed_request(data: bytes) -> None:
    """The head of a request of an app's back end, or of a Pusher client."""
    path, _, query = data[:URL_LENGTH_MAX].decode("latin-1").partition("?")
    request = Request("POST", path, query, {})
    PUSHER_PATH.enter(request)
    signed_request(request, APPS, app_id="1", now=time.time())


def read_stream_request(data: bytes) -> None:
    """The query of a stream, and the cursor in it and in its header."""
    text = data[:URL_LENGTH_MAX].decode("latin-1")
    headers = {"last-event-id": text, "cookie": text, "authorization": text}
    headers["sec-fetch-site"] = "same-origin"
    for given in ({}, headers):
        request = Request("GET", "/events", text, given)
        query = query_of(request)
        first = {name: values[0] for name, values in query.items()}
        token_in(request, first, origins=ORIGINS, from_query=True)
        stream_request(request, query, channels_max=100)


def read_client_request(data: bytes) -> None:
    """The body of what a client without a socket asks."""
    for path in FIELDS:
        with suppress(RiverError):
            fields_of(path, data)
