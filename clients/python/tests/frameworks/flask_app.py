"""A Flask app that publishes what is posted, and signs its users' tokens."""

import logging
import uuid

from flask import Flask, request, session

from river_realtime import River, RiverError

log = logging.getLogger(__name__)


def create_app(river: River, secret_key: str) -> Flask:
    """Make the app; `river` serves all its threads and, after a fork, all its workers."""
    app = Flask(__name__)
    app.secret_key = secret_key

    @app.post("/posts")
    def add_post() -> tuple[dict[str, str], int]:
        post = {"id": uuid.uuid4().hex, "text": request.form["text"]}
        # Here the post is kept; only what is kept is published.
        try:
            river.publish("posts", "post", post, id=post["id"])
        except RiverError as error:
            log.warning("post %s was not announced: %s", post["id"], error)
        return post, 201

    @app.get("/river-token")
    def river_token() -> dict[str, str]:
        return {"token": river.token(session["user"], ttl_s=600, subscribe=["posts"])}

    @app.post("/login")
    def log_in() -> dict[str, str]:
        session["user"] = request.form["user"]
        return {"user": session["user"]}

    return app
