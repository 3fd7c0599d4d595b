"""The hops that only time shows: whether silence is survived, and a cut."""

from riverd.commands.doctor import cures
from riverd.commands.doctor.finding import Finding, broken, ok, skipped, warning
from riverd.commands.doctor.line import Ended, Line, Refused, Silent
from riverd.commands.doctor.publishing import received, sender
from riverd.commands.doctor.session import ask_for_channel, authenticate
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import NoAnswer

IDLE, RESUME = "idle", "resume"
PING_S = 25.0
"""How often River pings, unless RIVER_PING_INTERVAL_S says otherwise."""
PING_S_LATEST = 35.0
"""By then a ping has come: River's wheel turns slowly."""
_MISSED = 1_000


def idle(visit: Visit) -> Finding:
    """Whether a connection on which nothing is said stays."""
    for_s = visit.options.idle_s
    if not for_s:
        return skipped(IDLE, "not asked for (--idle 0)")
    line = visit.opened
    pings_before = len(line.pings)
    cut_after_s = line.hold(for_s=for_s)
    pings = len(line.pings) - pings_before
    if cut_after_s is not None:
        visit.cut_line()
        return broken(
            IDLE,
            f"cut after {cut_after_s:.1f} s of silence, {pings} pings of River in it: a proxy's "
            "timeout is "
            f"shorter than River's pings, every {PING_S:g} s",
            cure=f"75 s is right: {visit.setting(cures.IDLE)}",
        )
    if for_s >= PING_S_LATEST and not pings:
        return warning(
            IDLE,
            f"held {for_s:g} s, but none of River's pings came through",
            cure=(
                "something on the way swallows pings, or RIVER_PING_INTERVAL_S is longer than usual"
            ),
        )
    if for_s < PING_S_LATEST and not pings:
        return ok(
            IDLE, f"{for_s:g} s of silence are survived; --idle 90 waits for River's pings too"
        )
    return ok(IDLE, f"{for_s:g} s of silence are survived, {pings} pings came")


def resume(visit: Visit) -> Finding:
    """Whether a client that was cut off gets what it missed."""
    visit.cut_line()
    try:
        line = visit.dial()
    except (Refused, Silent, OSError) as error:
        return broken(
            RESUME, f"no second connection: {error!r}", cure="the first one worked: a limit?"
        )
    visit.line = line
    try:
        return _resumed(visit, line)
    except Silent:
        return broken(
            RESUME,
            f"what was missed did not come within {visit.timeout_s:g} s",
            cure="look at the gateway's log: is its broker away?",
        )
    except Ended as ended:
        return broken(RESUME, f"closed: {ended}", cure="look at the gateway's log")
    except (NoAnswer, OSError) as error:
        return broken(RESUME, f"while publishing: {error}", cure="see publish")


def _resumed(visit: Visit, line: Line) -> Finding:
    line.receive(within_s=visit.timeout_s)
    authenticate(line, visit)
    send = sender(visit, line)
    if send is not None:
        send(_MISSED)
    answer = ask_for_channel(line, visit, epoch=visit.epoch, offset=visit.offset)
    if answer.get("type") == "error":
        return broken(RESUME, str(answer.get("message")), cure="see docs/protocol.md")
    if answer.get("recovered") is not True:
        return broken(
            RESUME,
            f"the gateway does not know where this client was ({answer.get('reason')})",
            cure="several gateways need one broker between them (RIVER_BROKER), and a log that is "
            "kept: RIVER_HISTORY_SIZE, RIVER_HISTORY_TTL_S",
        )
    if send is None:
        return ok(RESUME, "a cut connection is taken up where it was")
    received(line, visit, number=_MISSED)
    return ok(RESUME, "a cut connection is taken up where it was, with what it missed")
