"""What an ECS task asks the container agent."""

import json

import pytest
from ecs_agent import agent

from riverd.aws.ecs_metadata import task_arn
from riverd.errors import SettingsError

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/river/0123456789abcdef"
PLACE = "ECS_CONTAINER_METADATA_URI_V4"


def test_a_task_is_told_its_arn() -> None:
    told = {"Cluster": "river", "TaskARN": ARN, "Family": "river", "Containers": []}
    with agent(json.dumps(told).encode()) as place:
        assert task_arn({PLACE: place}) == ARN


@pytest.mark.parametrize("says", [b"", b"{}", b"nonsense", b"[]", b'{"TaskARN":7}'])
def test_an_agent_that_says_nothing_sensible_is_told_in_one_line(says: bytes) -> None:
    with agent(says) as place, pytest.raises(SettingsError) as caught:
        task_arn({PLACE: place})
    assert str(caught.value).startswith(f"RIVER_NODE_NAME=ecs-task: {place}/task: ")
    assert len(str(caught.value).splitlines()) == 1


def test_an_agent_that_is_away_or_knows_no_such_task_is_told() -> None:
    with agent(b"{}") as place, pytest.raises(SettingsError, match="404"):
        task_arn({PLACE: f"{place}-of-another"})
    with pytest.raises(SettingsError, match="refused"):
        task_arn({PLACE: place})


@pytest.mark.parametrize("environment", [{}, {PLACE: ""}, {PLACE: "file:///etc"}])
def test_what_is_no_task_is_told(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="this is no ECS task"):
        task_arn(environment)
