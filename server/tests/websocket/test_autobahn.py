"""The Autobahn test suite against an echo server: sections 1 to 7 and 10, 247 cases.

The suite is old: `wstest` of autobahntestsuite 0.8.2 runs on Python 2.7 alone. Where there is one:

    python2.7 -m virtualenv .setup/autobahn      (virtualenv 20.15.1 is the last that can)
    .setup/autobahn/bin/pip install -r server/tests/gateway/autobahn.txt

It is also found on the PATH, or where the environment variable WSTEST says. Everywhere else these
tests are skipped; what the sections ask is asked by tests of our own all the same:

* 1 framing: `test_a_message_of_every_length_form_comes_back`, `..._is_told_from_a_text`,
  and cut anywhere: `test_messages_come_out_alike_however_they_are_cut`
* 2 pings and pongs: `test_a_ping_of_125_bytes_is_answered_and_pongs_are_ignored`,
  a ping of 126 bytes among the violations
* 3 reserved bits, 4 opcodes, 5 fragmentation (wrong orders): the violations;
  right orders: `test_fragments_are_joined_and_a_ping_between_them_is_answered`
* 6 UTF-8: `INVALID_UTF8` among the violations,
  `test_every_kind_of_character_is_text_whole_and_byte_by_byte`
* 7 closing: `test_a_close_is_answered_with_its_code` and those after it, codes and reasons that
  may not be sent among the violations
* 10 many fragments: `test_a_large_message_may_come_in_many_fragments`
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUILT = HERE.parents[2] / ".setup/autobahn/bin/wstest"
SECTIONS = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 10: 1}
# A text of several fragments is checked when it is whole: the suite calls that not strict.
LATE = ("6.4.1", "6.4.2", "6.4.3", "6.4.4")
SUITE_TIMEOUT_S = 300

Case = Mapping[str, object]


@pytest.fixture(scope="module")
def wstest() -> str:
    found = os.environ.get("WSTEST") or shutil.which("wstest")
    if found is None and BUILT.exists():
        found = str(BUILT)
    if found is None:
        pytest.skip("no wstest: autobahntestsuite 0.8.2 needs Python 2.7 (see test_autobahn.py)")
    return found


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    command = [sys.executable, str(HERE.parent / "support" / "echo_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.terminate()


@pytest.fixture(scope="module")
def report(wstest: str, port: int, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Case]:
    folder = tmp_path_factory.mktemp("autobahn")
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": "river", "url": f"ws://127.0.0.1:{port}"}],
        "cases": [f"{section}.*" for section in SECTIONS],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    command = [wstest, "--mode", "fuzzingclient", "--spec", str(file)]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=SUITE_TIMEOUT_S
    )
    assert run.returncode == 0, run.stderr
    cases: dict[str, Case] = json.loads((folder / "index.json").read_text())["river"]
    return cases


@pytest.mark.parametrize(("section", "count"), SECTIONS.items())
def test_no_case_of_a_section_fails(report: Mapping[str, Case], section: int, count: int) -> None:
    cases = {name: case for name, case in report.items() if name.startswith(f"{section}.")}
    assert len(cases) == count
    for name, case in cases.items():
        late = {"NON-STRICT"} if name in LATE else set()
        assert case["behavior"] in {"OK", "INFORMATIONAL"} | late, (name, case)
        assert case["behaviorClose"] in {"OK", "INFORMATIONAL"}, (name, case)
