"""A call on a stack of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def on_fresh_stack(function: Callable[[], T]) -> T:
    """What a short call gives, with the whole recursion limit for it alone.

    JSON is read and written recursively: what fits on an empty stack does not fit everywhere.
    """
    result = Future[T]()

    def call() -> None:
        try:
            result.set_result(function())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            result.set_exception(error)

    thread = threading.Thread(target=call, name="river-json")
    thread.start()
    thread.join()
    return result.result()
