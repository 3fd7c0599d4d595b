"""The database: order, counting, and many who write at once."""

import threading
from pathlib import Path

import pytest

from forum.store import Draft, PostStore, ThreadFullError


@pytest.fixture
def store(tmp_path: Path) -> PostStore:
    return PostStore(tmp_path / "forum.db")


def draft(name: str, number: int = 0) -> Draft:
    return Draft(id=f"{name}-{number}", author=name, body=f"No. {number}", created_at=number)


def test_replies_are_counted_as_they_were_when_each_was_made(store: PostStore) -> None:
    opening = store.start_thread("dogs", "T", draft("ana"))
    replies = [store.reply(opening.thread_id, draft("ben", number)) for number in range(3)]
    assert [post.replies for post in (opening, *replies)] == [0, 1, 2, 3]
    assert store.posts("dogs", opening.thread_id) == [opening, *replies]


def test_the_latest_post_of_each_board_is_found(store: PostStore) -> None:
    store.start_thread("dogs", "Old", draft("ana", 1))
    newer = store.start_thread("dogs", "New", draft("ana", 2))
    other = store.start_thread("cats", "Cat", draft("ana", 3))
    assert store.latest_by_board() == {"dogs": newer, "cats": other}


def test_a_full_thread_takes_no_more(tmp_path: Path) -> None:
    store = PostStore(tmp_path / "small.db", replies_max=2)
    thread = store.start_thread("dogs", "T", draft("ana")).thread_id
    store.reply(thread, draft("ben", 1))
    store.reply(thread, draft("ben", 2))
    with pytest.raises(ThreadFullError):
        store.reply(thread, draft("ben", 3))


def test_many_who_post_at_once_all_get_in(store: PostStore) -> None:
    thread = store.start_thread("dogs", "T", draft("ana")).thread_id

    def post(name: str) -> None:
        for number in range(20):
            store.reply(thread, draft(name, number))

    writers = [threading.Thread(target=post, args=(name,)) for name in ("ben", "cleo", "dan")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    posts = store.posts("dogs", thread)
    assert len(posts) == 61
    assert [post.replies for post in posts] == list(range(61))
