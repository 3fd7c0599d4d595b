"""River beside Django, Flask and FastAPI: the apps that the documentation quotes."""

import importlib
import uuid
from collections.abc import Iterator
from types import ModuleType

import django
import httpx
import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from frameworks.fastapi_app import app as fastapi_app
from frameworks.flask_app import create_app
from real_river import Running

from river_realtime import River

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def river(running: Running) -> Iterator[River]:
    with River(running.api_url, running.key) as river:
        yield river


def texts(river: River) -> list[object]:
    """What was published of the posts."""
    events = river.history("posts").events
    return [event.data["text"] for event in events if isinstance(event.data, dict)]


@pytest.fixture(scope="session")
def pets(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Yield the part of a Django project that speaks with River."""
    database = tmp_path_factory.mktemp("django") / "pets.sqlite3"
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["frameworks.pets"],
        LOGGING_CONFIG=None,
        RIVER_API_KEY=running.key,
        RIVER_API_URL=running.api_url,
        ROOT_URLCONF="frameworks.pets.urls",
        SECRET_KEY="of a test",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    live = importlib.import_module("frameworks.pets.live")
    with live.river:
        yield live


def test_django_publishes_what_is_committed_and_nothing_else(
    pets: ModuleType, river: River
) -> None:
    assert pets.river
    browser = Client(raise_request_exception=False)
    text = uuid.uuid4().hex
    assert browser.post("/posts", {"text": text}).status_code == 201
    before = texts(river)
    assert before[-1] == text
    assert browser.post("/posts", {"text": ""}).status_code == 500
    assert texts(river) == before


def test_django_keeps_a_post_when_river_is_away(
    pets: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with River(NOWHERE, "key", timeout_s=0.1) as away:
        monkeypatch.setattr(pets, "river", away)
        assert Client().post("/posts", {"text": "still here"}).status_code == 201
    assert "unreachable" in caplog.text


def test_flask_publishes_what_is_posted(running: Running, river: River) -> None:
    browser = create_app(river, "secret").test_client()
    text = uuid.uuid4().hex
    assert browser.post("/posts", data={"text": text}).status_code == 201
    assert texts(river)[-1] == text
    browser.post("/login", data={"user": "ann"})
    token = browser.get("/river-token").json
    assert token is not None
    claims = jwt.decode(token["token"], running.secret, algorithms=["HS256"])
    assert (claims["sub"], claims["river"]["subscribe"]) == ("ann", ["posts"])


def test_flask_keeps_a_post_when_river_is_away(caplog: pytest.LogCaptureFixture) -> None:
    with River(NOWHERE, "key", timeout_s=0.1) as away:
        browser = create_app(away, "secret").test_client()
        assert browser.post("/posts", data={"text": "still here"}).status_code == 201
    assert "was not announced" in caplog.text


@pytest.mark.parametrize("is_away", [False, True])
async def test_fastapi_publishes_what_is_posted_after_it_has_answered(
    running: Running,
    river: River,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    is_away: bool,
) -> None:
    monkeypatch.setenv("RIVER_API_URL", running.api_url)
    monkeypatch.setenv("RIVER_API_KEY", "wrong" if is_away else running.key)
    text = uuid.uuid4().hex
    transport = httpx.ASGITransport(fastapi_app)
    async with (
        fastapi_app.router.lifespan_context(fastapi_app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as browser,
    ):
        answer = await browser.post("/posts", json={"text": text})
    assert answer.status_code == 201
    assert (texts(river)[-1:] == [text]) is not is_away
    assert ("was not announced" in caplog.text) is is_away
