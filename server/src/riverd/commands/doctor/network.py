"""The hops below HTTP: the name, the connection, TLS."""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from typing import cast

from riverd.commands.doctor.finding import Finding, broken, ok, skipped, warning
from riverd.commands.doctor.visit import Visit

DNS, TCP, TLS = "dns", "tcp", "tls"
EXPIRES_SOON_S = 14 * 86_400.0
SECONDS_A_DAY = 86_400.0

# What OpenSSL calls the faults of a certificate (x509_vfy.h).
_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = {2, 18, 19, 20, 21}
_WRONG_NAME = {62, 64}

_Found = list[tuple[socket.AddressFamily, tuple[object, ...]]]


def dns(visit: Visit) -> Finding:
    """Whether the name leads anywhere."""
    host = visit.address.host
    begun = time.monotonic()
    try:
        visit.peers = _resolved(host, visit.address.port, timeout_s=visit.timeout_s)
    except TimeoutError:
        return broken(
            DNS,
            f"no name server answered for {host} within {visit.timeout_s:g} s",
            cure="this machine's name servers (/etc/resolv.conf) are away",
        )
    except (OSError, UnicodeError) as error:
        return broken(
            DNS,
            f"{host} leads nowhere: {error}",
            cure=f"is it spelled right? If so, make an A, AAAA or CNAME record for {host}",
        )
    if _is_address(host):
        return ok(DNS, f"{host} is an address: nothing to look up")
    listed = ", ".join(str(peer[0]) for _, peer in visit.peers)
    return ok(DNS, f"{host} is {listed}", ms=(time.monotonic() - begun) * 1000)


def tcp(visit: Visit) -> Finding:
    """Whether somebody listens, at all addresses of the name."""
    port = visit.address.port
    working: _Found = []
    failed: list[tuple[str, OSError]] = []
    begun = time.monotonic()
    for family, peer in visit.peers:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as link:
                link.settimeout(visit.timeout_s)
                link.connect(peer)
            working.append((family, peer))
        except OSError as error:
            failed.append((str(peer[0]), error))
    if not working:
        return _unreachable(failed, port)
    visit.peers = working
    if failed and not _is_loopback(visit):
        host, reason = failed[0]
        return warning(
            TCP,
            f"{working[0][1][0]} answers at port {port}, but {host} does not: {reason}",
            cure=(
                f"have something listen at {host}, or remove its DNS record: some clients try it "
                "first"
            ),
        )
    ms = (time.monotonic() - begun) * 1000 / len(working)
    return ok(TCP, f"port {port} accepts connections", ms=ms)


def tls(visit: Visit) -> Finding:
    """Whether the certificate is one that browsers take."""
    if not visit.address.secure:
        if _is_loopback(visit):
            return skipped(TLS, "ws:// to this machine has none")
        return warning(
            TLS,
            "ws:// has none: tokens travel readable, and pages of https:// cannot use it",
            cure=(
                "let a proxy end TLS (deploy/compose does, with certificates of its own) and use "
                "wss://"
            ),
        )
    try:
        context = ssl.create_default_context(cafile=visit.options.ca_file)
    except OSError as error:
        return broken(TLS, f"--ca-file: {error}", cure="give a file with certificates in PEM")
    context.set_alpn_protocols(["http/1.1"])
    visit.context = context
    try:
        with visit.connect() as link:
            return _certificate(cast("ssl.SSLSocket", link))
    except ssl.SSLCertVerificationError as error:
        return _untrusted(visit, error)
    except ssl.SSLError as error:
        return _no_tls(visit, error)
    except TimeoutError:
        return broken(
            TLS,
            f"the connection was accepted, but TLS was not answered within {visit.timeout_s:g} s",
            cure="what listens there hangs, or is no TLS server: look at it, and at its log",
        )
    except OSError as error:
        return broken(
            TLS,
            f"the connection was cut during the TLS handshake: {error}",
            cure=(
                "a firewall or a proxy that knows no such host: is the host configured for TLS "
                "there?"
            ),
        )


def _resolved(host: str, port: int, *, timeout_s: float) -> _Found:
    """All addresses of a name; the resolver itself knows no limit of time."""
    answers: queue.SimpleQueue[_Found | OSError | UnicodeError] = queue.SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([(family, peer) for family, _, _, _, peer in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, list):
        return answer
    raise answer


def _unreachable(failed: list[tuple[str, OSError]], port: int) -> Finding:
    host, error = failed[0]
    if isinstance(error, ConnectionRefusedError):
        return broken(
            TCP,
            f"nothing listens at {host} port {port}: connection refused",
            cure=(
                "start the proxy or the gateway there, or correct the port (RIVER_PORT, "
                "RIVER_HOST); a gateway that is stopping refuses too"
            ),
        )
    if isinstance(error, TimeoutError):
        return broken(
            TCP,
            f"{host} port {port} does not answer at all",
            cure=(
                "a firewall or a security group drops the packets, or the machine is down: open "
                "the port"
            ),
        )
    return broken(
        TCP, f"{host} port {port} cannot be reached: {error}", cure="look at the route to it"
    )


def _certificate(link: ssl.SSLSocket) -> Finding:
    expires = str((link.getpeercert() or {}).get("notAfter", ""))
    left_s = ssl.cert_time_to_seconds(expires) - time.time()
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), UTC).date()
    if left_s < EXPIRES_SOON_S:
        return warning(
            TLS,
            f"the certificate ends in {left_s / SECONDS_A_DAY:.0f} days, on {until}",
            cure="renew it now, and find out why nothing renewed it by itself",
        )
    return ok(TLS, f"{link.version()}, certificate valid until {until}")


def _untrusted(visit: Visit, error: ssl.SSLCertVerificationError) -> Finding:
    host, code = visit.address.host, error.verify_code
    if code == _EXPIRED:
        what, cure = "the certificate has expired", "renew it and reload the proxy"
    elif code == _NOT_YET:
        what = "the certificate is not valid yet"
        cure = "the clock of this machine is wrong, or that of the machine that issued it"
    elif code in _WRONG_NAME:
        what = f"the certificate is for another name than {host}"
        cure = f"get one for {host}, or connect to a name that it has ({error.verify_message})"
    elif code in _UNKNOWN_ISSUER:
        what = f"the certificate's issuer is not known ({error.verify_message})"
        cure = (
            "use a public issuer, and let the proxy send the whole chain (nginx: the file of "
            "ssl_certificate holds the intermediate ones too); for an authority of your own: "
            "--ca-file"
        )
    else:
        what, cure = f"the certificate is refused: {error.verify_message}", "replace it"
    return broken(TLS, what, cure=cure)


def _no_tls(visit: Visit, error: ssl.SSLError) -> Finding:
    reason = str(error.reason or error)
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER" in reason or "HTTP_REQUEST" in reason:
        return broken(
            TLS,
            f"port {visit.address.port} does not speak TLS",
            cure=(
                f"use ws://{visit.address.authority}, or let the proxy end TLS there (listen ... "
                "ssl)"
            ),
        )
    if "NO_APPLICATION_PROTOCOL" in reason:
        return broken(
            TLS,
            "the server speaks HTTP/2 only, and a WebSocket begins with HTTP/1.1",
            cure="allow HTTP/1.1 beside it (ALPN http/1.1)",
        )
    return broken(TLS, f"the TLS handshake fails: {reason}", cure="look at the proxy's log")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(visit: Visit) -> bool:
    return ipaddress.ip_address(str(visit.peers[0][1][0]).partition("%")[0]).is_loopback
