"""How the service is: alive, ready, and its metrics."""

from riverd.api.context import Api, Call
from riverd.api.responses import Access, Health
from riverd.broker.interface import EVICTION_CURE
from riverd.http.response import Response

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def alive(_api: Api, _call: Call) -> Health:
    """The process answers."""
    return Health("alive")


async def ready(api: Api, _call: Call) -> Health:
    """The broker answers too. Also ready: one that loses logs when it is full, which is said."""
    evicts_by = await api.broker.ping()
    if not evicts_by:
        return Health("ready")
    return Health("ready", warning=f"the broker evicts ({evicts_by}): {EVICTION_CURE}")


async def access(_api: Api, call: Call) -> Access:
    """What the key may do that came with it."""
    return Access(not call.reads_only)


async def metrics(api: Api, _call: Call) -> Response:
    """The text that Prometheus scrapes."""
    return Response(200, api.render_metrics(), METRICS_TYPE)
