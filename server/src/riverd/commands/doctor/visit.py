"""One walk along the chain: what was asked for, and what the hops so far have brought."""

import http.client
import secrets
import socket
import ssl

import msgspec

from riverd.commands.doctor import cures
from riverd.commands.doctor.address import Address
from riverd.commands.doctor.line import Line
from riverd.commands.doctor.served_client import ServedClient
from riverd.commands.doctor.stream_probe import StreamProbe

CHANNEL_BYTES = 6


class VisitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user gave."""

    address: Address
    direct: tuple[Address, ...] = ()
    """The same gateway further inside, the outermost first."""
    token: str | None = None
    secret: str | None = None
    """Signs a token, where none is given."""
    issuer: str | None = None
    audience: str | None = None
    api_url: str | None = None
    api_key: str | None = None
    origin: str | None = None
    channel: str | None = None
    idle_s: float = 5.0
    timeout_s: float = 5.0
    ca_file: str | None = None


class Visit:
    """What hops learn for each other. A hop that opens a line puts it here; `close` ends it."""

    def __init__(self, options: VisitOptions) -> None:
        self.options = options
        self.address = options.address
        self.timeout_s = options.timeout_s
        self.channel = options.channel or f"river-doctor-{secrets.token_hex(CHANNEL_BYTES)}"
        self.peers: list[tuple[socket.AddressFamily, tuple[object, ...]]] = []
        """Where the name leads to, those first that answer."""
        self.context: ssl.SSLContext | None = None
        self.proxy = ""
        """Which one answers, where its headers say so."""
        self.skew_s: float | None = None
        """By how much the server's clock is ahead of this one, if it was sent."""
        self.line: Line | None = None
        self.file: ServedClient | None = None
        self.stream: StreamProbe | None = None
        """What stays open while the silence of `idle` is held."""
        self.token = options.token or ""
        self.epoch, self.offset = "", 0
        self.may_publish = False
        """Whether the token lets this client publish to the channel itself."""
        self.api_answers = False
        """Whether a publish API is where it should be."""
        self.api_works = False
        """Whether the publish API took a publication."""
        self.next_id = 10

    def setting(self, what: str) -> str:
        """The configuration to write, for the proxy that is there."""
        return cures.setting(what, self.proxy)

    def page(self, name: str) -> str:
        """The URL of a page of the gateway."""
        scheme = "https" if self.address.secure else "http"
        return f"{scheme}://{self.address.authority}{self.address.beside(name)}"

    def connect(self) -> socket.socket:
        """A connection to where the name leads, through TLS where the address says so.

        Raises:
            OSError: there is none.
        """
        family, peer = self.peers[0]
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                # Before it is connected: one that is reset in between would be left open by `ssl`.
                link = self.context.wrap_socket(link, server_hostname=self.address.host)
            link.settimeout(self.timeout_s)
            link.connect(peer)
        except BaseException:
            link.close()
            raise
        return link

    def connect_http(self) -> http.client.HTTPConnection:
        """The same, for requests.

        Raises:
            OSError: there is none.
        """
        link = http.client.HTTPConnection(self.address.authority, timeout=self.timeout_s)
        link.sock = self.connect()
        return link

    def dial(self, *, origin: str | None = None) -> Line:
        """A WebSocket.

        Raises:
            OSError, Refused, Silent: there is none.
        """
        line = Line(self.connect(), self.address, origin=origin)
        try:
            line.open(within_s=self.timeout_s)
        except BaseException:
            line.cut()
            raise
        return line

    @property
    def opened(self) -> Line:
        """The line that a hop before this one opened."""
        assert self.line is not None
        return self.line

    def number(self) -> int:
        """An id for a request that was not given yet."""
        self.next_id += 1
        return self.next_id

    def close(self) -> None:
        """End what is open."""
        self.cut_line()
        self.close_stream()

    def cut_line(self) -> None:
        """Cut the WebSocket."""
        if self.line is not None:
            self.line.cut()
            self.line = None

    def close_stream(self) -> None:
        """End the HTTP stream."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
