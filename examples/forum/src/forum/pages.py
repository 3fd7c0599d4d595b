"""The forum's pages: boards, threads, and the forms on them."""

import time

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from forum import forms
from forum.boards import BOARDS, Board
from forum.forms import FormError, TooFastError
from forum.place import place, reader
from forum.store import Draft, Post, PostIdTakenError, ThreadFullError

pages = Blueprint("pages", __name__)


@pages.get("/")
def front() -> ResponseReturnValue:
    """Show every board with its latest post."""
    latest = place().store.latest_by_board()
    return render_template("front.html", boards=BOARDS.values(), latest=latest)


@pages.get("/b/<slug>")
def board(slug: str) -> ResponseReturnValue:
    """Show a board's threads."""
    return _board_page(_board(slug))


@pages.post("/b/<slug>")
def start_thread(slug: str) -> ResponseReturnValue:
    """Open a thread on a board."""
    here = _board(slug)
    try:
        title = forms.read_line(request, "title", what="The title", length_max=forms.TITLE_MAX)
        post = place().store.start_thread(slug, title, _draft())
    except (FormError, PostIdTakenError) as problem:
        return _board_page(here, problem=_words(problem)), _status(problem)
    return _posted(post)


@pages.get("/b/<slug>/<int(max=9007199254740991):thread_id>")
def thread(slug: str, thread_id: int) -> ResponseReturnValue:
    """Show a thread's posts."""
    return _thread_page(_board(slug), thread_id)


@pages.post("/b/<slug>/<int(max=9007199254740991):thread_id>")
def reply(slug: str, thread_id: int) -> ResponseReturnValue:
    """Add a reply to a thread."""
    here = _board(slug)
    store = place().store
    if not store.posts(slug, thread_id):
        abort(404)
    try:
        post = store.reply(thread_id, _draft())
    except (FormError, PostIdTakenError, ThreadFullError) as problem:
        return _thread_page(here, thread_id, problem=_words(problem)), _status(problem)
    return _posted(post)


def _board(slug: str) -> Board:
    if slug not in BOARDS:
        abort(404)
    return BOARDS[slug]


def _board_page(here: Board, *, problem: str = "") -> str:
    threads = place().store.latest_by_thread(here.slug)
    return render_template("board.html", board=here, threads=threads, problem=problem)


def _thread_page(here: Board, thread_id: int, *, problem: str = "") -> str:
    posts = place().store.posts(here.slug, thread_id)
    if not posts:
        abort(404)
    return render_template("thread.html", board=here, posts=posts, problem=problem)


def _draft() -> Draft:
    author = reader()
    if author is None:
        raise FormError("Log in first: a name is enough.")
    draft = Draft(
        id=forms.read_post_id(request),
        author=author,
        body=forms.read_text(request, "body", what="Your post", length_max=forms.BODY_MAX),
        created_at=int(time.time()),
    )
    if not place().posts.allow(author):
        raise TooFastError("That was a lot in a short time. Wait a moment, then send it again.")
    return draft


def _words(problem: Exception) -> str:
    match problem:
        case ThreadFullError():
            return "This thread is full. Please start a new one."
        case PostIdTakenError():
            return "This form was already used. Please send it once more."
        case _:
            return str(problem)


def _status(problem: Exception) -> int:
    return problem.status if isinstance(problem, FormError) else FormError.status


def _posted(post: Post) -> ResponseReturnValue:
    live = place().live
    if live:
        live.publish(post)
    here = url_for("pages.thread", slug=post.board, thread_id=post.thread_id)
    return redirect(f"{here}#post-{post.id}", code=303)
