"""`make audit`: a known vulnerability fails, unless an exception that still holds says why not."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from docs_pages import ROOT

sys.path.append(str(ROOT / "scripts"))

import audit

RUN_S_MAX = 120
# Old versions with vulnerabilities that everybody knows.
OLD_PYTHON = f"urllib3==1.24.1 --hash=sha256:{'0' * 64}\n"
OLD_JAVASCRIPT = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"minimist": "0.0.8"}},
        "node_modules/minimist": {"version": "0.0.8"},
    },
}
OSV_ANSWER = {
    "vulns": [
        {
            "id": "PYSEC-2019-133",
            "aliases": ["CVE-2019-11324"],
            "affected": [
                {
                    "package": {"name": "urllib3", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "1.24.2"}]}],
                }
            ],
        }
    ]
}
NPM_ANSWER = {
    "minimist": [
        {
            "id": 1097677,
            "url": "https://example.com/advisories/GHSA-xvch-5gv4-984h",
            "title": "Prototype Pollution",
            "severity": "critical",
            "vulnerable_versions": "<0.2.4",
            "cwe": [],
            "cvss": {"score": 9.8},
        }
    ]
}
MINIMIST = {
    "name": "minimist",
    "dist-tags": {"latest": "0.2.4"},
    "versions": {
        version: {"name": "minimist", "version": version, "dist": {}}
        for version in ("0.0.8", "0.2.4")
    },
}
FINDING = audit.Finding("a.lock", "p", "1", ("PYSEC-1", "CVE-1"), ("2",))
TODAY = date(2026, 11, 30)


class _Advisories(BaseHTTPRequestHandler):
    """Registries that know of one vulnerability each."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(NPM_ANSWER if self.path.endswith("/bulk") else OSV_ANSWER)

    def do_GET(self) -> None:
        self._answer(MINIMIST)

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nobody reads it."""


@pytest.fixture
def registry() -> Iterator[ThreadingHTTPServer]:
    """Serve advisories on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Advisories)
    server.status = 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with locks that have old packages."""
    (tmp_path / "requirements.lock").write_text(OLD_PYTHON)
    (tmp_path / "package-lock.json").write_text(json.dumps(OLD_JAVASCRIPT))
    (tmp_path / "package.json").write_text(json.dumps(OLD_JAVASCRIPT["packages"][""]))  # type: ignore[index]
    (tmp_path / "exceptions.toml").write_text("")
    return tmp_path


def run_audit(
    folder: Path, registry: ThreadingHTTPServer | None = None, *, options: tuple[str, ...] = ()
) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "scripts" / "audit.py"), f"--root={folder}", *options]
    command += [f"--exceptions={folder / 'exceptions.toml'}", "--seconds=100"]
    if registry:
        url = f"http://127.0.0.1:{registry.server_port}/"
        (folder / ".npmrc").write_text(f"registry={url}\n")
        command.append(f"--osv-url={url}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def test_real_registries_know_old_vulnerabilities(old: Path) -> None:
    code, said = run_audit(old)
    for language, package in (("Python", "urllib3 1.24.1"), ("JavaScript", "minimist 0.0.8")):
        if f"{language}: not audited: " not in said:
            assert package in said
            assert code == 1
    if said.count("not audited: ") == 2:
        assert code == 0
        pytest.skip(said.replace("\n", "; "))


def test_finding_fails_with_its_id_package_version_and_fixed_version(
    old: Path, registry: ThreadingHTTPServer
) -> None:
    code, said = run_audit(old, registry)
    assert code == 1
    assert said.splitlines() == [
        "Python: 1 packages, 1 known vulnerabilities",
        "JavaScript: 1 packages, 1 known vulnerabilities",
        "requirements.lock: urllib3 1.24.1: PYSEC-2019-133 (CVE-2019-11324), fixed in 1.24.2",
        "package-lock.json: minimist 0.0.8: GHSA-xvch-5gv4-984h, fixed in 0.2.4",
    ]


def test_what_make_test_is_told_fails_nothing(old: Path, registry: ThreadingHTTPServer) -> None:
    code, said = run_audit(old, registry, options=("--tell",))
    assert (code, "urllib3 1.24.1: PYSEC-2019-133" in said) == (0, True)


def test_exceptions_that_hold_let_findings_stay(old: Path, registry: ThreadingHTTPServer) -> None:
    (old / "exceptions.toml").write_text(
        '[[exception]]\nid = "CVE-2019-11324"\nreason = "old on purpose"\nreview = 9999-01-01\n'
        '[[exception]]\nlock = "package-lock.json"\nreason = "the same"\nreview = 9999-01-01\n'
    )
    code, said = run_audit(old, registry)
    assert (code, said.count("1 known vulnerabilities")) == (0, 2)


def test_registry_without_an_audit_fails_nothing_and_says_so(
    old: Path, registry: ThreadingHTTPServer
) -> None:
    registry.status = 405  # type: ignore[attr-defined]
    code, said = run_audit(old, registry)
    assert code == 0
    assert "JavaScript: not audited: the registry has no audit\n" in said
    assert "Python: not audited: the registry does not answer\n" in said


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ({"message": "503 Service Unavailable", "statusCode": 503}, "does not answer"),
        ({"message": "connect ECONNREFUSED"}, "does not answer"),
        ({"message": "404 Not Found", "statusCode": 404}, "has no audit"),
    ],
)
def test_word_of_npm_that_it_got_no_answer_is_no_answer(
    report: dict[str, object], why: str
) -> None:
    with pytest.raises(audit.NotAuditedError, match=why):
        audit.javascript_answer("package-lock.json", json.dumps(report), {})


def test_network_that_is_away_fails_nothing(old: Path, registry: ThreadingHTTPServer) -> None:
    registry.shutdown()
    registry.server_close()
    code, said = run_audit(old, registry)
    assert (code, said.count("not audited: the registry does not answer\n")) == (0, 2)


def test_lock_without_hashes_is_not_taken_for_a_registry_without_an_audit(
    old: Path, registry: ThreadingHTTPServer
) -> None:
    (old / "requirements.lock").write_text("urllib3==1.24.1\n")
    code, said = run_audit(old, registry)
    assert code == 1
    assert "requirements.lock: ERROR:pip_audit._cli:requirement urllib3" in said


def test_no_lock_is_forgotten() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*package-lock.json", "*.lock", "*requirements*.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = audit.locks_in(ROOT, audit.PYTHON_LOCKS) + audit.locks_in(ROOT, audit.JAVASCRIPT_LOCKS)
    assert {str(path.relative_to(ROOT)) for path in found} == set(tracked)


def test_exceptions_of_this_repository_are_about_locks_that_exist() -> None:
    exceptions = audit.read_exceptions(audit.EXCEPTIONS)
    assert all((ROOT / one.lock).exists() for one in exceptions)


def test_exception_fails_from_its_day_of_review_on() -> None:
    held = audit.AuditException("r", date(2026, 12, 1), id="PYSEC-1")
    assert audit.judge([FINDING], [held], TODAY) == []
    assert audit.judge([FINDING], [held], held.review) == [
        "a.lock: p 1: PYSEC-1 (CVE-1), fixed in 2",
        "to be reviewed: PYSEC-1: r (until 2026-12-01)",
    ]


@pytest.mark.parametrize(
    "exception",
    [
        audit.AuditException("r", date.max, id="PYSEC-2"),
        audit.AuditException("r", date.max, lock="b.lock"),
        audit.AuditException("r", date.max, id="PYSEC-1", lock="b.lock"),
    ],
    ids=str,
)
def test_exception_covers_nothing_else(exception: audit.AuditException) -> None:
    assert len(audit.judge([FINDING], [exception], TODAY)) == 1


@pytest.mark.parametrize(
    "entry",
    [
        'id = "a"\nreason = "r"',
        'id = "a"\nreview = 2027-01-31',
        'reason = "r"\nreview = 2027-01-31',
        'id = "a"\nreason = "r"\nreview = "2027-01-31"',
        'id = "a"\nreason = "r"\nreview = 2027-01-31\nuntil = 1',
        "id =",
    ],
)
def test_exception_that_is_not_whole_is_refused(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_text(f"[[exception]]\n{entry}\n")
    with pytest.raises(audit.AuditFailedError, match=r"exceptions\.toml"):
        audit.read_exceptions(path)


def test_packages_that_only_a_private_index_has_are_named() -> None:
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "skip_reason": "not found"},
        ]
    }
    answer = audit.python_answer("a.lock", json.dumps(report), "")
    assert str(answer) == "1 packages, 0 known vulnerabilities; not known there: b"


def test_what_was_found_before_a_registry_fell_silent_counts() -> None:
    answers = iter([audit.Answer([FINDING], 1), audit.NotAuditedError("the registry is away")])

    def ask(_lock: Path) -> audit.Answer:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    answer = audit.audit([Path("a"), Path("b"), Path("c")], ask)
    assert answer.findings == [FINDING]
    assert str(answer) == "1 packages, 1 known vulnerabilities; not audited: the registry is away"
