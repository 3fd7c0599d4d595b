"""The one question before something is done."""

import sys

import click

from riverd_aws.failure import Failure, Mistake


def check_askable(*, yes: bool) -> None:
    """See beforehand that somebody can answer.

    Raises:
        Mistake: there is nobody to ask.
    """
    if not yes and not sys.stdin.isatty():
        raise Mistake("there is no terminal to ask in: pass --yes if it is to be done")


def ask(text: str, *, yes: bool) -> None:
    """Go on only with a yes.

    Raises:
        Failure: the answer is no.
    """
    try:
        agreed = yes or click.confirm(text)
    except click.Abort:
        agreed = False
    if not agreed:
        raise Failure("nothing was done")
