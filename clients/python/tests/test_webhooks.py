"""Checking webhooks: River's own signatures are good, everything else is refused."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from river_realtime import RiverError, UsageError, WebhookError, verify_webhook
from riverd.auth.webhooks import endpoints_of, parse_webhooks
from riverd.broker.webhooks import QueuedEvent
from riverd.webhooks.forms import TruthNow, request_for

ROOT = Path(__file__).parents[3]
SECRET = "a-secret-of-webhooks-0123456789"
CODED = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OTHER = "another-secret-of-webhooks-0123456789"
NODE = """
import { verifyWebhook } from "%s";
const said = ({ body, headers, options }) => {
  try { return verifyWebhook(body, headers, options); }
  catch (error) { return { refused: error.code }; }
};
console.log(JSON.stringify(JSON.parse(process.env.CASES).map(said)));
"""


def sent(secret: str, *, ago_s: float = 0) -> tuple[bytes, dict[str, str]]:
    """A request as River sends it."""
    webhook = {"url": "https://example.com/", "events": ["cache_miss"], "secret": secret}
    [endpoint] = endpoints_of(parse_webhooks("RIVER_WEBHOOKS", json.dumps([webhook])))
    event = QueuedEvent(
        id="e1", queue="", entry="1", at_ms=1, since_ms=1, kind="cache_miss", channel="cache-ä"
    )
    now_ms = int((time.time() - ago_s) * 1000)
    made = request_for(endpoint, [event], truth=TruthNow(), now_ms=now_ms)
    assert made is not None
    return made.body, dict(made.headers)


def by_node(*cases: tuple[bytes, dict[str, str], str | list[str]]) -> list[object]:
    """What the library for Node says to each."""
    script = NODE % (ROOT / "clients" / "js" / "server" / "river.js").as_uri()
    given = [
        {"body": body.decode(), "headers": headers, "options": {"secret": secret}}
        for body, headers, secret in cases
    ]
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", script],
        env={**os.environ, "CASES": json.dumps(given)},
        capture_output=True,
        check=True,
        text=True,
    )
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("secret", [SECRET, CODED])
def test_both_libraries_give_the_events_of_what_river_sends(secret: str) -> None:
    body, headers = sent(secret)
    events = verify_webhook(body, {k.title(): v for k, v in headers.items()}, secret=secret)
    assert [(one["id"], one["type"], one["channel"]) for one in events] == [
        ("e1", "cache_miss", "cache-ä")
    ]
    assert by_node((body, headers, secret)) == [events]


def test_a_secret_changes_without_a_refusal() -> None:
    body, headers = sent(SECRET)
    events = verify_webhook(body.decode(), headers, secret=[OTHER, SECRET])
    assert by_node((body, headers, [OTHER, SECRET])) == [events]


def test_what_is_forged_changed_or_too_old_is_refused() -> None:
    body, headers = sent(SECRET)
    late_body, late = sent(SECRET, ago_s=400)
    cases: list[tuple[bytes, dict[str, str], str | list[str]]] = [
        (body, headers, OTHER),
        (body + b" ", headers, SECRET),
        (body, headers | {"webhook-id": "e2-1"}, SECRET),
        (body, headers | {"webhook-timestamp": "1"}, SECRET),
        (body, headers | {"webhook-signature": "v1,"}, SECRET),
        (body, {k: v for k, v in headers.items() if k != "webhook-id"}, SECRET),
        (late_body, late, SECRET),
    ]
    for a_body, some, secret in cases:
        with pytest.raises(WebhookError) as refused:
            verify_webhook(a_body, some, secret=secret)
        assert isinstance(refused.value, RiverError)
    assert by_node(*cases) == [{"refused": "webhook_invalid"}] * len(cases)
    assert verify_webhook(late_body, late, secret=SECRET, tolerance_s=500)


def test_a_secret_that_is_none_is_named() -> None:
    body, headers = sent(SECRET)
    wrong: list[str | list[str]] = ["", [], "whsec_?"]
    for secret in wrong:
        with pytest.raises(UsageError, match="secret"):
            verify_webhook(body, headers, secret=secret)
    said = by_node(*[(body, headers, secret) for secret in wrong])
    assert said == [{"refused": "option_invalid"}] * len(wrong)
