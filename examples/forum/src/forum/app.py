"""The composition of the forum: its settings in, a Flask application out."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from flask import Flask, Response, abort, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from forum import forms, people, wording
from forum.door import door
from forum.limits import RateLimit
from forum.live import Live
from forum.pages import pages
from forum.place import Forum, place, reader
from forum.pusher import pusher
from forum.seed import plant
from forum.settings import ForumSettings
from forum.store import PostStore

FORM_BYTES_MAX = 64 * 1024
LOGINS_PER_MINUTE = 30

access = logging.getLogger("forum.access")


def create_app(settings: ForumSettings, *, clock_s: Callable[[], float] = time.monotonic) -> Flask:
    """Make the forum's application; a new database is filled with a few threads."""
    store = PostStore(settings.database)
    plant(store, now_s=int(time.time()))
    app = Flask("forum")
    app.secret_key = store.session_key()
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=FORM_BYTES_MAX,
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SESSION_COOKIE_NAME="towpath",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    Forum(
        store=store,
        posts=RateLimit(per_minute=settings.posts_per_minute, clock_s=clock_s),
        logins=RateLimit(per_minute=LOGINS_PER_MINUTE, clock_s=clock_s),
        live=Live(settings.river) if settings.river else None,
    ).open_in(app)
    app.register_blueprint(pages)
    app.register_blueprint(door)
    app.register_blueprint(pusher)
    app.before_request(_check_forms)
    app.after_request(_protect)
    app.after_request(_log)
    app.register_error_handler(HTTPException, _explain)
    app.context_processor(_for_every_page)
    app.add_template_filter(people.initials)
    app.add_template_filter(people.hue)
    app.add_template_filter(wording.when)
    app.add_template_filter(wording.replies)
    return app


def _check_forms() -> None:
    g.started_s = time.monotonic()
    if request.method == "POST" and not forms.comes_from_our_page(request):
        abort(400, "This form does not belong to your visit. Go back, reload, send it again.")


def _protect(response: Response) -> Response:
    live = place().live
    # The page runs River's client and speaks with River: the two lines here that are River's.
    scripts = f" {live.url}" if live else ""
    speaks = f"{scripts} {live.url.replace('http', 'ws', 1)}" if live else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'{scripts}; connect-src 'self'{speaks}; "
        "style-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        # A page taken from a cache would show older posts than River's log reaches back to.
        response.headers["Cache-Control"] = "no-store"
    return response


def _log(response: Response) -> Response:
    took_ms = (time.monotonic() - g.get("started_s", time.monotonic())) * 1_000
    access.info("%s %s %d %.0fms", request.method, request.path, response.status_code, took_ms)
    return response


def _explain(problem: HTTPException) -> ResponseReturnValue:
    return render_template("error.html", error=problem), problem.code or 500


def _for_every_page() -> dict[str, object]:
    live = place().live
    return {
        "me": reader(),
        "live": live is not None,
        "river_url": live.url if live and reader() else None,
        "pusher_key": live.pusher.key if live and live.pusher else None,
        "csrf_token": forms.csrf_token,
        "new_post_id": forms.new_post_id,
        "title_max": forms.TITLE_MAX,
        "body_max": forms.BODY_MAX,
        "name_max": people.NAME_MAX,
        "here": request.path if request.endpoint else url_for("pages.front"),
    }
