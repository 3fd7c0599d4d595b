"""What ends `river deploy` and `river destroy`: a few clear words, and the exit code."""

from typing import IO, Any

import click

WRONG_USAGE = 2


class Failure(click.ClickException):
    """It did not work, for a reason that is not the command line's. Exit code 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it as all of River's commands do."""
        click.echo(f"river: {self.message}", file=file, err=file is None)


class Mistake(Failure):
    """The command or the machine's set-up is wrong: nothing was tried. Exit code 2."""

    exit_code = WRONG_USAGE
