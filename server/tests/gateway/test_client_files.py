"""The browser client's files: which encoding, how long they may be kept, when 304 is enough."""

import gzip
import re
from pathlib import Path

import pytest

from riverd.gateway.client_files import ClientFiles
from riverd.http.request import Request
from riverd.http.response import Response
from riverd.service.composition import client_folder

ROOT = Path(__file__).resolve().parents[3]
FILES = ClientFiles(client_folder(), "1.2.3")
BUILT = (client_folder() / "dist" / "river.min.js").read_bytes()


def get(path: str, **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = FILES.answer(Request("GET", f"/client/{path}", "", fields))
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("GZIP ; q=0.5", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, identity;q=0", None),
        ("gzip;q=high", None),
        ("deflate", None),
    ],
)
def test_client_gets_the_smallest_that_it_takes(accepted: str, coding: str | None) -> None:
    answer = get("river.js", accept_encoding=accepted)
    headers = dict(answer.headers)
    assert (answer.status, headers.get("Content-Encoding")) == (200, coding)
    assert headers["Vary"] == "Accept-Encoding"
    if coding == "br":
        assert answer.body == Path(client_folder(), "dist", "river.min.js.br").read_bytes()
    else:
        assert (gzip.decompress(answer.body) if coding else answer.body) == BUILT
    assert coding is None or len(answer.body) < len(BUILT) / 2


@pytest.mark.parametrize("page", ["docs/clients/javascript.md", "clients/js/README.md"])
def test_client_is_sent_in_no_more_bytes_than_the_docs_say(page: str) -> None:
    most = re.search(r"at most ([\d,]+) bytes", (ROOT / page).read_text("utf-8"))
    assert most is not None
    for name in ("river.js", "tabs.js"):
        for coding in ("gzip", "br"):
            sent = get(name, accept_encoding=coding).body
            assert len(sent) <= int(most[1].replace(",", "")), (name, coding)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{}, "more"', "*"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_client_that_has_it_is_not_sent_it_again(form: str, coding: str) -> None:
    tag = dict(get("river.js", accept_encoding=coding).headers)["ETag"]
    again = get("river.js", accept_encoding=coding, if_none_match=form.format(tag))
    headers = dict(again.headers)
    assert (again.status, again.body) == (304, b"")
    assert (headers["ETag"], headers["Vary"]) == (tag, "Accept-Encoding")
    assert headers["Cache-Control"] == "max-age=0, stale-while-revalidate=86400"


def test_client_that_has_another_encoding_or_another_build_is_sent_it() -> None:
    compressed = dict(get("river.js", accept_encoding="gzip").headers)["ETag"]
    for tag in (compressed, '"other"', "W/", '""'):
        assert get("river.js", if_none_match=tag).status == 200


@pytest.mark.parametrize("name", ["river", "tabs"])
def test_name_with_the_version_is_kept_for_good(name: str) -> None:
    answer = get(f"{name}-1.2.3.js")
    assert answer.body == get(f"{name}.js").body
    assert dict(answer.headers)["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("other", ["1.2.4", "0.1.0rc1", "2.0.0-beta+5"])
def test_name_of_another_version_leads_to_the_short_one(other: str) -> None:
    answer = get(f"river-{other}.js")
    headers = dict(answer.headers)
    assert (answer.status, headers["Location"]) == (302, "river.js")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "no-cache"


def test_version_of_the_file_is_that_of_the_client() -> None:
    version = re.match(rb"/\* River (\S+) \*/", BUILT)
    assert version is not None
    package = (client_folder() / "package.json").read_text(encoding="utf-8")
    assert f'"version": "{version[1].decode()}"' in package


def test_what_is_loaded_later_is_kept_for_good() -> None:
    [name] = re.findall(rb"later-[\d.]+\.js", BUILT)[:1]
    answer = get(name.decode(), accept_encoding="br")
    assert answer.status == 200
    assert "immutable" in dict(answer.headers)["Cache-Control"]
    assert dict(get("later-0.0.1.js").headers)["Location"] == "later.js"
