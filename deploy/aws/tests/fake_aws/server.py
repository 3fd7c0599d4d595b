"""The server: moto's, with what this fake puts in its place, on a free port of loopback."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import cloudformation, faults, functions, kept, mends, refusals

Answer = Iterable[bytes]


def serve(port_file: Path) -> None:
    """Serve until the process is ended. The port is in the file once it listens."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  moto reads its settings when imported
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    mends.apply()
    application = Front(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )
    os.environ["MOTO_PORT"] = str(server.port)
    # By name: with an IP address clients put buckets elsewhere in their URLs.
    cloudformation.ENDPOINT[0] = f"http://localhost:{server.port}"
    port_file.with_suffix(".new").write_text(str(server.port))
    port_file.with_suffix(".new").rename(port_file)
    try:
        server.serve_forever()
    finally:
        functions.forget()


class Front:
    """What stands before moto: the test's own requests below /fake-aws/."""

    def __init__(self, moto: Callable[..., Answer]) -> None:
        self._moto = moto

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Answer:
        path = environ["PATH_INFO"]
        service = refusals.service_of(environ.get("HTTP_AUTHORIZATION", ""))
        if service in faults.REFUSED:
            return refusals.answer(service, faults.REFUSED[service], start)
        if not path.startswith("/fake-aws/"):
            return self._moto(environ, start)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        told = json.loads(environ["wsgi.input"].read(size) or b"{}")
        answer = json.dumps(_CONTROLS[path.removeprefix("/fake-aws/")](told)).encode()
        start(
            "200 OK", [("content-type", "application/json"), ("content-length", str(len(answer)))]
        )
        return [answer]


def _fail(told: dict[str, str]) -> object:
    faults.FAILING.clear()
    faults.FAILING.update(told)
    return {}


def _lack(told: dict[str, str]) -> object:
    faults.MISSING.clear()
    faults.MISSING.update(told)
    return {}


def _made(told: dict[str, str]) -> object:
    """The properties of a stack's resources, by type and name."""
    found: dict[str, dict[str, object]] = {}
    for (_, name), stack in cloudformation.STACKS.items():
        for one in stack.made.values() if name == told["stack"] else ():
            found.setdefault(one.kind, {})[one.logical_id] = one.resource.properties
    return found


def _refuse(told: dict[str, str]) -> object:
    faults.REFUSED.clear()
    faults.REFUSED.update(told)
    return {}


def _hold(told: dict[str, str]) -> object:
    faults.hold(told)
    return {}


def _set(told: dict[str, str]) -> object:
    functions.SETTINGS.clear()
    functions.SETTINGS.update(told)
    return {}


def _happen(told: dict[str, Any]) -> object:
    """An event of an AWS service, which nobody else may send."""
    from moto.events.models import events_backends  # noqa: PLC0415  with moto's settings

    backend = events_backends[told["account"]][told["region"]]
    rules = backend.event_buses["default"].rules.values()
    matching = [one for one in rules if one.event_pattern.matches_event(told)]
    for rule in matching:
        rule.send_to_targets(told)
    return [one.name for one in matching]


_CONTROLS: dict[str, Callable[[dict[str, str]], object]] = {
    "event": _happen,
    "fail": _fail,
    "hold": _hold,
    "lack": _lack,
    "made": _made,
    "refuse": _refuse,
    "settings": _set,
    "kept": lambda _: {key: operation for key, (operation, _) in kept.THINGS.items()},
}
