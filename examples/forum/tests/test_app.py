"""What holds for every page: forms prove where they come from, headers forbid the rest."""

import pytest
from forum_visitor import Visitor

from forum.app import create_app
from forum.settings import ForumSettings


@pytest.mark.parametrize("path", ["/b/dogs", "/b/dogs/8", "/login", "/logout"])
@pytest.mark.parametrize("token", [None, "", "0" * 32, "é"])
def test_a_form_without_the_sessions_token_is_refused(
    ana: Visitor, path: str, token: str | None
) -> None:
    fields = {"name": "Eve", "title": "T", "body": "B", "id": "00aa00aa00aa00aa"}
    if token is not None:
        fields["csrf"] = token
    assert ana.client.post(path, data=fields).status_code == 400


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(ana: Visitor) -> None:
    cookie = ana.log_in("Ana").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_pages_allow_no_foreign_scripts_no_frames_and_no_cache(ana: Visitor) -> None:
    headers = ana.client.get("/b/dogs").headers
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_session_survives_a_restart(ana: Visitor, settings: ForumSettings) -> None:
    cookie = ana.client.get_cookie("towpath")
    assert cookie is not None
    later = create_app(settings).test_client()
    later.set_cookie("towpath", cookie.value)
    assert "Log out" in later.get("/").text
