"""Which hop it is: the same walk from addresses further inside, and where it begins to work."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from riverd.commands.doctor import lasting, network, publishing, stream
from riverd.commands.doctor.address import Address
from riverd.commands.doctor.finding import Finding, Status, broken, ok
from riverd.commands.doctor.visit import VisitOptions
from riverd.commands.doctor.walk import walk

BETWEEN = "between"
_FAULTS = {Status.BROKEN, Status.WARNING}
_OF_AN_ADDRESS = {network.DNS, network.TCP, network.TLS}
"""Each address has its own; nothing follows for another."""
_SILENT = {lasting.IDLE, stream.QUIET}

Begin = Callable[[str], None]


def walk_inwards(options: VisitOptions, *, begin: Begin | None = None) -> Iterator[Finding]:
    """The walk to the public address, and one finding more where addresses inside are given."""
    outside: list[Finding] = []
    for finding in walk(options, begin=begin):
        outside.append(finding)
        yield finding
    if options.direct:
        yield _between(options, outside, begin=begin)


def _between(options: VisitOptions, outside: list[Finding], *, begin: Begin | None) -> Finding:
    faults = [
        one.check for one in outside if one.status in _FAULTS and one.check not in _OF_AN_ADDRESS
    ]
    # Silence is held again only where it showed something.
    idle_s = options.idle_s if _SILENT & {*faults} else 0.0
    walks: list[dict[str, Finding]] = []
    for address in options.direct:
        inside = msgspec.structs.replace(options, address=address, direct=(), idle_s=idle_s)
        note = None if begin is None else _noting(begin, address)
        walks.append({one.check: one for one in walk(inside, begin=note)})
    if not faults:
        return _compared(options, ({one.check: one for one in outside}, *walks))
    named = [_named(check, walks, options=options) for check in faults]
    return broken(BETWEEN, "; ".join(dict.fromkeys(named)), cure="see the lines of these hops")


def _compared(options: VisitOptions, walks: Sequence[dict[str, Finding]]) -> Finding:
    way = zip((options.address, *options.direct), walks, strict=True)
    delays = [(address.url, found[publishing.DELIVERY].ms) for address, found in way]
    if any(ms is None for _, ms in delays):
        return ok(BETWEEN, "nothing is wrong from outside; delays were not measured everywhere")
    return ok(BETWEEN, "an event takes " + ", ".join(f"{ms:.1f} ms at {url}" for url, ms in delays))


def _named(check: str, walks: Sequence[dict[str, Finding]], *, options: VisitOptions) -> str:
    way = (options.address, *options.direct)
    for number, found in enumerate(walks):
        finding = found[check]
        if finding.status is Status.NOT_CHECKED:
            return f"{check} could not be looked at at {way[number + 1].url}: {finding.message}"
        if finding.status not in _FAULTS:
            return f"{check} works at {way[number + 1].url}: it is {way[number].url} that breaks it"
    return f"{check} is the same at {way[-1].url}: no proxy is at fault"


def _noting(begin: Begin, address: Address) -> Begin:
    return lambda check: begin(f"{check} at {address.url}")
