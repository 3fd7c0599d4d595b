"""One line of the table of routes."""

import msgspec

from riverd.api.context import Handler


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a query; all are optional."""

    name: str
    kind: str
    text: str


class Route(msgspec.Struct, frozen=True):
    """A method and a path with `{names}`, who answers, and what is sent and given.

    `takes` is the type of the body, if there is one; `gives` the types that a 200 may have, none
    for what is no JSON object of ours; `fails` the statuses that other routes do not have. A
    `large` body may have many messages in it; one that is `body_optional` may be missing. `keyless`
    needs no API key. What `publishes` is counted. What `orders` may have been done where no answer
    came. What `lists` may be long, and takes its time. What `shows_access` depends on the key that
    is sent.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    gives: tuple[type[msgspec.Struct], ...] = ()
    takes: type[msgspec.Struct] | None = None
    query: tuple[Parameter, ...] = ()
    fails: tuple[int, ...] = ()
    keyless: bool = False
    large: bool = False
    publishes: bool = False
    orders: bool = False
    lists: bool = False
    body_optional: bool = False
    shows_access: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path."""
        return tuple(self.path.split("/")[1:])


def name_in(segment: str) -> str | None:
    """The parameter's name, if a segment stands for a parameter."""
    return segment[1:-1] if segment.startswith("{") else None
