"""Secrets by which a session is continued."""

import pytest

from riverd.auth.session_secrets import SessionSecrets

OLD, NEW = "the-old-secret-of-32-bytes-or-more-", "the-new-secret-of-32-bytes-or-more-"


def test_a_secret_says_whose_it_is_on_every_node_with_the_same_secrets() -> None:
    secret = SessionSecrets([OLD]).of("a1.7")
    assert SessionSecrets([OLD]).session(secret) == "a1.7"
    assert SessionSecrets([OLD]).session(SessionSecrets([NEW]).of("a1.7")) is None


def test_secrets_rotate_as_those_of_tokens_do() -> None:
    secrets = SessionSecrets([OLD])
    before = secrets.of("a1.7")
    secrets.use_secrets([NEW, OLD])
    assert secrets.session(before) == "a1.7"
    assert secrets.of("a1.7") == SessionSecrets([NEW]).of("a1.7")
    secrets.use_secrets([NEW])
    assert secrets.session(before) is None


@pytest.mark.parametrize(
    "wrong", ["", ".", "a1.7", "a1.7.", ".00", "a1.8.{mac}", "a1.7.{mac}0", "é.{mac}", "x" * 10_000]
)
def test_what_is_no_secret_is_nobodys(wrong: str) -> None:
    secrets = SessionSecrets([OLD])
    mac = secrets.of("a1.7").rpartition(".")[2]
    assert secrets.session(wrong.format(mac=mac)) is None
