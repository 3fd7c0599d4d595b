"""The container engine of this machine: the one that runs, or one that is started and stopped."""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is kept between runs: images, and the layers that builds begin with.
KEPT = ROOT / ".setup" / "engine"
# Servers are not on everybody's path.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin"
START_S_MAX = 60.0
TURN_S_MAX = 1200.0
STOP_S_MAX = 60.0
CALL_S_MAX = 600.0
PR_SET_PDEATHSIG = 1

CURE = (
    "No container engine answers, and none can be started here. Start Docker and see that "
    "`docker version` works, or run the tests as root with Debian's docker.io installed "
    "(bash scripts/install_containers.sh)."
)


class Engine:
    """What speaks to an engine: `docker`, in an environment that says where that is."""

    def __init__(self, address: str | None = None) -> None:
        self.environment = {**os.environ, "PATH": PATH}
        if address is not None:
            self.environment["DOCKER_HOST"] = address

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """What `docker ARGUMENTS` prints."""
        return self.run("docker", *arguments, check=check).stdout.strip()

    def run(
        self, *command: str, check: bool = True, folder: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """A command that speaks to this engine, to its end."""
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=CALL_S_MAX,
            check=False,
        )
        said = f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not check or done.returncode == 0, said
        return done

    def answers(self) -> bool:
        """Whether an engine is there."""
        if shutil.which("docker", path=PATH) is None:
            return False
        return self.run("docker", "version", check=False).returncode == 0

    def has(self, image: str) -> bool:
        return self.run("docker", "image", "inspect", image, check=False).returncode == 0


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine for as long as it is needed."""
    running = Engine()
    if running.answers():
        yield running
        return
    with _alone(), _started() as own:
        yield own


@contextmanager
def _alone() -> Iterator[None]:
    """One of its kind on this machine: two engines would hand out the same networks."""
    lock = Path(tempfile.gettempdir()) / "river-container-engine.lock"
    deadline = time.monotonic() + TURN_S_MAX
    with lock.open("a") as file:
        while not _locked(file.fileno()):
            assert time.monotonic() < deadline, (
                f"another run of these tests has held {lock} too long"
            )
            time.sleep(0.5)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _started() -> Iterator[Engine]:
    daemon = shutil.which("dockerd", path=PATH)
    assert daemon is not None, CURE
    assert os.geteuid() == 0, CURE
    KEPT.mkdir(parents=True, exist_ok=True)
    # A folder with a short name: a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="river-") as name:
        folder = Path(name)
        address = f"unix://{folder / 'docker.sock'}"
        command = [daemon, "--data-root", str(KEPT), "--exec-root", str(folder / "exec")]
        command += ["--host", address, "--pidfile", str(folder / "pid"), "--bridge", "none"]
        command += ["--config-file", str(_no_settings(folder))]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, "PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  pytest has no other threads here
            )
            try:
                yield _ready(process, Engine(address), folder / "log")
            finally:
                process.terminate()
                process.wait(STOP_S_MAX)
                _unmount(folder / "exec")


def _no_settings(folder: Path) -> Path:
    """The machine's own settings are for its own engine."""
    path = folder / "daemon.json"
    path.write_text("{}", encoding="ascii")
    return path


def _unmount(runtime: Path) -> None:
    """The engine leaves the network of containers without one mounted in its folder."""
    for space in (runtime / "netns").glob("*"):
        subprocess.run(["umount", str(space)], env={**os.environ, "PATH": PATH}, check=True)


def _end_with_parent() -> None:
    # Tests that are killed leave no engine behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _ready(process: subprocess.Popen[bytes], found: Engine, log: Path) -> Engine:
    deadline = time.monotonic() + START_S_MAX
    while not found.answers():
        said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert process.poll() is None, f"{CURE}\ndockerd said:\n{said}"
        assert time.monotonic() < deadline, f"dockerd did not answer; it said:\n{said}"
        time.sleep(0.2)
    return found
