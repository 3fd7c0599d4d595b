"""The chain: which hop comes after which, and which need others."""

from collections.abc import Callable, Iterator

import msgspec

from riverd.commands.doctor import (
    lasting,
    network,
    pages,
    plain,
    publishing,
    rules,
    session,
    stream,
    upgrade,
)
from riverd.commands.doctor.finding import Finding, Status, not_checked
from riverd.commands.doctor.visit import Visit, VisitOptions


class Hop(msgspec.Struct, frozen=True):
    """A hop, and those that must work before it is worth a look."""

    check: str
    look: Callable[[Visit], Finding]
    needs: tuple[str, ...] = ()
    unless_warned: bool = False
    """Whether a warning of those it needs is enough to leave it out."""


CHAIN = (
    Hop(network.DNS, network.dns),
    Hop(network.TCP, network.tcp, (network.DNS,)),
    Hop(network.TLS, network.tls, (network.TCP,)),
    Hop(plain.HTTP, plain.http, (network.TLS,)),
    Hop(plain.READY, plain.ready, (plain.HTTP,)),
    Hop(pages.CLIENT, pages.client, (plain.HTTP,)),
    Hop(pages.COMPRESSION, pages.compression, (pages.CLIENT,), unless_warned=True),
    Hop(pages.KEEP_ALIVE, pages.keep_alive, (pages.CLIENT,), unless_warned=True),
    Hop(upgrade.UPGRADE, upgrade.upgrade, (network.TLS,)),
    Hop(upgrade.ORIGIN, upgrade.origin, (upgrade.UPGRADE,)),
    Hop(session.WELCOME, session.welcome, (upgrade.UPGRADE,)),
    Hop(session.TOKEN, session.token, (session.WELCOME,)),
    Hop(session.SUBSCRIBE, session.subscribe, (session.TOKEN,)),
    Hop(publishing.PUBLISH, publishing.publish),
    Hop(publishing.BROKER, publishing.broker),
    Hop(rules.RULES, rules.rules),
    Hop(plain.CLOCK, plain.clock),
    Hop(publishing.DELIVERY, publishing.delivery, (session.SUBSCRIBE,), unless_warned=True),
    Hop(stream.STREAM, stream.stream, (session.SUBSCRIBE,), unless_warned=True),
    Hop(lasting.IDLE, lasting.idle, (session.TOKEN,)),
    Hop(stream.QUIET, stream.quiet, (stream.STREAM,), unless_warned=True),
    Hop(lasting.RESUME, lasting.resume, (session.SUBSCRIBE,), unless_warned=True),
)
"""In the order in which they are looked at."""


def walk(options: VisitOptions, *, begin: Callable[[str], None] | None = None) -> Iterator[Finding]:
    """Look at all hops. `begin` gets each one's name before it is looked at."""
    visit = Visit(options)
    passed: dict[str, Status] = {}
    try:
        for hop in CHAIN:
            if begin is not None:
                begin(hop.check)
            missing = _missing(hop, passed)
            if missing is None:
                finding = hop.look(visit)
                passed[hop.check] = finding.status
            else:
                finding = not_checked(hop.check, f"after {missing}")
            yield finding
    finally:
        visit.close()


def _missing(hop: Hop, passed: dict[str, Status]) -> str | None:
    """What this hop needs and was not looked at, or not with success."""
    for needed in hop.needs:
        status = passed.get(needed)
        if status is None or status is Status.BROKEN:
            return needed
        if status is Status.WARNING and hop.unless_warned:
            return needed
        if status is Status.NOT_CHECKED and needed in _BRINGS_SOMETHING:
            return needed
    return None


_BRINGS_SOMETHING = {session.TOKEN}
"""Hops that may be left out for want of a key; then others have nothing to look at."""
