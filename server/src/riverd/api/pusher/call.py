"""What a handler of the apps' API is asked."""

from collections.abc import Callable, Coroutine, Mapping

import msgspec

from riverd.api.context import Api
from riverd.auth.apps import App


class AppCall(msgspec.Struct, frozen=True):
    """The app, the path's and the query's parameters, and the body."""

    api: Api
    app: App
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


AppHandler = Callable[[AppCall], Coroutine[object, None, object]]
"""Gives the object of a 200.

Raises:
    RiverError: what the caller is answered instead.
"""
