"""The API keys: who may publish."""

from collections.abc import Iterable, Mapping
from hashlib import blake2s
from hmac import compare_digest

from riverd.auth.bearer import bearer


class Keys:
    """Knows whether a request carries one of the keys. Only digests of them are kept."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.use(keys)

    def use(self, keys: Iterable[str]) -> None:
        """The keys from now on."""
        self._digests = tuple(blake2s(key.encode()).digest() for key in keys)
        self.are_none = not self._digests
        self.missed = False
        """A request brought a key that is none of these: there may be a new one."""

    def fit(self, headers: Mapping[str, str]) -> bool:
        """Whether `x-api-key`, or else `Authorization: Bearer`, has one of the keys.

        A key that is none of them is noted in `missed`.
        """
        key = headers.get("x-api-key", "").strip() or bearer(headers.get("authorization", ""))
        if key is None:
            return False
        known = self._is_known(blake2s(key.encode("latin-1", "replace")).digest())
        self.missed |= not known
        return known

    def _is_known(self, digest: bytes) -> bool:
        found = False
        # Every key is compared, and digests have one length: the time taken reveals nothing.
        for known in self._digests:
            found |= compare_digest(known, digest)
        return found
