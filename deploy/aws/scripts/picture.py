"""The drawing of the infrastructure: a fixed layout, filled with what the template says."""

from collections.abc import Sequence
from html import escape

from template_facts import Facts

WIDTH, HEIGHT = 1200, 790

STYLE = """
    text { font-family: system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }
    .paper { fill: #ffffff }
    .cloud { fill: #f6fafa; stroke: #9db9bb; stroke-width: 1.5 }
    .net { fill: #eef6f6; stroke: #0f7c86; stroke-width: 1.5 }
    .zone { fill: none; stroke: #8fb3b5; stroke-width: 1.5; stroke-dasharray: 6 5 }
    .box { fill: #ffffff; stroke: #7fa4a7; stroke-width: 1.5 }
    .open { fill: #0f7c86; stroke: none }
    .core { fill: #dcf0f1; stroke: #0f7c86; stroke-width: 2 }
    .ghost { fill: none; stroke: #8fb3b5; stroke-width: 1.5; stroke-dasharray: 4 4 }
    .head { font-size: 16px; font-weight: 650; fill: #16292b }
    .more { font-size: 13px; fill: #46605f }
    .on { fill: #ffffff }
    .softly { fill: #d3edef }
    .label { font-size: 13px; fill: #0d6a73; font-weight: 600 }
    .frame { font-size: 14px; font-weight: 650; fill: #2b5b5f }
    .line { fill: none; stroke: #0f7c86; stroke-width: 2.25 }
    .tip { fill: #0f7c86 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1514 }
      .cloud { fill: #121d1c; stroke: #3d5a5b }
      .net { fill: #16262a; stroke: #2b8e97 }
      .zone, .ghost { stroke: #46686a }
      .box { fill: #1b2b2c; stroke: #55787a }
      .open { fill: #12808a }
      .core { fill: #17393d; stroke: #34a9b4 }
      .head { fill: #e8f2f2 }
      .more { fill: #a9c1c1 }
      .on { fill: #ffffff }
      .softly { fill: #d3edef }
      .label { fill: #6fd0d8 }
      .frame { fill: #9fcfd3 }
      .line { stroke: #34a9b4 }
      .tip { fill: #34a9b4 }
    }
"""


class Picture:
    """Collects shapes; what comes later lies on top."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def frame(self, kind: str, place: tuple[int, int, int, int], title: str = "") -> None:
        """A frame around others, named at its top."""
        x, y, _, _ = place
        self._rectangle(kind, place, radius=14)
        if title:
            self._text("frame", x + 16, y + 25, says=title)

    def box(self, kind: str, place: tuple[int, int, int, int], lines: Sequence[str]) -> None:
        """A box with a heading and some lines, centred."""
        x, y, width, height = place
        self._rectangle(kind, place, radius=10)
        middle = x + width // 2
        first = y + height // 2 - (len(lines) - 1) * 9 + 5
        for number, line in enumerate(lines):
            shown = "more" if number else "head"
            if kind == "open":
                shown += " softly" if number else " on"
            self._text(shown, middle, first + number * 18 + (number > 0), says=line, centred=True)

    def arrow(self, points: Sequence[tuple[int, int]]) -> None:
        """A line along points, with a tip at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._parts.append(f'<polyline class="line" points="{path}" marker-end="url(#tip)"/>')

    def label(self, at: tuple[int, int], says: str, *, centred: bool = True) -> None:
        """Words beside a line."""
        self._text("label", at[0], at[1], says=says, centred=centred)

    def note(self, at: tuple[int, int], says: str) -> None:
        """Words that stand alone."""
        self._text("more", at[0], at[1], says=says)

    def svg(self, *, title: str, about: str) -> str:
        """The whole drawing."""
        body = "\n  ".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-labelledby="title about">\n'
            f'  <title id="title">{escape(title)}</title>\n'
            f'  <desc id="about">{escape(about)}</desc>\n'
            f"  <style>{STYLE}  </style>\n"
            '  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0 0L10 5L0 10z"/>'
            "</marker></defs>\n"
            f'  <rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="16"/>\n'
            f"  {body}\n</svg>\n"
        )

    def _rectangle(self, kind: str, place: tuple[int, int, int, int], *, radius: int) -> None:
        x, y, width, height = place
        self._parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" '
            f'rx="{radius}"/>'
        )

    def _text(self, kind: str, x: int, y: int, *, says: str, centred: bool = False) -> None:
        anchor = ' text-anchor="middle"' if centred else ""
        self._parts.append(f'<text class="{kind}" x="{x}" y="{y}"{anchor}>{escape(says)}</text>')


def draw(template: dict[str, object]) -> str:
    """The drawing of a template of the default variant."""
    facts, picture = Facts(template), Picture()
    _frames(facts, picture)
    _outside(facts, picture)
    _inside(facts, picture)
    _beside(facts, picture)
    _arrows(facts, picture)
    return picture.svg(
        title="River on AWS",
        about="Browsers reach the gateways through CloudFront and an internal load balancer. Your "
        "servers reach the publish API, a Lambda function, through an HTTP API. Both meet in "
        "Valkey. Secrets Manager keeps the secrets, which a function rotates; another tells a "
        "gateway to move its clients before it stops.",
    )


def _frames(facts: Facts, picture: Picture) -> None:
    numbers = {2: "two", 3: "three"}
    picture.frame("cloud", (230, 30, 950, 700), "Your AWS account, one region")
    picture.frame("net", (470, 70, 450, 640), f"A network of its own: {facts.network()}")
    picture.frame("zone", (485, 112, 205, 582))
    picture.frame("zone", (700, 112, 205, 582))
    picture.note((497, 130), f"one of {numbers[facts.zones()]} zones")
    picture.note((712, 130), "the other")


def _outside(facts: Facts, picture: Picture) -> None:
    picture.box("box", (20, 150, 170, 80), ["Browsers", "a token of your app"])
    picture.box("box", (20, 580, 170, 80), ["Your servers", "the API key"])
    picture.box("open", (250, 140, 185, 100), ["CloudFront", "TLS; nothing is cached", "public"])
    picture.box(
        "open", (250, 570, 185, 100), ["HTTP API", f"TLS; {facts.rate()} requests/s", "public"]
    )


def _inside(facts: Facts, picture: Picture) -> None:
    scheme, port, idle = facts.balancer()
    size, processor, gateway_port = facts.gateway()
    least, most = facts.gateways()
    picture.box(
        "box",
        (500, 145, 390, 90),
        [
            f"Load balancer, {scheme}",
            f"port {port}, idle after {idle} s",
            f"lets go of a gateway over {facts.leave_s()} s",
        ],
    )
    address = "public address, no way in" if facts.has_public_addresses() else "private"
    for x in (500, 710):
        picture.box(
            "core",
            (x, 285, 180, 95),
            ["Gateway", size, f"{processor}, port {gateway_port}", address],
        )
    picture.note((560, 410), f"{least} to {most} of them, as the load asks")
    valkey = facts.valkey()
    picture.box(
        "core",
        (500, 430, 180, 100),
        [
            f"{valkey['Engine'].capitalize()} {valkey['EngineVersion']}",
            valkey["CacheNodeType"],
            "TLS, password" if valkey["TransitEncryptionEnabled"] else "open",
            "encrypted at rest" if valkey["AtRestEncryptionEnabled"] else "readable",
        ],
    )
    picture.box("ghost", (710, 430, 85, 100), ["Replica", "if it must", "not stop"])
    picture.box("box", (805, 430, 90, 100), ["Door to", "the secrets", "port 443"])
    for x, part, name in ((500, "Publish", "Publish API"), (710, "Drain", "Sign to drain")):
        function = facts.function(part)
        runtime = function["Runtime"].replace("python", "Python ")
        picture.box(
            "box",
            (x, 580, 180, 80),
            [name, f"Lambda, {runtime}", f"ARM, {function['MemorySize']} MB"],
        )


def _beside(facts: Facts, picture: Picture) -> None:
    kinds = facts.kinds()
    picture.box(
        "box",
        (950, 140, 210, 100),
        [
            "CloudWatch",
            f"logs for {facts.log_days()} days",
            f"{kinds['AWS::CloudWatch::Alarm']} alarms",
            f"{kinds['AWS::CloudWatch::Dashboard']} dashboard",
        ],
    )
    assert facts.function("Rotation")
    picture.box(
        "box",
        (950, 290, 210, 70),
        ["Rotation", f"Lambda, every {facts.rotated()}"],
    )
    picture.box("core", (950, 425, 210, 110), ["Secrets Manager", *facts.secrets()])
    picture.box("box", (950, 580, 210, 80), ["EventBridge", "a gateway is taken", "out of service"])


def _arrows(facts: Facts, picture: Picture) -> None:
    _, port, _ = facts.balancer()
    _, _, gateway_port = facts.gateway()
    valkey_port = facts.valkey()["Port"]
    picture.arrow([(190, 190), (248, 190)])
    picture.label((219, 180), "wss")
    picture.arrow([(435, 190), (498, 190)])
    picture.label((452, 180), f":{port}")
    picture.arrow([(190, 620), (248, 620)])
    picture.label((219, 610), "https")
    picture.arrow([(435, 620), (498, 620)])
    picture.label((452, 610), "calls")
    for x in (590, 800):
        picture.arrow([(x, 235), (x, 283)])
        picture.label((x + 10, 264), f":{gateway_port}", centred=False)
    picture.arrow([(540, 380), (540, 428)])
    picture.arrow([(850, 380), (850, 428)])
    picture.arrow([(590, 580), (590, 532)])
    picture.label((600, 562), f":{valkey_port}", centred=False)
    picture.arrow([(740, 580), (740, 556), (665, 556), (665, 532)])
    picture.arrow([(850, 580), (850, 532)])
    picture.arrow([(895, 480), (948, 480)])
    picture.arrow([(1055, 360), (1055, 423)])
    picture.label((1065, 397), "new ones", centred=False)
    picture.arrow([(950, 620), (892, 620)])
    clients = len(facts.let_in("BrokerGroupfrom"))
    picture.note(
        (250, 760),
        f"Filled: the two entries from the internet. Valkey lets in {clients} parts and nobody "
        "else: gateways, publish API, sign to drain.",
    )
