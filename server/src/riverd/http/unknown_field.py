"""The message about a field that there is not, with the one that was probably meant."""

from collections.abc import Collection
from difflib import get_close_matches

NAME_SHOWN_MAX = 64


def unknown_field(name: str, known: Collection[str], *, kind: str = "field") -> str:
    """Why a field is refused.

    Args:
        name: As it was sent, of any length.
        known: The names that there are.
        kind: What it is called.
    """
    # A guess costs the square of the name's length: a stranger's may be as long as the request.
    shown = name if len(name) <= NAME_SHOWN_MAX else f"{name[:NAME_SHOWN_MAX]}..."
    meant = get_close_matches(name[:NAME_SHOWN_MAX].lower(), known, n=1)
    if meant:
        cure = f"did you mean {meant[0]}?"
    elif known:
        cure = f"the {kind}s are {', '.join(known)}"
    else:
        cure = f"there are no {kind}s here"
    return f"unknown {kind} {shown!r}: {cure}"
