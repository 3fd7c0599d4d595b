"""The forum by itself: what people see, what they can do, and what they cannot."""

from collections.abc import Callable

import pytest
from forum_visitor import Clock, Visitor

EVIL = "<script>alert('x')</script>"


def test_a_new_forum_has_threads_on_every_board(guest: Visitor) -> None:
    assert guest.see("/").count('class="what"') == 6
    assert "Puppy will not walk past the bakery" in guest.see("/b/dogs")


def test_a_thread_and_its_replies_are_seen_by_everyone(ana: Visitor, guest: Visitor) -> None:
    thread = ana.start("cats", "Who feeds the grey one?", "It eats at three houses.")
    ana.reply(thread, "Four houses.")
    page = guest.see(thread)
    assert page.index("It eats at three houses.") < page.index("Four houses.")
    assert "Who feeds the grey one?" in guest.see("/b/cats")
    assert "Who feeds the grey one?" in guest.see("/")


def test_the_thread_with_the_latest_post_stands_first(ana: Visitor) -> None:
    ana.start("dogs", "A new thread", "Hello.")
    ana.reply("/b/dogs/6", "Still allowed yesterday.")
    board = ana.see("/b/dogs")
    assert board.index("Where is swimming") < board.index("A new thread")


def test_after_a_post_the_browser_is_led_to_it(ana: Visitor) -> None:
    answer = ana.reply("/b/dogs/8", "Go round the block.")
    assert answer.status_code == 303
    assert answer.location.startswith("/b/dogs/8#post-")
    assert f'id="{answer.location.partition("#")[2]}"' in ana.see("/b/dogs/8")


def test_what_people_write_never_becomes_markup(visit: Callable[[str], Visitor]) -> None:
    ana = visit("O'Neil")
    thread = ana.start("books", EVIL, EVIL)
    for page in (thread, "/b/books", "/"):
        assert EVIL not in ana.see(page)
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in ana.see(page)


def test_a_form_sent_twice_makes_one_post(ana: Visitor) -> None:
    form = {"id": "00aa00aa00aa00aa", "body": "Only once."}
    first = ana.send("/b/dogs/8", "/b/dogs/8", **form)
    again = ana.send("/b/dogs/8", "/b/dogs/8", **form)
    assert first.location == again.location
    assert ana.see("/b/dogs/8").count("Only once.") == 1


def test_the_id_of_somebody_elses_post_is_refused(visit: Callable[[str], Visitor]) -> None:
    visit("Ana").send("/b/dogs/8", "/b/dogs/8", id="00aa00aa00aa00aa", body="Mine.")
    answer = visit("Ben").send("/b/dogs/8", "/b/dogs/8", id="00aa00aa00aa00aa", body="Mine too.")
    assert answer.status_code == 422


@pytest.mark.parametrize("page", ["/b/dogs", "/b/dogs/8"])
def test_a_guest_reads_but_cannot_post(guest: Visitor, page: str) -> None:
    assert "Log in with a name" in guest.see(page)
    answer = guest.send("/login", page, id="00aa00aa00aa00aa", title="T", body="B")
    assert answer.status_code == 422
    assert "Log in first" in answer.text


@pytest.mark.parametrize(
    ("body", "word"),
    [("", "empty"), (" \r\n\x00\u202e ", "empty"), ("x" * 4_001, "4,001 characters")],
)
def test_a_post_has_a_size_and_the_form_says_so(ana: Visitor, body: str, word: str) -> None:
    answer = ana.reply("/b/dogs/8", body)
    assert answer.status_code == 422
    assert word in answer.text


def test_a_refused_form_keeps_what_was_written(ana: Visitor) -> None:
    answer = ana.send("/b/dogs", "/b/dogs", title="", body="A long story & more")
    assert answer.status_code == 422
    assert ">A long story &amp; more</textarea>" in answer.text


def test_a_body_far_too_large_is_not_read(ana: Visitor) -> None:
    assert ana.reply("/b/dogs/8", "x" * 100_000).status_code == 413


def test_one_person_cannot_flood_a_board(visit: Callable[[str], Visitor], clock: Clock) -> None:
    ana, ben = visit("Ana"), visit("Ben")
    assert [ana.reply("/b/dogs/8", f"No. {n}").status_code for n in range(6)] == [303] * 5 + [429]
    assert ben.reply("/b/dogs/8", "Me?").status_code == 303
    clock.now_s += 12
    assert ana.reply("/b/dogs/8", "Now.").status_code == 303


@pytest.mark.parametrize(
    "path", ["/b/unicorns", "/b/dogs/4711", "/b/cats/8", "/b/dogs/99999999999999999999", "/nothing"]
)
def test_what_is_not_there_is_a_404_with_a_way_back(ana: Visitor, path: str) -> None:
    answer = ana.client.get(path)
    assert answer.status_code == 404
    assert "To the boards" in answer.text
