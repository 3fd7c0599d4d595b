-- Posts are counted by `number`, in the order in which they were committed, and named by `id`,
-- which the form that they came from has chosen: sending the same form twice makes one post.
CREATE TABLE IF NOT EXISTS thread (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    board TEXT NOT NULL,
    title TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS post (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    thread INTEGER NOT NULL REFERENCES thread,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS thread_by_board ON thread (board);
CREATE INDEX IF NOT EXISTS post_by_thread ON post (thread, number);

CREATE TABLE IF NOT EXISTS session_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    key TEXT NOT NULL
) STRICT;
