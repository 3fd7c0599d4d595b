"""In which order `river --help` lists the commands: by what somebody wants to do."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import click

SECTIONS = {
    "Begin here": ("dev", "publish", "subscribe", "token"),
    "Run it": ("gateway", "api", "webhooks", "rules"),
    "Ask a deployment": ("channels", "history", "presence", "users", "disconnect", "revoke"),
    "Find what is wrong": ("doctor", "explain", "trace", "verify", "bench"),
    "In the cloud": ("estimate", "deploy", "destroy"),
}
OTHERS = "Others"
_SENTENCE_MAX = 90


class SectionedGroup(click.Group):
    """A group whose help lists its commands in these sections."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Guess what was meant where no command has the name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            meant = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not meant:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{meant[0]}'?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a table for each section."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        for title, names in in_sections(commands):
            found = [(name, commands[name]) for name in names]
            with formatter.section(title):
                formatter.write_dl(
                    [(name, one.get_short_help_str(_SENTENCE_MAX)) for name, one in found if one]
                )


def in_sections(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The sections that have some of these commands; those without a section come last."""
    left = list(names)
    for title, ordered in SECTIONS.items():
        found = [name for name in ordered if name in left]
        left = [name for name in left if name not in found]
        if found:
            yield title, found
    if left:
        yield OTHERS, left
