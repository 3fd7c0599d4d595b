"""Threads and their posts, kept in SQLite."""

import secrets
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPLIES_MAX = 1_000
"""A thread with so many replies is full: its page shows every one of them."""

THREADS_SHOWN = 50
"""How many threads, the latest first, a board's page lists."""

BUSY_TIMEOUT_S = 5.0

_SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")

_POSTS = """
    SELECT post.id, post.number, post.author, post.body, post.created_at,
           thread.id AS thread_id, thread.board, thread.title,
           (SELECT count(*) - 1 FROM post AS other
             WHERE other.thread = thread.id AND other.number <= post.number) AS replies
      FROM post JOIN thread ON thread.id = post.thread
"""


class ThreadFullError(Exception):
    """The thread takes no more replies."""


class PostIdTakenError(Exception):
    """The id that came with the form names somebody else's post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post, with what a page needs to know of its thread.

    `replies` is how many replies the thread had once this post was made; 0 opens the thread.
    """

    id: str
    number: int
    author: str
    body: str
    created_at: int
    thread_id: int
    board: str
    title: str
    replies: int

    @property
    def time(self) -> str:
        """When it was made, as ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person wants to post; `id` was made with the form, so sending twice is harmless."""

    id: str
    author: str
    body: str
    created_at: int


class PostStore:
    """The database. Every call is a transaction of its own, so threads may share the object."""

    def __init__(self, path: Path, *, replies_max: int = REPLIES_MAX) -> None:
        self._path = path
        self._replies_max = replies_max
        with self._transaction() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
            db.execute(
                "INSERT OR IGNORE INTO session_key (only, key) VALUES (1, ?)",
                (secrets.token_hex(32),),
            )

    def session_key(self) -> str:
        """Return the key that signs session cookies: made once, kept with the data."""
        with self._transaction() as db:
            return str(db.execute("SELECT key FROM session_key").fetchone()["key"])

    def is_empty(self) -> bool:
        """Tell whether nobody has posted yet."""
        with self._transaction() as db:
            return db.execute("SELECT 1 FROM post LIMIT 1").fetchone() is None

    def latest_by_board(self) -> dict[str, Post]:
        """Return each board's latest post; a board without one is not in it."""
        newest = """
            WHERE post.number IN (SELECT max(post.number) FROM post
                                  JOIN thread ON thread.id = post.thread GROUP BY thread.board)
        """
        with self._transaction() as db:
            return {post.board: post for post in _read(db.execute(_POSTS + newest))}

    def latest_by_thread(self, board: str) -> list[Post]:
        """Return the latest post of each of the board's threads, the newest first."""
        newest = """
            WHERE post.number IN (SELECT max(post.number) FROM post
                                  JOIN thread ON thread.id = post.thread
                                  WHERE thread.board = ? GROUP BY thread.id)
            ORDER BY post.number DESC LIMIT ?
        """
        with self._transaction() as db:
            return _read(db.execute(_POSTS + newest, (board, THREADS_SHOWN)))

    def posts(self, board: str, thread_id: int) -> list[Post]:
        """Return the thread's posts in their order; none when the board has no such thread."""
        theirs = "WHERE thread.board = ? AND thread.id = ? ORDER BY post.number"
        with self._transaction() as db:
            return _read(db.execute(_POSTS + theirs, (board, thread_id)))

    def start_thread(self, board: str, title: str, draft: Draft) -> Post:
        """Open a thread with its first post; the same draft again returns what it made.

        Raises:
            PostIdTakenError: the id names a post of somebody else.
        """
        with self._transaction() as db:
            earlier = _made_before(db, draft)
            if earlier:
                return earlier
            thread = "INSERT INTO thread (board, title) VALUES (?, ?) RETURNING id"
            made = db.execute(thread, (board, title)).fetchone()
            return _add(db, made["id"], draft)

    def reply(self, thread_id: int, draft: Draft) -> Post:
        """Add a reply; the same draft again returns what it made.

        Raises:
            PostIdTakenError: the id names a post of somebody else.
            ThreadFullError: the thread has `replies_max` replies.
        """
        with self._transaction() as db:
            earlier = _made_before(db, draft)
            if earlier:
                return earlier
            count = db.execute("SELECT count(*) AS n FROM post WHERE thread = ?", (thread_id,))
            if count.fetchone()["n"] > self._replies_max:
                raise ThreadFullError
            return _add(db, thread_id, draft)

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys = ON")
            with db:
                yield db
        finally:
            db.close()


def _read(rows: sqlite3.Cursor) -> list[Post]:
    return [Post(**dict(row)) for row in rows]


def _made_before(db: sqlite3.Connection, draft: Draft) -> Post | None:
    # Takes the write lock before it looks: nobody can post between the look and the insert.
    db.execute("BEGIN IMMEDIATE")
    found = _read(db.execute(_POSTS + "WHERE post.id = ?", (draft.id,)))
    if found and found[0].author != draft.author:
        raise PostIdTakenError
    return found[0] if found else None


def _add(db: sqlite3.Connection, thread_id: int, draft: Draft) -> Post:
    db.execute(
        "INSERT INTO post (id, thread, author, body, created_at) VALUES (?, ?, ?, ?, ?)",
        (draft.id, thread_id, draft.author, draft.body, draft.created_at),
    )
    return _read(db.execute(_POSTS + "WHERE post.id = ?", (draft.id,)))[0]
