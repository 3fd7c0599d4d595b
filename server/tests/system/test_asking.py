"""What a terminal asks of a deployment: channels, history, members; and files of events."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from river_client import member, token, visitor
from river_process import API_KEY, River, Start, publish, run_all

GIVEN = {"RIVER_API_KEY": API_KEY}


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    return start_shared("dev")


async def ask_all(
    river: River, folder: Path, *commands: Sequence[str]
) -> list[tuple[int, str, str]]:
    """The commands' ends, from a folder without anything of `river dev`."""
    settings = {**GIVEN, "RIVER_API_URL": river.api_url}
    whole = [(command, settings) for command in commands]
    return await asyncio.to_thread(run_all, whole, folder=folder)


async def test_channels_and_members_are_listed(river: River, tmp_path: Path) -> None:
    info = {"name": "Ann \u202e\x1b[2J"}
    proof = token("ann", river={"subscribe": ["*"], "info": info})
    async with member(river.url, proof, "presence-cats"), member(river.url, token(), "cats"):
        rows, prefixed, data, there, nobody = await ask_all(
            river,
            tmp_path,
            ["channels"],
            ["channels", "presence-"],
            ["channels", "--json"],
            ["presence", "presence-cats"],
            ["presence", "presence-none"],
        )
    assert [code for code, _, _ in (rows, prefixed, data, there, nobody)] == [0] * 5
    assert [line.split() for line in rows[1].splitlines()] == [
        ["CHANNEL", "SUBSCRIBERS", "USERS"],
        ["cats", "1"],
        ["presence-cats", "1", "1"],
    ]
    assert "presence-cats" in prefixed[1]
    assert " cats" not in prefixed[1]
    assert json.loads(data[1])["channels"]["cats"] == {"subscribers": 1}
    # What others wrote does nothing to a terminal.
    assert there[1].splitlines()[1] == 'ann   {"name": "Ann \\u202e\\u001b[2J"}'
    assert nobody[1] == "nobody"


async def test_history_is_shown_and_says_where_the_channel_stands(
    river: River, tmp_path: Path
) -> None:
    publish(river, "rain", 3)
    last, none = await ask_all(
        river, tmp_path, ["history", "rain", "--limit", "2"], ["history", "sun"]
    )
    assert [line.split() for line in last[1].splitlines()] == [
        ["OFFSET", "EVENT", "USER", "DATA"],
        ["2", "post", '{"n":', "1}"],
        ["3", "post", '{"n":', "2}"],
    ]
    position = last[2].split()[-1]
    assert position.endswith(":3")
    assert none[1] == "nothing is kept"
    epoch = position.partition(":")[0]
    after, wrong = await ask_all(
        river,
        tmp_path,
        ["history", "rain", "--after", f"{epoch}:2", "--json"],
        ["history", "rain", "--after", "2"],
    )
    assert [one["offset"] for one in json.loads(after[1])["publications"]] == [3]
    assert wrong[0] == 2
    assert "EPOCH:OFFSET" in wrong[2]


async def test_user_is_shown_and_disconnected(river: River, tmp_path: Path) -> None:
    async with member(river.url, token("github/17"), "cows", "dogs") as client:
        there, ended, nobody = await ask_all(
            river, tmp_path, ["users", "github/17"], ["disconnect", "github/17"], ["users", "eve"]
        )
        assert there[0] == 0
        heads, row = there[1].splitlines()
        assert heads.split() == ["SESSION", "NODE", "SINCE", "CLIENT", "CHANNELS"]
        assert row.endswith("cows dogs")
        assert ended == (0, "connections reached: 1", "")
        assert nobody[:2] == (0, "not connected")
        assert (await client.ends())[0] == 4403


async def test_user_is_logged_out_everywhere(river: River, tmp_path: Path) -> None:
    proof = token("mallory")
    async with member(river.url, proof, "dogs") as client:
        [(code, _, complaint)] = await ask_all(river, tmp_path, ["revoke", "mallory"])
        assert (code, complaint) == (0, "")
        assert (await client.ends())[0] in (4401, 4403)
    async with visitor(river.url, Authorization=f"Bearer {proof}") as refused:
        await refused.until("error")


async def test_file_of_events_is_published_and_what_is_refused_is_named(
    river: River, tmp_path: Path
) -> None:
    lines = [{"channel": "snow", "event": "post", "data": n, "id": f"n{n}"} for n in range(1_200)]
    lines[7]["channel"] = "no#name"
    good, mixed = tmp_path / "good", tmp_path / "mixed"
    mixed.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    good.write_text(json.dumps(lines[10:20]), encoding="utf-8")
    first, again, nothing = await ask_all(
        river,
        tmp_path,
        ["publish", "--batch", str(mixed)],
        ["publish", "--batch", str(good)],
        ["publish", "dogs", "post"],
    )
    assert first[:2] == (1, "1199 published, 1 refused")
    assert first[2].startswith("message 8: channel_invalid")
    # The same ids: they were published once.
    assert again[:2] == (0, "10 published")
    [(_, shown, _)] = await ask_all(river, tmp_path, ["history", "snow", "--limit", "1", "--json"])
    assert json.loads(shown)["offset"] == 1_199
    assert nothing[0] == 2
    assert "--batch FILE" in nothing[2]


async def test_what_goes_wrong_is_one_line(river: River, tmp_path: Path) -> None:
    asked = ["channels"], ["history", "dogs"], ["presence", "dogs"], ["disconnect", "ann"]
    ways = (
        ({"RIVER_API_KEY": "wrong-key-of-the-tests"}, 1, "answered 401: api_key_invalid"),
        ({**GIVEN, "RIVER_API_URL": "http://127.0.0.1:1"}, 1, "cannot be reached"),
        ({**GIVEN, "RIVER_API_URL": river.url}, 1, "that is not a publish API"),
        ({}, 2, "there is no key"),
    )
    usual = {"RIVER_API_URL": river.api_url}
    commands = [(one, {**usual, **settings}) for settings, _, _ in ways for one in asked]
    ended = await asyncio.to_thread(run_all, commands, folder=tmp_path)
    for at, (code, out, complaint) in enumerate(ended):
        _, wanted, why = ways[at // len(asked)]
        assert (code, out, len(complaint.splitlines())) == (wanted, "", 1)
        assert complaint.startswith("river: ")
        assert why in complaint
