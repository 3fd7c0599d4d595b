"""The browser client as the gateway serves it: built files, compressed once, and their modules.

/client/river.js            built; browsers use what they have, and ask beside it for a newer one
/client/river-VERSION.js    the same, to be kept for good
/client/river-OTHER.js      leads to the short name, so that a page survives an update
/client/later-VERSION.js    what those load only when they need it
/client/river.d.ts          types; also tabs.d.ts
/client/src/...             the modules that it is built of, and their types, for reading
"""

import gzip
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from riverd.http.request import Request
from riverd.http.response import Headers, Response

SCRIPT = "text/javascript; charset=utf-8"
TYPES = "text/plain; charset=utf-8"
GZIP_LEVEL = 9
BUILT = ("river", "tabs")
LATER = "later"
REVALIDATED = ("Cache-Control", "no-cache")
# A page need not wait for the 304. One that is a version behind works as well.
REFRESHED = ("Cache-Control", "max-age=0, stale-while-revalidate=86400")
KEPT = ("Cache-Control", "public, max-age=31536000, immutable")
# Pages of any origin import the client as a module.
OPEN = (("Access-Control-Allow-Origin", "*"), ("X-Content-Type-Options", "nosniff"))

_OTHER_VERSION = re.compile(rf"/client/({'|'.join((*BUILT, LATER))})-\d[\w.+-]*\.js")
_WEAK = "W/"


class ClientFile:
    """A file, as it is and compressed.

    Args:
        encoded: The bodies by their content coding, the preferred one first; `identity` always.
        content_type: Of all of them.
        cache: The header that says how long it may be kept.
    """

    def __init__(
        self,
        encoded: Mapping[str, bytes],
        content_type: str,
        *,
        cache: tuple[str, str] = REVALIDATED,
    ) -> None:
        self._encoded = encoded
        self._content_type = content_type
        self._cache = cache
        self._tags = {coding: _tag(body) for coding, body in encoded.items()}

    def answer(self, request: Request) -> Response:
        """The body that the client prefers, or that it has it already."""
        coding = _preferred(tuple(self._encoded), request.tokens("accept-encoding"))
        tag = self._tags[coding]
        headers: Headers = (*OPEN, self._cache, ("ETag", tag), ("Vary", "Accept-Encoding"))
        if _has(tag, request):
            return Response(304, headers=headers)
        if coding != "identity":
            headers += (("Content-Encoding", coding),)
        return Response(200, self._encoded[coding], self._content_type, headers)


class ClientFiles:
    """All of them, by their paths."""

    def __init__(self, folder: Path, version: str) -> None:
        self._files: dict[str, ClientFile] = {}
        for name in BUILT:
            path = folder / "dist" / f"{name}.min.js"
            encoded = _compressed(path)
            self._files[f"/client/{name}.js"] = ClientFile(encoded, SCRIPT, cache=REFRESHED)
            self._files[f"/client/{name}-{version}.js"] = ClientFile(encoded, SCRIPT, cache=KEPT)
            types = f'export * from "./src/{name}.js";\n'.encode()
            self._files[f"/client/{name}.d.ts"] = ClientFile({"identity": types}, TYPES)
        for path in (folder / "dist").glob(f"{LATER}-*.js"):
            encoded = _compressed(path)
            self._files[f"/client/{LATER}.js"] = ClientFile(encoded, SCRIPT)
            self._files[f"/client/{path.name}"] = ClientFile(encoded, SCRIPT, cache=KEPT)
        for below, suffix, content_type in (("src", ".js", SCRIPT), ("types/src", ".d.ts", TYPES)):
            for path in sorted((folder / below).glob(f"*{suffix}")):
                body = {"identity": path.read_bytes()}
                self._files[f"/client/src/{path.name}"] = ClientFile(body, content_type)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def answer(self, request: Request) -> Response | None:
        """The answer to a request for one of them; None if it is for something else."""
        file = self._files.get(request.path)
        if file is not None:
            return file.answer(request)
        other = _OTHER_VERSION.fullmatch(request.path)
        if other is None:
            return None
        # Relative, as a proxy may have it below a path of its own.
        to = ("Location", f"{other[1]}.js")
        return Response(302, headers=(*OPEN, REVALIDATED, to))


def _compressed(path: Path) -> dict[str, bytes]:
    """A built file in all codings: brotli's was made with it, as Python has none."""
    body = path.read_bytes()
    return {
        "br": path.with_name(f"{path.name}.br").read_bytes(),
        "gzip": gzip.compress(body, GZIP_LEVEL, mtime=0),
        "identity": body,
    }


def _preferred(codings: tuple[str, ...], accepted: list[str]) -> str:
    """The coding to send (RFC 9110, section 12.5.3); as it is, where the client refuses all."""
    weights: dict[str, float] = {}
    for entry in accepted:
        name, _, parameter = entry.partition(";")
        weights[name.strip().lower()] = _weight(parameter)
    usual = weights.get("*", 0.0)
    best = max(codings, key=lambda coding: weights.get(coding, usual))
    return best if weights.get(best, usual) > 0 else "identity"


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'


def _has(tag: str, request: Request) -> bool:
    """Whether the client has what this tag names; compared weakly (RFC 9110, section 13.1.2)."""
    known = request.tokens("if-none-match")
    return known == ["*"] or tag in [one.removeprefix(_WEAK) for one in known]
