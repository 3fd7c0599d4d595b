"""The API keys: who may publish."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest

_SCHEME = "bearer "


class Keys:
    """Tells whether a request carries one of the keys. The keys themselves are not kept."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.use(keys)

    def use(self, keys: Iterable[str]) -> None:
        """The keys from now on."""
        self._digests = tuple(sha256(key.encode()).digest() for key in keys)
        self.missed = False
        """Somebody brought a key that is none of these: there may be a new one."""

    def fit(self, headers: Mapping[str, str]) -> bool:
        """Whether `x-api-key`, or else `Authorization: Bearer`, has one of the keys."""
        key = headers.get("x-api-key")
        if key is None:
            authorization = headers.get("authorization", "")
            if authorization[: len(_SCHEME)].lower() != _SCHEME:
                return False
            key = authorization[len(_SCHEME) :].strip()
        return self._known(key)

    def _known(self, key: str) -> bool:
        digest = sha256(key.encode("latin-1", "replace")).digest()
        found = False
        # Every key is looked at, and digests are all of one length: the time tells nothing.
        for known in self._digests:
            found |= compare_digest(known, digest)
        self.missed |= not found
        return found
