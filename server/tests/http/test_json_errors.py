"""Errors as answers: what a program reads in them."""

import json

from riverd.errors import ErrorCode, RiverError, for_client
from riverd.http.json_errors import response_to


def test_error_that_is_over_at_a_known_time_says_when_in_its_body_and_head() -> None:
    error = RiverError(ErrorCode.TOKEN_REVOKED_RECENTLY, "log in again")
    error.retry_after_ms = 5_380
    response = response_to(for_client(error))
    assert json.loads(response.body)["error"] == {
        "code": "token_revoked_recently",
        "message": "log in again",
        "retry_after_ms": 5_380,
    }
    assert ("retry-after", "6") in response.headers


def test_error_for_good_says_nothing_of_a_time() -> None:
    response = response_to(RiverError(ErrorCode.TOKEN_REVOKED, "logged out"))
    assert json.loads(response.body)["error"] == {"code": "token_revoked", "message": "logged out"}
    assert "retry-after" not in dict(response.headers)
