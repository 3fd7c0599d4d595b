"""The composition root: puts together what each kind of process runs."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path

import msgspec
import structlog
import uvloop

from riverd import __version__
from riverd.api.context import Api, Counts, Uncounted
from riverd.api.handler import ApiHandler, limits_of
from riverd.api.live import LiveAnswers
from riverd.api.pusher.admission import admit_app_request
from riverd.api.pusher.failed_signatures import FailedSignatures
from riverd.auth.revocations import unrevoked
from riverd.channels.rules import ChannelRules
from riverd.core.hub import Hub
from riverd.core.session_limits import SessionLimits
from riverd.core.witness import UNSEEN, HubWitness
from riverd.gateway.admission import Admission
from riverd.gateway.client_files import ClientFiles
from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.gateway import Gateway
from riverd.gateway.origins import Origins
from riverd.gateway.static_files import Pages
from riverd.http.handler import Pending
from riverd.http.listener import HttpListener
from riverd.http.proxies import ClientAddresses
from riverd.http.request import Request
from riverd.http.response import Response
from riverd.node.node import Node
from riverd.node.replicas.attachment import Linger
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES
from riverd.protocols.native.protocol import Native, NativePath
from riverd.protocols.pusher.close_codes import PusherCode
from riverd.protocols.pusher.path import PusherPath
from riverd.service import logs
from riverd.service.apps import note_sharing, show_counts
from riverd.service.capacity import Fitted, fitted, raise_file_limit, resources
from riverd.service.environment import (
    broker_address,
    channel_rules_of,
    fetches_keys_in_clear,
    misspelt,
    service_links,
    trusted_proxies_of,
)
from riverd.service.gateway_metrics import gateway_readings
from riverd.service.inside import session_history, show_inside
from riverd.service.metrics import PublishTally
from riverd.service.odd_rules import note_odd_rules
from riverd.service.process import Process
from riverd.service.proxies_watch import note_proxies
from riverd.service.readiness import Readiness
from riverd.service.refusals import Refusals
from riverd.service.settings import MEMORY, Settings
from riverd.service.sockets import address_of, bound_socket, local_address_of
from riverd.service.webhook_sending import WebhookSending
from riverd.websocket.early_input import EarlyInputs, EarlyLimits
from riverd.websocket.interface import SocketLimits

COMPARE_S = 2.5
PART_BYTES_MAX = 131_072
BODY_BYTES_MAX = 10_485_760
REQUESTS_END_S = 3
"""How long a stop waits for publish requests that are under way; each takes less than a second."""

CONNECTIONS_ENOUGH = 1_000
"""A default that is lowered to so many is worth no warning."""
REFUSED_LOOK_S = 1.0
REFUSED_PAUSE_S = 60.0

log = structlog.get_logger()


def build_gateway(process: Process) -> tuple[Gateway, Node]:
    """A gateway and the node behind it."""
    settings, rules = process.settings, process.brokers.rules
    history = session_history(settings.session_history_bytes)
    limit = fitted(settings, resources())
    hub = _hub(rules, limit, witness=history or UNSEEN)
    node = Node(
        process.brokers.new(),
        hub,
        clock=time.monotonic,
        failed=process.failed,
        compare_s=None if settings.broker == MEMORY else COMPARE_S,
        linger=Linger(member_s=settings.leave_delay_s),
    )
    node.history = history
    show_counts(node, process.credentials.apps)
    refusals, addresses = Refusals(), ClientAddresses(trusted_proxies_of(settings))
    native = Native(rules, process.credentials.session_secrets)
    gateway = Gateway(
        node,
        Pages(
            health=process.readiness,
            metrics=process.metrics.render,
            client=ClientFiles(client_folder(), __version__),
        ),
        paths=(
            NativePath(native),
            PusherPath(process.credentials.apps, rules),
        ),
        close_codes={*NATIVE_CLOSE_CODES.values(), *PusherCode},
        verify=unrevoked(process.credentials.verifier, node.control.revocations),
        failed=process.failed,
        refused=refusals.refused,
        limits=_session_limits(settings, limit),
        socket_limits=SocketLimits(
            message_bytes_max=settings.max_message_bytes,
            write_buffer_bytes_max=settings.max_buffer_bytes,
            early=EarlyInputs(_early_limits(settings)),
        ),
        admission=Admission(
            _connection_limits(settings, limit),
            addresses,
            settings.ping_interval_s,
            Origins(settings.allowed_origins),
            limit.waiting_max,
            limit.waiting_bytes_max,
        ),
        answers=_app_api(process, addresses),
    )
    gateway.serve_streams(
        native, unready=process.readiness.unready, query_token=settings.events_query_token
    )
    process.metrics.add(*gateway_readings(gateway, node=node, hub=hub), refusals.reading())
    node.control.name = process.node_name
    show_inside(gateway, hub, history=history, process=process)
    node.users.drain_asked = partial(_drain_if_named, process, gateway=gateway)
    process.start_later(partial(_note_limit, settings, limit))
    process.start_later(partial(note_sharing, process.credentials.apps))
    process.start_later(partial(_note_refused, gateway))
    process.start_later(partial(note_proxies, gateway.addresses))
    return gateway, node


def _hub(rules: ChannelRules, limit: Fitted, *, witness: HubWitness) -> Hub:
    return Hub(
        rules, part_bytes_max=PART_BYTES_MAX, log_bytes_max=limit.log_bytes_max, witness=witness
    )


def _session_limits(settings: Settings, limit: Fitted) -> SessionLimits:
    return SessionLimits(
        settings.auth_timeout_s,
        settings.max_channels_per_connection,
        settings.client_rate,
        read_bytes_rate=settings.read_bytes_rate,
        fanout_bytes_rate=settings.fanout_bytes_rate,
        user_connections_max=settings.max_connections_per_user,
        user_channels_max=settings.max_channels_per_user,
        user_rate=settings.user_rate,
        new_channels_rate=settings.new_channels_rate,
        node_channels_max=limit.channels_max,
        message_bytes_max=settings.max_message_bytes,
    )


def _early_limits(settings: Settings) -> EarlyLimits:
    usual = EarlyLimits.up_to(settings.max_message_bytes)
    received = settings.max_unauthenticated_bytes
    return msgspec.structs.replace(usual, received_bytes_max=received)


def _connection_limits(settings: Settings, limit: Fitted) -> ConnectionLimits:
    return ConnectionLimits(
        limit.connections_max,
        min(settings.max_unauthenticated, limit.connections_max),
        address_connections_max=settings.max_connections_per_address,
        address_unauthenticated_max=settings.max_unauthenticated_per_address,
        address_rate=settings.connect_rate_per_address,
        guests_max=min(settings.max_guests, limit.connections_max),
    )


def _app_api(
    process: Process, addresses: ClientAddresses
) -> Callable[[Request], Response | Pending | None]:
    """The apps' HTTP API for the gateway's port, if it is wanted there, and nothing else."""
    if not process.settings.pusher_api_on_gateway:
        return lambda _request: None
    failures = FailedSignatures(addresses.of)
    return partial(admit_app_request, _api(process, Uncounted()), failures=failures)


async def _note_limit(settings: Settings, limit: Fitted) -> None:
    """Log at the start that fewer connections fit than were set; of the default, if few do."""
    if limit.limited_by is not None:
        found = resources()
        is_default = settings.max_connections == Settings().max_connections
        is_enough = is_default and limit.connections_max >= CONNECTIONS_ENOUGH
        log.log(
            logging.INFO if is_enough else logging.WARNING,
            "connections_limited",
            by=limit.limited_by,
            wanted=settings.max_connections,
            limit=limit.connections_max,
            files=found.files,
            memory_bytes=found.memory_bytes,
            text="raise the limit of open files (ulimit -n, LimitNOFILE) or of memory, or set "
            "RIVER_MAX_CONNECTIONS",
        )


async def _note_refused(gateway: Gateway) -> None:
    """Log now and then that newcomers find no room: they only see that they are to come again."""
    noted = 0
    while True:
        await asyncio.sleep(REFUSED_LOOK_S)
        if gateway.tally.refused > noted and not gateway.draining:
            log.warning(
                "connections_refused",
                refused=gateway.tally.refused - noted,
                connections=len(gateway.connections),
                **{f"by_{limit}": count for limit, count in gateway.tally.refused_by_limit.items()},
                address=gateway.tally.refused_address,
            )
            noted = gateway.tally.refused
            await asyncio.sleep(REFUSED_PAUSE_S)


def build_api(process: Process) -> HttpListener:
    """The publish API, as a listener that waits to be started."""
    tally = PublishTally()
    process.metrics.add(*tally.readings())
    api = _api(process, tally)
    live = LiveAnswers(api, start=process.start, stopping=process.stopping)
    return HttpListener(ApiHandler(api, live), limits_of(api))


def _api(process: Process, counts: Counts) -> Api:
    settings, credentials = process.settings, process.credentials
    return Api(
        process.brokers.new(),
        credentials.api_keys,
        process.brokers.rules,
        signer=credentials.signer,
        apps=credentials.apps,
        read_keys=credentials.read_keys,
        version=__version__,
        message_bytes_max=settings.max_message_bytes,
        body_bytes_max=BODY_BYTES_MAX,
        render_metrics=process.metrics.render,
        counts=counts,
        failed=process.failed,
        leeway_s=settings.jwt_leeway_s,
        token_max_age_s=settings.token_max_age_s,
        webhooks=credentials.webhook_endpoints,
    )


def client_folder() -> Path:
    """Where the browser client lies: in the package, or in the source tree."""
    package = Path(__file__).parents[1]
    packaged = package / "client"
    return packaged if packaged.is_dir() else package.parents[2] / "clients" / "js"


async def serve_gateway(settings: Settings, *, lifeline: int | None = None) -> None:
    """Run a gateway until a signal, then move its clients elsewhere.

    `lifeline` is a worker's end of a pipe: it stops as well when the other end is gone.
    """
    process = Process(settings)
    gateway, node = build_gateway(process)
    await node.start()
    sock = bound_socket(settings.host, settings.port, shared=settings.workers > 1)
    process.begin()
    if lifeline is not None:
        process.stop_without(lifeline)
    await gateway.start(sock)
    log.info("gateway_ready", url=f"ws://{address_of(sock)}/ws", version=__version__)
    if settings.broker == MEMORY:
        log.warning("memory_broker", text="only clients of this process hear each other")
    await process.stopping.wait()
    await process.unless_hurried(_drain(process, gateway))
    await _end(process, gateway, node)
    log.info("gateway_stopped")


async def serve_api(settings: Settings) -> None:
    """Run the publish API until a signal."""
    process = Process(settings)
    listener = build_api(process)
    webhooks = WebhookSending(process)
    sock = bound_socket(settings.api_host, settings.api_port, variable="RIVER_API_PORT")
    process.begin()
    await listener.start(sock)
    log.info("api_ready", url=f"http://{address_of(sock)}", version=__version__)
    if settings.broker == MEMORY:
        log.warning("memory_broker", text="no gateway hears what is published here")
    await process.stopping.wait()
    await listener.end(REQUESTS_END_S)
    await webhooks.close()
    await process.end()
    log.info("api_stopped")


async def serve_dev(settings: Settings, announce: Callable[[str, str], None]) -> None:
    """Run gateway and publish API in one process until a signal.

    `announce` gets the addresses (`host:port`) of both once they answer.
    """
    process = Process(settings)
    gateway, node = build_gateway(process)
    listener = build_api(process)
    webhooks = WebhookSending(process)
    await node.start()
    public = bound_socket(settings.host, settings.port)
    private = bound_socket(settings.api_host, settings.api_port, variable="RIVER_API_PORT")
    process.begin()
    await gateway.start(public)
    await listener.start(private)
    announce(local_address_of(public), local_address_of(private))
    await process.stopping.wait()
    await listener.end(REQUESTS_END_S)
    if not process.readiness.draining:
        await gateway.drain(0)
    await webhooks.close()
    await _end(process, gateway, node)


def _drain_if_named(process: Process, node: str, *, gateway: Gateway) -> int:
    """A node is asked to drain: if it is this one it does so at once, and stays up.

    Gives how many clients that moves.
    """
    if node != process.node_name:
        return 0
    if process.readiness.current not in (Readiness.STOPPING, Readiness.DRAINING):
        process.start(_drain(process, gateway))
    return len(gateway.connections)


async def _drain(process: Process, gateway: Gateway) -> None:
    """Move the clients elsewhere; if that is under way or done already, only what is left of it."""
    drain_s = process.settings.drain_s
    if not process.readiness.draining:
        process.readiness.drain()
        log.info("gateway_draining", connections=len(gateway.connections), drain_s=drain_s)
    await gateway.drain(drain_s)


async def _end(process: Process, gateway: Gateway, node: Node) -> None:
    await gateway.close()
    await node.close()
    await process.end()


def run(main: Coroutine[None, None, None]) -> None:
    """Run a process to its end on the fast loop."""
    raise_file_limit()
    uvloop.run(main)


def configure_logs(settings: Settings, environment: Mapping[str, str]) -> None:
    """Set up this process's log, and note there what is odd about its settings."""
    logs.configure(settings.log_level, console=settings.log_format == "console")
    for name, meant in misspelt(environment):
        log.warning("setting_unknown", name=name, meant=meant)
    for name in service_links(environment):
        log.warning(
            "setting_ignored",
            name=name,
            text="Kubernetes put the address of a Service there: the default is used instead",
        )
    if fetches_keys_in_clear(settings):
        log.warning(
            "public_keys_in_clear",
            text="who is between here and RIVER_JWKS_URL can let anybody in: use https://",
        )
    note_odd_rules(
        channel_rules_of(settings),
        history_bytes=settings.history_bytes if settings.history_size else 0,
        message_bytes_max=settings.max_message_bytes,
    )


def check_workers(settings: Settings) -> None:
    """Find out what every worker would find out, to say it once.

    Raises:
        SettingsError: when the port cannot be had, or the broker's authority cannot be read.
    """
    bound_socket(settings.host, settings.port, shared=True).close()
    broker_address(settings).ssl_context()
