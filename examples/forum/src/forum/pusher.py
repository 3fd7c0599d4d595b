"""The forum for pusher-js instead of River's own client: its file, and who may be present."""

import hmac
import json
import re

from flask import Blueprint, abort, jsonify, request, send_file
from flask.typing import ResponseReturnValue

from forum.boards import BOARDS
from forum.people import hue, initials
from forum.place import place, reader
from forum.settings import PusherApp

PRESENCE = "presence-board-"

pusher = Blueprint("pusher", __name__)

_socket = re.compile(r"\d+\.\d+", re.ASCII).fullmatch


@pusher.get("/pusher.js")
def client() -> ResponseReturnValue:
    """Send pusher-js, as it comes from its package."""
    return send_file(_app().script.resolve(), mimetype="text/javascript")


@pusher.post("/pusher/auth")
def auth() -> ResponseReturnValue:
    """Sign who a reader is on a board."""
    app, user = _app(), reader()
    if user is None:
        abort(401)
    socket, channel = request.form.get("socket_id", ""), request.form.get("channel_name", "")
    if not _socket(socket) or channel.removeprefix(PRESENCE) not in BOARDS:
        abort(403)
    info = {"initials": initials(user), "hue": hue(user)}
    data = json.dumps({"user_id": user, "user_info": info})
    text = f"{socket}:{channel}:{data}".encode()
    signature = hmac.new(app.secret.encode(), text, "sha256").hexdigest()
    return jsonify(auth=f"{app.key}:{signature}", channel_data=data)


def _app() -> PusherApp:
    live = place().live
    if live is None or live.pusher is None:
        abort(404)
    return live.pusher
