"""What to write where: the lines of the configurations in deploy/ that each fault wants."""

import msgspec


class Lines(msgspec.Struct, frozen=True):
    """Lines of a file of this repository; a test sees that they are in it."""

    file: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.lines)}"


NGINX, HAPROXY = "deploy/nginx/river.conf", "deploy/haproxy/river.cfg"
CADDY = "deploy/caddy/Caddyfile"
UPGRADE = "upgrade"
IDLE = "idle"
BALANCE = "balance"
STREAM = "stream"

RECOMMENDED: dict[str, dict[str, Lines]] = {
    "nginx": {
        UPGRADE: Lines(
            NGINX,
            (
                "proxy_http_version 1.1;",
                "proxy_set_header Upgrade $http_upgrade;",
                'proxy_set_header Connection "upgrade";',
            ),
        ),
        IDLE: Lines(NGINX, ("proxy_read_timeout 75s;", "proxy_send_timeout 75s;")),
        BALANCE: Lines(NGINX, ("proxy_pass http://river_gateways;",)),
        STREAM: Lines(NGINX, ("proxy_buffering off;",)),
    },
    "haproxy": {
        UPGRADE: Lines(HAPROXY, ("mode http",)),
        IDLE: Lines(HAPROXY, ("timeout client 75s", "timeout server 75s", "timeout tunnel 75s")),
        BALANCE: Lines(HAPROXY, ("option httpchk GET /readyz",)),
        # haproxy buffers no answers by itself.
        STREAM: Lines(HAPROXY, ("mode http",)),
    },
    "Caddy": {
        # Caddy passes upgrades on by itself, and ends no open WebSocket.
        UPGRADE: Lines(CADDY, ("reverse_proxy {$RIVER_GATEWAYS:127.0.0.1:8000} {",)),
        IDLE: Lines(CADDY, ("flush_interval -1",)),
        BALANCE: Lines(CADDY, ("health_uri /readyz",)),
        STREAM: Lines(CADDY, ("flush_interval -1",)),
    },
}
"""By the proxy, by what is wrong."""

_ALB = {
    UPGRADE: "an HTTP listener (an ALB passes upgrades on by itself); deploy/aws makes one",
    IDLE: "idle_timeout.timeout_seconds above 25, as deploy/aws sets it",
    BALANCE: "a target group with the health check /readyz, as deploy/aws makes it",
    STREAM: "it does not buffer: look at what is before and behind it",
}
_KNOWN_BY = {
    "nginx": "nginx",
    "openresty": "nginx",
    "caddy": "Caddy",
    "haproxy": "haproxy",
    "cloudflare": "Cloudflare",
    "envoy": "Envoy",
    "varnish": "Varnish",
}
"""By the beginning of `server`."""


def proxy_of(headers: dict[str, str]) -> str:
    """Which proxy answered, by its headers: nginx, Caddy, CloudFront and others, or nothing."""
    server = headers.get("server", "").lower()
    if "cloudfront" in headers.get("via", "").lower() or server.startswith("cloudfront"):
        return "CloudFront"
    if server.startswith("awselb"):
        return "ALB"
    return next((name for sign, name in _KNOWN_BY.items() if server.startswith(sign)), "")


def setting(what: str, proxy: str) -> str:
    """The lines for a fault: those of the proxy where it is known, else of the common ones."""
    if proxy in RECOMMENDED:
        return str(RECOMMENDED[proxy][what])
    if proxy in {"ALB", "CloudFront"}:
        return f"ALB: {_ALB[what]}"
    common = [f"{name}: {RECOMMENDED[name][what]}".rstrip(";") for name in ("nginx", "haproxy")]
    return "; ".join([*common, f"ALB: {_ALB[what]}"])
