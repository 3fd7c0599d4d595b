"""The conversations about recovery and presence, over streams as over WebSockets."""

from collections.abc import Iterator

import pytest
from protocol_runner import Case, all_cases
from protocol_server import Servers
from stream_conversation import StreamConversation, goes_over_http

CONVERSATIONS = [
    pytest.param(case, id=f"{file}: {case.name}")
    for file, case in all_cases()
    if file in ("recovery", "presence") and goes_over_http(case)
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Return the servers of this module, which end with it."""
    servers = Servers(tmp_path_factory.mktemp("streams"))
    yield servers
    servers.stop()


@pytest.mark.parametrize("case", CONVERSATIONS)
def test_server_keeps_to_the_conversation_over_http(case: Case, servers: Servers) -> None:
    StreamConversation(case, servers.with_settings(case.settings)).run()
