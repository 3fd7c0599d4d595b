"""River's operations on Redis: one atomic Lua script each, bound to one run of the server.

The server's run id stands in the scripts' text, and so in the hash by which they are called. A log
that another run wrote begins again: no call can mistake a server that lost its newest data for
the one that it knew. A connection speaks to one run only, and so uses the scripts of that run.
"""

from hashlib import sha1
from importlib.resources import files
from re import compile as pattern

RUN_ID = pattern(r"[0-9a-f]{40}")

_HEADS = {
    "publish": "_log",
    "read": "_log",
    "join": "_members",
    "leave": "_members",
    "clear": "_members",
    "members": "_members",
    "renew": None,
    "rules": None,
    "alive": None,
}


class Scripts:
    """The texts for one run of a server, and their hashes."""

    def __init__(self, run_id: str) -> None:
        # It becomes a part of a program.
        assert RUN_ID.fullmatch(run_id), "a run id is 40 hex digits"
        self.run_id = run_id
        self.texts = {name: _text(name, run_id) for name in _HEADS}
        self.hashes = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self.texts.items()
        }


def _text(name: str, run_id: str) -> str:
    head = _HEADS[name]
    shared = _read(head) if head is not None else ""
    return f"local RUN = '{run_id}'\n{shared}\n{_read(name)}"


def _read(name: str) -> str:
    return (files("riverd.broker.redis") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
