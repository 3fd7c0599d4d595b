"""What a client calls itself: nobody has checked it, and it is for people to read."""

from urllib.parse import parse_qsl

from riverd.http.request import Request

NAME_LENGTH_MAX = 40
_FIELDS_MAX = 20


def client_name(request: Request) -> str:
    """Its library, as the query names it (`client`, `version`), before its `User-Agent`.

    A page cannot set a header for a WebSocket: Pusher's clients and River's say it in the query.
    """
    agent = request.headers.get("user-agent", "")
    if "client=" not in request.query:
        return agent
    try:
        said = dict(parse_qsl(request.query, max_num_fields=_FIELDS_MAX))
    except ValueError:
        return agent
    parts = [said[name] for name in ("client", "version") if said.get(name)]
    library = "/".join(part[:NAME_LENGTH_MAX] for part in parts)
    return f"{library} {agent}".strip()
