"""The composition: settings and a generator in, a FastAPI application out."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Body, Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

from assistant.answers import Answers, GeneratedAnswer, TooManyAnswersError
from assistant.generator import Generate
from assistant.settings import AssistantSettings
from river_realtime import AsyncRiver, RiverError, sign_token

STATIC = Path(__file__).parent / "static"
QUESTION_MAX = 500
TOKEN_TTL_S = 3600
PUBLISH_S_MAX = 60.0
"""How long River may be away before an answer fails."""


def create_app(settings: AssistantSettings, generate: Generate) -> FastAPI:
    """Make the application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url, key = settings.river_api_url, settings.river_api_key
        async with AsyncRiver(url, key, timeout_s=PUBLISH_S_MAX) as river:
            app.state.answers = Answers(river, generate)
            yield
            await app.state.answers.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.middleware("http")(_protect)
    app.get("/")(page)
    app.get("/answers/{answer_id}")(page)
    app.get("/answers/{answer_id}/plain")(page)
    app.post("/api/answers", status_code=201)(ask)
    app.get("/api/answers/{answer_id}")(read)
    app.post("/api/answers/{answer_id}/stop", status_code=202)(stop)
    app.get("/river-token")(river_token)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def answers_of(request: Request) -> Answers:
    """Give a request the app's answers."""
    answers: Answers = request.app.state.answers
    return answers


def answer_of(answer_id: str, answers: Annotated[Answers, Depends(answers_of)]) -> GeneratedAnswer:
    """Give a request the answer in its path."""
    answer = answers.find(answer_id)
    if answer is None:
        raise HTTPException(404, "no such answer")
    return answer


def page() -> FileResponse:
    """The only page: a form, or the answer that its address names."""
    return FileResponse(STATIC / "page.html")


async def ask(
    question: Annotated[str, Body(embed=True, min_length=1, max_length=QUESTION_MAX)],
    answers: Annotated[Answers, Depends(answers_of)],
) -> dict[str, str]:
    """Begin an answer. It goes on when the browser that asked is closed."""
    try:
        answer = await answers.begin(question)
    except TooManyAnswersError:
        raise HTTPException(503, "busy: ask again in a minute") from None
    except RiverError as error:
        raise HTTPException(503, f"River does not answer: {error.code}") from None
    return {"id": answer.id}


def read(
    request: Request, answer: Annotated[GeneratedAnswer, Depends(answer_of)]
) -> dict[str, object]:
    """The text so far, and the position after which the rest comes."""
    settings: AssistantSettings = request.app.state.settings
    return {
        "question": answer.question,
        "text": answer.text,
        "state": answer.state,
        "river": settings.river_url,
        "channel": answer.channel,
        "position": {"epoch": answer.position.epoch, "offset": answer.position.offset},
    }


def stop(answer: Annotated[GeneratedAnswer, Depends(answer_of)]) -> dict[str, str]:
    """End the answer with the token that is being written. All its readers see the end."""
    answer.is_unwanted = True
    return {"state": answer.state}


def river_token(
    request: Request, visitor: Annotated[str | None, Cookie(max_length=64)] = None
) -> PlainTextResponse:
    """A token: as text for the library, as a cookie for `EventSource`, which sends no header."""
    settings: AssistantSettings = request.app.state.settings
    visitor = visitor or secrets.token_hex(16)
    token = sign_token(settings.river_secret, visitor, ttl_s=TOKEN_TTL_S, subscribe=["answer-*"])
    response = PlainTextResponse(token)
    # Behind TLS add `secure=True`.
    response.set_cookie("visitor", visitor, httponly=True, samesite="lax")
    response.set_cookie("river_token", token, TOKEN_TTL_S, httponly=True, samesite="lax")
    return response


async def _protect(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    settings: AssistantSettings = request.app.state.settings
    river = settings.river_url
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {river}; style-src 'self'; img-src data:; "
        f"connect-src 'self' {river} {river.replace('http', 'ws', 1)}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # A text taken from a cache would be older than River's log reaches back to.
    response.headers["Cache-Control"] = "no-store"
    return response
