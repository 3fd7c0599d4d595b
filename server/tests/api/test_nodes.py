"""`POST /nodes/NAME/drain`."""

import pytest
from api_server import Served, eventually
from river_feed import Notes

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/river/0123456789abcdef"


@pytest.mark.parametrize("segment", [ARN.replace("/", "%2F"), ARN.replace("/", "%2f")])
def test_every_node_is_told_which_is_to_drain(api: Served, segment: str) -> None:
    nodes = [Notes(), Notes()]
    for node in nodes:
        api.door(node)
    answer = api.ask("POST", f"/nodes/{segment}/drain")
    assert (answer.status, answer.json) == (200, {"node": ARN, "asked": True})
    eventually(lambda: [node.drained for node in nodes] == [[ARN], [ARN]])
    assert [node.disconnected for node in nodes] == [[], []]


@pytest.mark.parametrize("segment", ["", "n" * 257, "a%0Ab"])
def test_a_name_that_no_node_can_have_is_told(api: Served, segment: str) -> None:
    answer = api.ask("POST", f"/nodes/{segment}/drain")
    assert (answer.status, answer.code) == (400, "invalid_field")
