"""What a request for a stream may cost, whatever its query says."""

import difflib

import pytest

from riverd.errors import RiverError
from riverd.gateway.streams.stream_request import query_of
from riverd.http import unknown_field
from riverd.http.request import Request

LENGTH_MAX = 100


def test_a_guess_at_a_long_name_looks_at_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(word: str, known: tuple[str, ...], n: int) -> list[str]:
        lengths.append(len(word))
        return difflib.get_close_matches(word, known, n)

    monkeypatch.setattr(unknown_field, "get_close_matches", counted)
    with pytest.raises(RiverError, match="unknown field 'chanchan"):
        query_of(Request("GET", "/events", "chan" * 4_000 + "=1", {}))
    assert max(lengths) <= LENGTH_MAX
