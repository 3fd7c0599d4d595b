"""What people send in forms: proof that it came from our page, and text within its limits."""

import hmac
import re
import secrets
import unicodedata

from flask import Request, session

TITLE_MAX = 120
BODY_MAX = 4_000

_POST_ID = re.compile(r"[0-9a-f]{16}")


class FormError(Exception):
    """The form cannot be taken as it is; the message is for the person who sent it."""

    status = 422


class TooFastError(FormError):
    """The form is fine, but there were too many before it."""

    status = 429


def csrf_token() -> str:
    """Return the token that every form of this session carries."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_hex(16)
    return str(session["csrf"])


def comes_from_our_page(request: Request) -> bool:
    """Tell whether a form carries its session's token."""
    sent = request.form.get("csrf", "")
    return hmac.compare_digest(sent.encode(), csrf_token().encode())


def new_post_id() -> str:
    """Make the id that a form's post will have, so that sending the form twice makes one post."""
    return secrets.token_hex(8)


def read_post_id(request: Request) -> str:
    """Return the id that came with the form.

    Raises:
        FormError: there is none, or it was tampered with.
    """
    post_id = request.form.get("id", "")
    if not _POST_ID.fullmatch(post_id):
        raise FormError("This form has lost its number. Please send it once more.")
    return post_id


def read_text(request: Request, field: str, *, what: str, length_max: int) -> str:
    """Return a field's text without what cannot be seen.

    Raises:
        FormError: nothing is left of it, or too much.
    """
    lines = request.form.get(field, "").replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(sign for sign in lines if sign in "\n\t" or not _is_control(sign)).strip()
    if not text:
        raise FormError(f"{what} is still empty.")
    if len(text) > length_max:
        raise FormError(f"{what} is {len(text):,} characters long; {length_max:,} fit.")
    return text


def read_line(request: Request, field: str, *, what: str, length_max: int) -> str:
    """Return a field's text on one line; raises like `read_text`."""
    return " ".join(read_text(request, field, what=what, length_max=length_max).split())


def _is_control(sign: str) -> bool:
    # Cc: control characters. The others turn the direction of the text around them.
    return unicodedata.category(sign) == "Cc" or sign in "\u202a\u202b\u202c\u202d\u202e"
