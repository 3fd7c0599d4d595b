"""What a user may choose about a deployment, checked with one clear line a mistake."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import cast
from urllib.parse import urlsplit

from riverd import __version__

DRAIN_S_MAX = 90
SENDER_CPU, SENDER_MEMORY_MIB = 256, 512
"""The task that sends webhooks. Here, as the command knows nothing of the constructs: they start
a process of their own."""
SENDER_TASKS = 1
"""Events wait in Valkey while ECS replaces the task."""
"""Fargate kills a task 120 s after SIGTERM; a drain and its margin must fit into that."""

NAMES = {
    "name": "Name of the stack and prefix of everything in it.",
    "image": "Container image of River, from any registry that the tasks can reach.",
    "build_image": "Build the image from this repository instead; needs Docker.",
    "gateways": "Gateway tasks that always run.",
    "gateways_max": "Gateway tasks at most.",
    "connections": "Connections a gateway task should hold; more of them start another task.",
    "task_cpu": "CPU units of a gateway task: 256 is a quarter of a core.",
    "task_memory": "MiB of memory of a gateway task.",
    "cache_node": "Node type of Valkey.",
    "resilient": "Valkey with a replica in the other zone that takes over, and no single zone.",
    "domain": "A domain of yours for the WebSocket, for example rt.example.com.",
    "hosted_zone_id": "The Route 53 zone of the domain: its records are made there.",
    "certificate_arn": "A certificate of us-east-1 for the domain, instead of making one.",
    "oidc_issuer": "Accept tokens of this identity provider: the iss of its tokens.",
    "oidc_audience": "The aud of its tokens that are meant for River.",
    "oidc_jwks_url": "Where its keys stand, if not at ISSUER/.well-known/jwks.json.",
    "cognito": "Make a Cognito user pool and accept its tokens.",
    "publish": "Where the publish API runs: lambda, or service for heavy publishers.",
    "publish_rate": "Requests a second that the publish API takes on average.",
    "allowed_origins": "Globs of the origins whose pages may connect, comma-separated.",
    "drain_s": "Seconds over which a gateway that stops moves its clients.",
    "alarm_email": "Where alarms go.",
    "webhooks_secret": "ARN of a secret with the JSON of RIVER_WEBHOOKS: then webhooks are sent.",
    "zones": "Two availability zones, comma-separated, instead of the region's first two.",
    "prefix_list_id": "CloudFront's managed prefix list, for regions River does not know.",
}
"""The options, and what each means."""

_NODE_SIZES = {
    "t3": "micro small medium",
    "t4g": "micro small medium",
    "m6g": "large xlarge 2xlarge 4xlarge",
    "m7g": "large xlarge 2xlarge 4xlarge",
    "r6g": "large xlarge 2xlarge 4xlarge",
    "r7g": "large xlarge 2xlarge 4xlarge",
}
NODE_TYPES = [
    f"cache.{kind}.{size}" for kind, sizes in _NODE_SIZES.items() for size in sizes.split()
]
"""Node types that Valkey runs on in nearly every region."""

MEMORY_BY_CPU = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
}
"""The sizes of task that Fargate has."""

# What the toolkit puts into the context itself: feature flags, its own switches, look-ups.
_FOREIGN = re.compile(r"[@:/]|^acknowledged-issue-numbers$")
_PATTERNS = {
    "name": (r"[A-Za-z][A-Za-z0-9-]{0,27}", "letters, digits and dashes, at most 28"),
    "image": (r"[\w.\-/:@]{1,255}", "an image's name, for example riverlive/river:1.0"),
    "cache_node": ("|".join(map(re.escape, NODE_TYPES)), f"one of {', '.join(NODE_TYPES)}"),
    "domain": (r"(?!-)([a-z0-9-]{1,63}\.)+[a-z]{2,63}", "a domain, for example rt.example.com"),
    "hosted_zone_id": (r"Z[A-Z0-9]{1,31}", "the id of a hosted zone, for example Z0123456789ABC"),
    "certificate_arn": (
        r"arn:aws[\w-]*:acm:us-east-1:\d{12}:certificate/[\w-]+",
        "the ARN of a certificate in us-east-1: CloudFront takes them from there only",
    ),
    "publish": (r"lambda|service", "lambda or service"),
    "alarm_email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "webhooks_secret": (
        r"arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}",
        "the whole ARN of a secret in Secrets Manager, with the six characters at its end",
    ),
    "prefix_list_id": (r"pl-[0-9a-f]{8,17}", "the id of a prefix list, for example pl-3b927c52"),
}
_RANGES = {
    "gateways": (1, 100),
    "gateways_max": (1, 1000),
    "connections": (100, 50_000),
    "task_cpu": (256, 4096),
    "task_memory": (512, 30_720),
    "publish_rate": (1, 5_000),
    "drain_s": (5, DRAIN_S_MAX),
}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class OptionsError(Exception):
    """An option that cannot be: one line that names it and says what would do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """All options with their defaults: the cheapest deployment that is safe."""

    name: str = "River"
    image: str = f"riverlive/river:{__version__}"
    build_image: bool = False
    gateways: int = 2
    gateways_max: int = 10
    connections: int = 5_000
    task_cpu: int = 256
    task_memory: int = 512
    cache_node: str = "cache.t4g.micro"
    resilient: bool = False
    domain: str = ""
    hosted_zone_id: str = ""
    certificate_arn: str = ""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    cognito: bool = False
    publish: str = "lambda"
    publish_rate: int = 500
    allowed_origins: tuple[str, ...] = ("*",)
    drain_s: int = 30
    alarm_email: str = ""
    webhooks_secret: str = ""
    zones: tuple[str, ...] = field(default=())
    prefix_list_id: str = ""

    @property
    def has_identity_provider(self) -> bool:
        """Whether tokens of another than River's own back ends are accepted."""
        return self.cognito or bool(self.oidc_issuer)


def parse(context: Mapping[str, object]) -> Options:
    """The options in a CDK context (`-c name=value`, or cdk.json), empty ones as if absent.

    Raises:
        OptionsError: one line that names the option that is wrong.
    """
    given: dict[str, object] = {}
    for name, value in context.items():
        if _FOREIGN.search(name):
            continue
        if name not in NAMES:
            raise OptionsError(f"{name}: there is no such option; there are {', '.join(NAMES)}")
        if value not in ("", None):
            given[name] = _parsed(name, value)
    options = Options(**given)  # type: ignore[arg-type]  # each was parsed as its field's type
    _check_together(options)
    return options


def check_region(options: Options, region: str | None) -> None:
    """A certificate that the stack makes is for CloudFront only in us-east-1.

    Raises:
        OptionsError: when the region is known, and is another.
    """
    if options.domain and not options.certificate_arn and region not in (None, "", "us-east-1"):
        raise OptionsError(
            f"domain: CloudFront takes certificates from us-east-1 only, and this stack goes to "
            f"{region}: make a certificate for {options.domain} there and pass certificate_arn"
        )


def _parsed(name: str, value: object) -> object:
    kind = next(one.type for one in fields(Options) if one.name == name)
    return _READERS[cast("type", kind)](name, value)


def _number(name: str, value: object) -> int:
    low, high = _RANGES[name]
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", text):
        raise OptionsError(f"{name}={text}: that is no whole number")
    if not low <= int(text) <= high:
        raise OptionsError(f"{name}={text}: it must be from {low} to {high}")
    return int(text)


def _switch(name: str, value: object) -> bool:
    found = _WORDS.get(str(value).strip().lower())
    if found is None:
        raise OptionsError(f"{name}={value}: it must be true or false")
    return found


def _text(name: str, value: object) -> str:
    text = str(value).strip()
    if name.startswith("oidc_") and name != "oidc_audience":
        return _web_address(name, text)
    pattern, meaning = _PATTERNS.get(name, (r"[!-~]{1,255}", "printable text without spaces"))
    if not re.fullmatch(pattern, text):
        raise OptionsError(f"{name}={text}: it must be {meaning}")
    return text


def _web_address(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise OptionsError(f"{name}={text}: it must be an https:// address")
    return text


def _texts(name: str, value: object) -> tuple[str, ...]:
    parts = cast("list[object]", value) if isinstance(value, list) else str(value).split(",")
    found = tuple(str(part).strip() for part in parts if str(part).strip())
    if name == "zones" and (len(set(found)) != 2 or not all(map(_is_zone, found))):  # noqa: PLR2004
        raise OptionsError(f"zones={value}: it must be two zones, as in us-east-1a,us-east-1b")
    return found


def _is_zone(text: str) -> bool:
    return re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", text) is not None


_READERS: Mapping[type, Callable[[str, object], object]] = {
    int: _number,
    bool: _switch,
    str: _text,
    tuple[str, ...]: _texts,
}


def _check_together(options: Options) -> None:
    _check_size(options)
    _check_identity(options)
    if options.domain and not (options.hosted_zone_id or options.certificate_arn):
        raise OptionsError(
            "domain: pass hosted_zone_id too (its certificate and records are made there), "
            "or certificate_arn (then point the domain to the distribution yourself)"
        )
    _check_alone(options, "domain", "hosted_zone_id", "certificate_arn")


def _check_size(options: Options) -> None:
    sizes = MEMORY_BY_CPU.get(options.task_cpu)
    if sizes is None:
        known = ", ".join(map(str, MEMORY_BY_CPU))
        raise OptionsError(f"task_cpu={options.task_cpu}: Fargate has {known}")
    if options.task_memory not in sizes:
        raise OptionsError(
            f"task_memory={options.task_memory}: with task_cpu={options.task_cpu} Fargate has "
            f"{', '.join(map(str, sizes))}"
        )
    if options.gateways_max < options.gateways:
        raise OptionsError(
            f"gateways_max={options.gateways_max}: it must not be less than gateways="
            f"{options.gateways}"
        )


def _check_identity(options: Options) -> None:
    if options.cognito and options.oidc_issuer:
        raise OptionsError("cognito: there can be one identity provider; leave out oidc_issuer")
    if options.oidc_issuer and not options.oidc_audience:
        raise OptionsError(
            "oidc_issuer: pass oidc_audience too, or the provider's tokens for every other "
            "application would open River as well"
        )
    _check_alone(options, "oidc_issuer", "oidc_audience", "oidc_jwks_url")


def _check_alone(options: Options, needed: str, *names: str) -> None:
    """These options mean nothing without another."""
    for name in names:
        if getattr(options, name) and not getattr(options, needed):
            raise OptionsError(f"{name}: it is of use only with {needed}")
