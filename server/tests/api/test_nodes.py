"""`POST /nodes/NAME/drain`."""

import pytest
from api_server import Served, eventually
from river_feed import Notes

from riverd.model.orders import OrderKind

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/river/0123456789abcdef"


@pytest.mark.parametrize("segment", [ARN.replace("/", "%2F"), ARN.replace("/", "%2f")])
def test_every_node_is_told_which_is_to_drain(api: Served, segment: str) -> None:
    nodes = [Notes(), Notes()]
    for node, name in zip(nodes, (ARN, "other"), strict=True):
        api.door(node, name=name)
    answer = api.ask("POST", f"/nodes/{segment}/drain")
    assert (answer.status, answer.json["node"], answer.json["asked"]) == (200, ARN, True)
    assert {ARN, "other"} <= {*answer.json["unanswered"]}
    for node in nodes:
        eventually(lambda node=node: bool(node.orders))
        order = node.orders[-1]
        assert (order.kind, order.node) == (OrderKind.DRAIN, ARN)


def test_a_node_that_nobody_is_called_is_not_found(api: Served) -> None:
    answer = api.ask("POST", "/nodes/nobody/drain")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("segment", ["", "n" * 257, "a%0Ab"])
def test_a_name_that_no_node_can_have_is_told(api: Served, segment: str) -> None:
    answer = api.ask("POST", f"/nodes/{segment}/drain")
    assert (answer.status, answer.code) == (400, "invalid_field")
