"""Secrets by which a session is continued: any node knows them again, and nothing is kept.

A secret is `SESSION.MAC`; the MAC (keyed BLAKE2b) is made with a key that is derived from the first
of the secrets that also sign tokens. All of these verify it, so that it outlives their rotation.
"""

import hmac
from collections.abc import Sequence
from hashlib import blake2b

from riverd.channels.names import SESSION_LENGTH_MAX

MAC_BYTES = 16
_PURPOSE = b"river session"


class SessionSecrets:
    """Makes secrets of sessions, and says whose a secret is."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.use_secrets(secrets)

    def use_secrets(self, secrets: Sequence[str]) -> None:
        """The secrets from now on: one or more."""
        keys = [blake2b(one.encode(), person=_PURPOSE).digest() for one in secrets]
        # Begun once and copied: a secret is made for every connection.
        self._begun = [blake2b(digest_size=MAC_BYTES, key=key, person=_PURPOSE) for key in keys]
        self._first = self._begun[0]

    def of(self, session_id: str) -> str:
        """The secret of a session."""
        mac = self._first.copy()
        mac.update(session_id.encode())
        return f"{session_id}.{mac.hexdigest()}"

    def session(self, secret: str) -> str | None:
        """Whose secret it is; None if it is nobody's."""
        session, _, found = secret.rpartition(".")
        if not 0 < len(session) <= SESSION_LENGTH_MAX or not secret.isascii():
            return None
        for begun in self._begun:
            mac = begun.copy()
            mac.update(session.encode())
            if hmac.compare_digest(mac.hexdigest(), found):
                return session
        return None
