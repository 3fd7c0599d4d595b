"""The console: a page and its modules, that ask this very API with the key that is typed in."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from riverd.http.json_errors import wrong_method
from riverd.http.request import Request
from riverd.http.response import Headers, Response

PATH = "/console"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Nothing of another host, nothing inline, in nobody's frame: what others wrote stays text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
_HEADERS: Headers = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-cache"),
)


class ConsoleFiles:
    """The files by their paths. They are useless without a key, and so open to everybody."""

    def __init__(self) -> None:
        folder = files("riverd.api").joinpath("console")
        self._answers = {
            f"{PATH}/{file.name}": _answer(file)
            for file in folder.iterdir()
            if file.name.rpartition(".")[2] in _TYPES
        }
        self._answers[PATH] = self._answers.pop(f"{PATH}/index.html")

    def answer(self, request: Request) -> Response | None:
        """The file that a request asks for, if it asks for one."""
        file = self._answers.get(request.path)
        if file is None or request.method in ("GET", "HEAD"):
            return file
        return wrong_method("GET, HEAD")


def _answer(file: Traversable) -> Response:
    kind = _TYPES[file.name.rpartition(".")[2]]
    return Response(200, file.read_bytes(), kind, _HEADERS)
