"""The Lua scripts: nothing else changes logs, lists of members and queues of webhooks.

The history that a server has is named in the scripts' text, and so in the hash by which they are
called. A log that was written in another history begins again: no call can mistake a server that
lost its newest data for the one that it knew.
"""

from functools import cache
from hashlib import sha1
from importlib.resources import files
from re import compile as pattern

import msgspec

ID = pattern(r"[0-9a-f]{40}")
TERM = pattern(r"([0-9]+\.[0-9a-f]+)?")

_HEADS = {
    "publish": ("_term", "_log"),
    "announce": ("_term", "_log"),
    "read": ("_term", "_log"),
    "age": (),
    "keep": ("_term", "_log"),
    "renounce": ("_term", "_log"),
    "join": ("_term", "_members"),
    "leave": ("_term", "_members"),
    "clear": ("_term", "_members"),
    "members": ("_term", "_members"),
    "keep_members": ("_term", "_members"),
    "renew": (),
    "order": ("_term", "_log", "_orders"),
    "give_back": ("_term", "_log", "_orders"),
    "rules": (),
    "remaking": (),
    "webhook_begin": ("_webhooks",),
    "webhook_bury": (),
    "webhook_count": ("_webhooks",),
    "webhook_lease": (),
    "webhook_miss": ("_webhooks",),
    "webhook_now": (),
    "webhook_replay": ("_webhooks",),
    "webhook_reset": ("_webhooks",),
    "webhook_settle": (),
    "webhook_test": ("_webhooks",),
    "register": (),
    "beat": (),
    "claim_tab": (),
    "save_tab": (),
}
_NOTED = {"join": False, "leave": False, "clear": False, "publish": True, "announce": True}
"""Scripts that also write events for webhooks under another name; whether a client publishes."""
_UNNOTED = "local note"


class DataHistory(msgspec.Struct, frozen=True):
    """Which history of its data a server has: the same process may have had several.

    A server that became a replica, and a master again, has the data of another under the same run
    id; its replication id is a new one then.
    """

    run_id: str
    replication_id: str
    term: str = ""
    """As what it was opened (see `healing/process.py`): logs of other terms begin again too."""
    others: tuple["DataHistory", ...] | None = None
    """In a cluster those of other servers: logs of theirs may be moved to this one."""
    terms: tuple[str, ...] = ()
    """In a cluster those that the server is in: what others wrote before is an old copy."""

    @property
    def is_named(self) -> bool:
        """Whether the server said both."""
        ids = ID.fullmatch(self.run_id) and ID.fullmatch(self.replication_id)
        others = all(one.is_named for one in self.others or ())
        terms = all(TERM.fullmatch(one) for one in (self.term, *self.terms))
        return bool(ids and others and terms)

    @property
    def data(self) -> "DataHistory":
        """The same, whatever term it was opened as."""
        return DataHistory(self.run_id, self.replication_id)

    @property
    def mark(self) -> str:
        """What logs and lists have as their history, beside the run."""
        return f"{self.replication_id}.{self.term}" if self.term else self.replication_id

    def counts(self, run_id: str, mark: str | None, *, term: str | None) -> bool:
        """Whether what was written so goes on. What 0.1.0 wrote has no mark: its run counts."""
        if run_id == self.run_id and mark in (None, self.mark):
            return True
        if term not in self.terms:
            return False
        return any(run_id == one.run_id and mark == one.mark for one in self.others or ())


class Scripts:
    """The texts for one history of a server, and their hashes."""

    def __init__(self, history: DataHistory) -> None:
        # It becomes a part of a program.
        assert history.is_named, "ids are 40 hex digits"
        self.texts = {name: _text(name, history) for name in _HEADS} | {
            noted(name): _noted_text(name, history, by_client=by_client)
            for name, by_client in _NOTED.items()
        }
        self.hashes = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self.texts.items()
        }


def noted(name: str) -> str:
    """The script that does the same and writes events for webhooks in the same step."""
    assert name in _NOTED, name
    return f"{name}_noted"


def _text(name: str, history: DataHistory) -> str:
    heads = _HEADS[name]
    shared = [_read(head) for head in heads]
    return "\n".join(
        [
            _ids(history, is_log="_log" in heads),
            *([] if "_webhooks" in heads else [_UNNOTED]),
            *shared,
            _read(name),
        ]
    )


def _noted_text(name: str, history: DataHistory, *, by_client: bool) -> str:
    parts = [
        _ids(history, is_log="_log" in _HEADS[name]),
        _read("_webhooks"),
        *(_read(head) for head in _HEADS[name]),
    ]
    if by_client:
        parts += ["local function change()", _read(name), "end", _read("_hooked")]
    else:
        parts.append(_read(name))
    return "\n".join(parts)


def _ids(history: DataHistory, *, is_log: bool) -> str:
    # In a cluster the term is in another slot than what scripts change.
    name = history.term.partition(".")[2] if history.others is None else ""
    ids = f"local RUN, HISTORY, TERM = '{history.run_id}', '{history.mark}', '{name}'"
    if not is_log:
        # Each term would make another script of it, for nothing.
        return ids
    marks = ", ".join(f"['{one.run_id}'] = '{one.mark}'" for one in history.others or ())
    terms = ", ".join(f"['{one}'] = true" for one in history.terms)
    now = history.terms[-1] if history.terms else ""
    return f"{ids}\nlocal MARKS, TERMS, NOW = {{{marks}}}, {{{terms}}}, '{now}'"


def script(name: str) -> str:
    """The text of a script that knows of no history."""
    return _read(name)


def _read(name: str) -> str:
    return _files()[name]


@cache
def _files() -> dict[str, str]:
    """All files, read once: an upgrade may put others there while this process runs."""
    folder = files("riverd.broker.redis") / "lua"
    found = [one for one in folder.iterdir() if one.name.endswith(".lua")]
    return {one.name.removesuffix(".lua"): one.read_text(encoding="utf-8") for one in found}
