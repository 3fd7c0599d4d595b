"""A misspelt command is answered with what may have been meant."""

import pytest
from click.testing import CliRunner

from riverd.commands.cli import cli


@pytest.mark.parametrize(("typed", "meant"), [("publis", "publish"), ("chanels", "channels")])
def test_a_misspelt_command_is_guessed(typed: str, meant: str) -> None:
    told = CliRunner().invoke(cli, [typed])
    assert told.exit_code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in told.stderr


def test_a_command_that_is_like_no_other_is_not_guessed() -> None:
    assert "Did you mean" not in CliRunner().invoke(cli, ["xyzzy"]).stderr
