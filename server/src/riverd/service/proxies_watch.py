"""Logs once what seems to be wrong with the proxies in front of a gateway."""

import asyncio

import structlog

from riverd.http.proxies import ClientAddresses

_LOOK_S = 1.0

log = structlog.get_logger()


async def note_proxies(addresses: ClientAddresses) -> None:
    """Log a proxy that is not listed, and one that is and does not say whom it forwards."""
    while not (addresses.unlisted or addresses.silent):  # noqa: ASYNC110  seconds do not matter
        await asyncio.sleep(_LOOK_S)
    if addresses.unlisted is not None:
        log.warning(
            "proxy_not_listed",
            peer=addresses.unlisted,
            text="requests come through a proxy: list it in RIVER_TRUSTED_PROXIES, or the limits "
            "of an address are not kept (none: there is no proxy)",
        )
    else:
        log.warning(
            "proxy_without_address",
            peer=addresses.silent,
            text="this proxy of RIVER_TRUSTED_PROXIES sends no X-Forwarded-For: its clients are "
            "not limited by their addresses",
        )
