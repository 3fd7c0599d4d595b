"""A FastAPI app that publishes what is posted, once it has answered."""

import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from pydantic import BaseModel

from river_realtime import AsyncRiver, RiverError

log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one River as long as the app runs."""
    url, key = os.environ["RIVER_API_URL"], os.environ["RIVER_API_KEY"]
    async with AsyncRiver(url, key) as app.state.river:
        yield


def river_of(request: Request) -> AsyncRiver:
    """Give a request the app's River."""
    river: AsyncRiver = request.app.state.river
    return river


class Post(BaseModel):
    """What is posted."""

    text: str


app = FastAPI(lifespan=lifespan)


@app.post("/posts", status_code=201)
async def add_post(
    post: Post, later: BackgroundTasks, river: Annotated[AsyncRiver, Depends(river_of)]
) -> dict[str, str]:
    """Keep a post, answer, and then announce it."""
    kept = {"id": uuid.uuid4().hex, "text": post.text}
    later.add_task(announce, river, kept)
    return kept


async def announce(river: AsyncRiver, post: dict[str, str]) -> None:
    """Tell everybody who looks. A River that is away costs them the news, not the post."""
    try:
        await river.publish("posts", "post", post, id=post["id"])
    except RiverError as error:
        log.warning("post %s was not announced: %s", post["id"], error)
