"""Coming in with a name, going out, and the token that River asks for."""

import re

from flask import Blueprint, abort, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from forum.boards import BOARDS
from forum.people import clean_name
from forum.place import place, reader

door = Blueprint("door", __name__)

# A page of this forum and nothing else: "//elsewhere" and "/\t/elsewhere" do not match.
_OUR_PAGE = re.compile(r"/(?:[\w-]+(?:/[\w-]+)*)?", re.ASCII)


@door.get("/login")
def login_page() -> ResponseReturnValue:
    """Ask for a name."""
    return render_template("login.html", then=_then(request.args.get("then", "")))


@door.post("/login")
def login() -> ResponseReturnValue:
    """Come in. The name is all the proof there is: this is a demo."""
    then = _then(request.form.get("then", ""))
    sent = request.form.get("name", "")
    name = clean_name(sent)
    if name is None:
        return _again(then, "A name has up to 24 letters, digits, spaces, dots or dashes."), 422
    if not place().logins.allow(request.remote_addr or ""):
        return _again(then, "Too many people at the door. Try again in a minute."), 429
    session.clear()
    session["user"] = name
    session.permanent = True
    return redirect(then, code=303)


@door.post("/logout")
def logout() -> ResponseReturnValue:
    """Go out."""
    session.clear()
    return redirect(url_for("pages.front"), code=303)


@door.get("/river-token")
def river_token() -> ResponseReturnValue:
    """Sign in the reader to River, for a board or for the front page."""
    user, live, board = reader(), place().live, request.args.get("board")
    if live is None or (board is not None and board not in BOARDS):
        abort(404)
    if user is None:
        abort(401)
    return jsonify(token=live.token(user, board) if board else live.front_token(user))


def _then(path: str) -> str:
    return path if _OUR_PAGE.fullmatch(path) else url_for("pages.front")


def _again(then: str, problem: str) -> str:
    return render_template("login.html", then=then, problem=problem)
