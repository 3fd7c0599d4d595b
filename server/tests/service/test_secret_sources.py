"""Secrets that are kept in a file or in AWS Secrets Manager (Moto's, through the real boto3)."""

import socket
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aws_server import REGION, Aws, moto

from riverd.service.secret_sources import (
    PREVIOUS_S,
    TEXT_BYTES_MAX,
    SecretSource,
    SourceError,
    source_of,
)

_names = count(1)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with moto() as server:
        yield server


@pytest.fixture
def secrets(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client beside River's; River's finds its way by the environment."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    with aws.secrets() as client:
        yield client


def made(secrets: Any, text: str) -> tuple[str, str]:
    """A new secret: its name and its ARN."""
    name = f"river/{next(_names)}"
    return name, secrets.create_secret(Name=name, SecretString=text)["ARN"]


def refusal(place: str, *, source: SecretSource | None = None) -> str:
    """Why a source cannot be read."""
    with pytest.raises(SourceError) as caught:
        (source or source_of(place)).read(time.time())
    told = str(caught.value)
    assert len(told.splitlines()) == 1
    return told


@pytest.mark.parametrize(
    "place",
    [
        "",
        "somewhere",
        "file:",
        "file:relative",
        "file://host/path",
        "http://x/",
        "aws-secretsmanager:",
    ],
)
def test_what_is_no_source_is_refused_with_what_would_be(place: str) -> None:
    with pytest.raises(SourceError, match="file:///PATH or aws-secretsmanager:NAME_OR_ARN"):
        source_of(place)


def test_a_file_is_read_as_it_stands_now(tmp_path: Path) -> None:
    path = tmp_path / "the secrets"
    source = source_of(path.as_uri())
    path.write_text(" one,two \n", encoding="utf-8")
    assert source.read(0) == ("one,two",)
    path.write_text("three\n", encoding="utf-8")
    assert source.read(0) == ("three",)


def test_a_file_that_cannot_be_read_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    assert refusal(path.as_uri()) == "No such file or directory"
    assert refusal(tmp_path.as_uri()) == "Is a directory"
    assert refusal(f"{path.as_uri()}%00") == "no file can be called so"
    path.write_bytes(b"\xff")
    assert refusal(path.as_uri()) == "not UTF-8"
    path.write_bytes(b"x" * (TEXT_BYTES_MAX + 1))
    assert refusal(path.as_uri()) == f"larger than {TEXT_BYTES_MAX} bytes"


def test_a_new_secret_has_no_other_before_it(secrets: Any) -> None:
    name, _ = made(secrets, " the-first\n")
    assert source_of(f"aws-secretsmanager:{name}").read(time.time()) == ("the-first",)


def test_the_secret_before_a_rotation_is_good_for_a_day_and_no_longer(secrets: Any) -> None:
    name, _ = made(secrets, "the-first")
    source = source_of(f"aws-secretsmanager:{name}")
    assert source.read(time.time()) == ("the-first",)
    secrets.put_secret_value(SecretId=name, SecretString="the-second")
    rotated = time.time()
    assert source.read(rotated) == ("the-second", "the-first")
    assert source.read(rotated + PREVIOUS_S - 60) == ("the-second", "the-first")
    assert source.read(rotated + PREVIOUS_S + 1) == ("the-second",)
    secrets.put_secret_value(SecretId=name, SecretString="the-third")
    assert source.read(time.time()) == ("the-third", "the-second")


def moved_back(secrets: Any, name: str) -> None:
    """Have AWSCURRENT at the version before, as somebody does by hand."""
    versions = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    now, before = (
        next(one for one, stages in versions.items() if stage in stages)
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    )
    secrets.update_secret_version_stage(
        SecretId=name,
        VersionStage="AWSCURRENT",
        MoveToVersionId=before,
        RemoveFromVersionId=now,
    )


@pytest.mark.parametrize("knows_it", [True, False])
def test_a_rotation_that_is_taken_back_drops_nothing(secrets: Any, *, knows_it: bool) -> None:
    name, _ = made(secrets, "the-first")
    source = source_of(f"aws-secretsmanager:{name}")
    made_at = int(time.time())
    while int(time.time()) == made_at:  # Versions are dated by whole seconds here.
        time.sleep(0.05)
    secrets.put_secret_value(SecretId=name, SecretString="the-second")
    later = time.time() + 5 * PREVIOUS_S
    if knows_it:
        assert source.read(later) == ("the-second",)
    moved_back(secrets, name)
    assert source.read(later) == ("the-first", "the-second")
    assert source.read(later + PREVIOUS_S) == ("the-first", "the-second")


def test_a_secret_is_found_by_its_arn_whatever_the_region_of_the_environment(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, arn = made(secrets, "the-first")
    assert f":{REGION}:" in arn
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert source_of(f"aws-secretsmanager:{arn}").read(time.time()) == ("the-first",)


def test_a_secret_that_cannot_be_had_is_told_why(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = made(secrets, "the-first")
    place = f"aws-secretsmanager:{name}"
    known = source_of(place)
    known.read(time.time())
    assert refusal("aws-secretsmanager:nothing") == "there is no such secret, or nothing in it"
    binary = secrets.create_secret(Name=f"river/{next(_names)}", SecretBinary=b"\x00")["Name"]
    assert refusal(f"aws-secretsmanager:{binary}") == "the secret is no text (SecretString)"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "region" in refusal(place)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{taken.getsockname()[1]}")
        assert "Could not connect" in refusal(place)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert "credentials" in refusal(place)


def test_without_boto3_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    assert "pip install 'riverd[aws]'" in refusal("aws-secretsmanager:x")
