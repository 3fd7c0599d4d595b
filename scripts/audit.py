"""Asks the registries what is known against the packages of all locks: `make audit`.

Python's by pip-audit, JavaScript's by `npm audit`. A known vulnerability fails, unless
audit_exceptions.toml says why it may stay, and until when. A registry that keeps no advisories, or
does not answer, fails nothing: one line says that nothing was audited.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = ROOT / "scripts" / "audit_exceptions.toml"
PYTHON_LOCKS = re.compile(r"requirements\.txt|.+\.lock")
JAVASCRIPT_LOCKS = re.compile(r"package-lock\.json")
NOT_OURS = {"node_modules", "build", "dist", "site", "cdk.out"}
DEADLINE_S = 50.0
"""Within `make test`; by hand there may be more time."""
UNREACHABLE = re.compile(r"requests\.exceptions\.|ServiceError|network may be blocking")
"""What pip-audit ends with when the service, not the lock, is at fault."""
REFUSED = range(400, 500)
"""The statuses by which a registry says that it does not know what it is asked for."""
FIXED_IN = re.compile(r"<\s*([0-9][^\s|<>=]*)")
"""The first version that a range of npm's excludes."""
KNOWN_KEYS = {"id", "lock", "reason", "review"}


class NotAuditedError(Exception):
    """The registry said nothing about vulnerabilities; the text says why."""


class AuditFailedError(Exception):
    """A lock or the list of exceptions cannot be read, or a tool is broken."""


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a package in a lock. The first id is the advisory's own."""

    lock: str
    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        also = f" ({', '.join(self.ids[1:])})" if self.ids[1:] else ""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fixed version"
        return f"{self.lock}: {self.package} {self.version}: {self.ids[0]}{also}, {fixed}"


@dataclass(frozen=True)
class AuditException:
    """Why an advisory, or what a lock has, may stay until a day."""

    reason: str
    review: date
    id: str = ""
    lock: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this."""
        return self.id in ("", *finding.ids) and self.lock in ("", finding.lock)

    def __str__(self) -> str:
        about = " in ".join(one for one in (self.id, self.lock) if one)
        return f"{about}: {self.reason} (until {self.review})"


@dataclass
class Answer:
    """What was said about some locks."""

    findings: list[Finding] = field(default_factory=list[Finding])
    packages: int = 0
    unknown: list[str] = field(default_factory=list[str])
    """Packages that the registry does not know, such as those of a private index."""
    not_audited: str = ""
    """Why the other locks were not asked about."""

    def __str__(self) -> str:
        counted = f"{self.packages} packages, {len(self.findings)} known vulnerabilities"
        unknown = [f"not known there: {', '.join(self.unknown)}"] if self.unknown else []
        left = [f"not audited: {self.not_audited}"] if self.not_audited else []
        return "; ".join([*([] if left and not self.packages else [counted]), *unknown, *left])

    def add(self, other: "Answer") -> None:
        """Take another lock's answer to it."""
        self.findings += other.findings
        self.packages += other.packages
        self.unknown += other.unknown


def read_exceptions(path: Path) -> list[AuditException]:
    """The exceptions, each whole.

    Raises:
        AuditFailedError: if the file is not what it has to be.
    """
    found: list[AuditException] = []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuditFailedError(f"{path.name}: {error}") from error
    for entry in entries:
        whole = entry.keys() <= KNOWN_KEYS and (entry.get("id") or entry.get("lock"))
        if not whole or not entry.get("reason") or type(entry.get("review")) is not date:
            raise AuditFailedError(
                f"{path.name}: an exception has an id or a lock, a reason, and a day of review"
                f" such as 2027-01-31: {entry}"
            )
        found.append(AuditException(**entry))
    return found


def locks_in(root: Path, names: re.Pattern[str]) -> list[Path]:
    """All locks of a kind, the smallest first: a registry that has no advisories says so soon."""
    found: list[Path] = []
    for folder, inner, files in os.walk(root):
        inner[:] = [one for one in inner if one not in NOT_OURS and not one.startswith(".")]
        found += [Path(folder, name) for name in files if names.fullmatch(name)]
    return sorted(found, key=lambda path: (path.stat().st_size, path))


def python_answer(lock: str, printed: str, complaint: str) -> Answer:
    """What pip-audit said about a lock.

    Raises:
        NotAuditedError: if the service did not answer, or knows none of the packages.
        AuditFailedError: if the lock or the tool is at fault.
    """
    if not printed:
        last = complaint.strip().rpartition("\n")[2]
        if UNREACHABLE.search(last):
            raise NotAuditedError("the registry does not answer")
        raise AuditFailedError(f"{lock}: {last}")
    answer = Answer()
    for one in json.loads(printed)["dependencies"]:
        if "skip_reason" in one:
            answer.unknown.append(one["name"])
            continue
        answer.packages += 1
        for known in one["vulns"]:
            ids = (known["id"], *known.get("aliases", ()))
            fixed = tuple(known["fix_versions"])
            answer.findings.append(Finding(lock, one["name"], one["version"], ids, fixed))
    if answer.unknown and not answer.packages:
        raise NotAuditedError("the registry has no audit")
    return answer


def javascript_answer(lock: str, printed: str, versions: dict[str, Any]) -> Answer:
    """What `npm audit` said about a lock, of which `versions` are the packages.

    Raises:
        NotAuditedError: if the registry did not answer, or has no advisories.
        AuditFailedError: if the lock or the tool is at fault.
    """
    try:
        report = json.loads(printed)
    except json.JSONDecodeError as error:
        raise AuditFailedError(f"{lock}: npm printed no JSON: {printed[:200]!r}") from error
    if "vulnerabilities" not in report:
        if "message" not in report:
            raise AuditFailedError(f"{lock}: {report.get('error', {}).get('summary')}")
        refused = report.get("statusCode") in REFUSED
        raise NotAuditedError(f"the registry {'has no audit' if refused else 'does not answer'}")
    answer = Answer(packages=report["metadata"]["dependencies"]["total"])
    for name, entry in report["vulnerabilities"].items():
        # A text names another package that this one needs, which has an entry of its own.
        for known in (one for one in entry["via"] if not isinstance(one, str)):
            fixed = tuple(FIXED_IN.findall(known["range"]))
            ids = (known["url"].rpartition("/")[2],)
            installed = {versions[node].get("version", "of no version") for node in entry["nodes"]}
            answer.findings += [
                Finding(lock, name, version, ids, fixed) for version in sorted(installed)
            ]
    return answer


def run_tool(command: list[str], folder: Path, ends_at: float) -> tuple[str, str]:
    """What a tool printed, and what it complained about.

    Raises:
        NotAuditedError: if it is not installed, or not ready in time.
    """
    left_s = ends_at - time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=left_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAuditedError("the registry does not answer in time") from error
    except FileNotFoundError as error:
        raise NotAuditedError(f"{command[0]} is not installed") from error
    return done.stdout, done.stderr


def audit_python(lock: Path, root: Path, ends_at: float, *, osv_url: str | None) -> Answer:
    """Ask about a lock of Python's."""
    service = ["--vulnerability-service=osv", f"--osv-url={osv_url}"] if osv_url else []
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--format=json", "--progress-spinner=off", *service, f"--requirement={lock}"]
    printed, complaint = run_tool(command, root, ends_at)
    return python_answer(str(lock.relative_to(root)), printed, complaint)


def audit_javascript(lock: Path, root: Path, ends_at: float) -> Answer:
    """Ask about a lock of JavaScript's."""
    command = ["npm", "audit", "--package-lock-only", "--json"]
    command += ["--fetch-retries=0", "--fetch-timeout=10000"]
    printed, _ = run_tool(command, lock.parent, ends_at)
    versions = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return javascript_answer(str(lock.relative_to(root)), printed, versions)


def audit(locks: Iterable[Path], ask: Callable[[Path], Answer]) -> Answer:
    """Ask about one lock after the other, until the registry does not answer."""
    whole = Answer()
    for lock in locks:
        try:
            whole.add(ask(lock))
        except NotAuditedError as error:
            whole.not_audited = f"{error}"
            break
    return whole


def judge(findings: list[Finding], exceptions: list[AuditException], today: date) -> list[str]:
    """What fails: what no exception of today covers, and exceptions whose day has come."""
    valid = [one for one in exceptions if today < one.review]
    wrong = [f"{one}" for one in findings if not any(may.covers(one) for may in valid)]
    return wrong + [f"to be reviewed: {one}" for one in exceptions if one not in valid]


def main() -> int:
    """Audit; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="where the locks are")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS)
    parser.add_argument("--osv-url", help="for Python, a service that speaks OSV's protocol")
    parser.add_argument("--tell", action="store_true", help="fail for nothing that is found")
    parser.add_argument("--seconds", type=float, default=DEADLINE_S, help="for all of it")
    wanted = parser.parse_args()
    root, ends_at = wanted.root, time.monotonic() + wanted.seconds
    ask_python = partial(audit_python, root=root, ends_at=ends_at, osv_url=wanted.osv_url)
    ask_javascript = partial(audit_javascript, root=root, ends_at=ends_at)
    with ThreadPoolExecutor() as pool:
        asked = {
            "Python": pool.submit(audit, locks_in(root, PYTHON_LOCKS), ask_python),
            "JavaScript": pool.submit(audit, locks_in(root, JAVASCRIPT_LOCKS), ask_javascript),
        }
    findings: list[Finding] = []
    wrong: list[str] = []
    for language, answered in asked.items():
        try:
            answer = answered.result()
        except AuditFailedError as error:
            wrong.append(f"{error}")
        else:
            print(f"{language}: {answer}")
            findings += answer.findings
    try:
        wrong += judge(findings, read_exceptions(wanted.exceptions), datetime.now(UTC).date())
    except AuditFailedError as error:
        wrong.append(f"{error}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong and not wanted.tell else 0


if __name__ == "__main__":
    sys.exit(main())
