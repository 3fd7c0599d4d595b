"""RIVER_ALLOWED_ORIGINS as people write it, and as browsers send origins."""

import pytest

from riverd.errors import SettingsError
from riverd.gateway.origins import Origins
from riverd.service.environment import load


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("HTTPS://Example.com", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:443/", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://example.com:0443", "https://example.com"),
        ("http://example.com:08080", "http://example.com:8080"),
        ("http://localhost:*", "http://localhost:5173"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[::1]", "http://[::1]"),
        ("https://*.example.com/", "https://app.example.com"),
        ("*.example.com", "https://app.example.com"),
        ("*://example.com", "http://example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("null", "null"),
        ("*", "https://anything.example:8443"),
    ],
)
def test_an_origin_is_taken_as_browsers_send_it(written: str, origin: str) -> None:
    origins = load({"RIVER_ALLOWED_ORIGINS": f"https://other.example, {written}"}).allowed_origins
    assert Origins(origins).allow(origin)


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        ("example.com", "write its scheme too: https://example.com"),
        ("localhost:3000", "write its scheme too"),
        ("//example.com", "write its scheme too: https://example.com"),
        ("https:/example.com", "write its scheme too: https://example.com"),
        ("https//example.com", "write its scheme too: https://example.com"),
        ("https://example..com", "no host has such a name"),
        ("https://.example.com", "no host has such a name"),
        ("https://example.com/app", "a scheme, a host and a port, nothing else"),
        ("https://example.com/*", "a scheme, a host and a port, nothing else"),
        ("https://example.com?x=1", "a scheme, a host and a port, nothing else"),
        ("https://me@example.com", "a scheme, a host and a port, nothing else"),
        ("https://", "a scheme, a host and a port, nothing else"),
        ('"https://example.com"', "without quotes"),
        ("'https://example.com'", "without quotes"),
        ("https://a.example;https://b.example", "separate origins by commas"),
        ("https://a.example https://b.example", "separate origins by commas"),
        ("https://example.com:port", "its port is none"),
        ("https://example.com:99999", "its port is none"),
        ("https://example.com:", "its port is none"),
        ("wss://example.com", "pages have https:// origins"),
        ("ht tp://example.com", "separate origins by commas"),
        (",", "nothing stands there"),
    ],
)
def test_what_could_never_match_an_origin_is_refused_at_the_start(written: str, cure: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"RIVER_ALLOWED_ORIGINS": written})
    message = str(caught.value)
    assert message.startswith("RIVER_ALLOWED_ORIGINS: ")
    assert cure in message
    assert len(message.splitlines()) == 1
