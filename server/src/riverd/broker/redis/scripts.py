"""The Lua scripts: nothing else changes River's keys.

The history that a server has is named in the scripts' text, and so in the hash by which they are
called. A log that was written in another history begins again: no call can mistake a server that
lost its newest data for the one that it knew.
"""

from hashlib import sha1
from importlib.resources import files
from re import compile as pattern

import msgspec

ID = pattern(r"[0-9a-f]{40}")

_HEADS = {
    "publish": "_log",
    "announce": "_log",
    "read": "_log",
    "keep": "_log",
    "renounce": "_log",
    "join": "_members",
    "leave": "_members",
    "clear": "_members",
    "members": "_members",
    "keep_members": "_members",
    "renew": None,
    "order": "_log",
    "give_back": None,
    "rules": None,
    "register": None,
    "claim_tab": None,
    "save_tab": None,
}


class DataHistory(msgspec.Struct, frozen=True):
    """Which history of its data a server has: the same process may have had several.

    A server that became a replica, and a master again, has the data of another under the same run
    id; its replication id is a new one then.
    """

    run_id: str
    replication_id: str

    @property
    def is_named(self) -> bool:
        """Whether the server said both."""
        return bool(ID.fullmatch(self.run_id) and ID.fullmatch(self.replication_id))


class Scripts:
    """The texts for one history of a server, and their hashes."""

    def __init__(self, history: DataHistory) -> None:
        # It becomes a part of a program.
        assert history.is_named, "ids are 40 hex digits"
        self.texts = {name: _text(name, history) for name in _HEADS}
        self.hashes = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self.texts.items()
        }


def _text(name: str, history: DataHistory) -> str:
    head = _HEADS[name]
    shared = _read(head) if head is not None else ""
    ids = f"local RUN, HISTORY = '{history.run_id}', '{history.replication_id}'"
    return f"{ids}\n{shared}\n{_read(name)}"


def _read(name: str) -> str:
    return (files("riverd.broker.redis") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
