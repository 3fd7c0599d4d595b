"""A forum without a server, and who comes to it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

# Test folders are no packages: what the tests share is found beside them.
sys.path.insert(0, str(Path(__file__).parent))

from forum_visitor import Clock, Visitor

from forum.app import create_app
from forum.settings import ForumSettings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> ForumSettings:
    """Return the settings of a forum that knows no River; a test may bring its own."""
    return ForumSettings(database=tmp_path / "forum.db", posts_per_minute=5)


@pytest.fixture
def app(settings: ForumSettings, clock: Clock) -> Flask:
    app = create_app(settings, clock_s=clock)
    app.testing = True
    return app


@pytest.fixture
def visit(app: Flask) -> Callable[[str], Visitor]:
    """Return a function that lets somebody come in."""

    def come_in(name: str) -> Visitor:
        visitor = Visitor(app.test_client())
        visitor.log_in(name)
        return visitor

    return come_in


@pytest.fixture
def guest(app: Flask) -> Visitor:
    """Return somebody who is not logged in."""
    return Visitor(app.test_client())


@pytest.fixture
def ana(visit: Callable[[str], Visitor]) -> Visitor:
    """Return somebody who is logged in as Ana."""
    return visit("Ana")
