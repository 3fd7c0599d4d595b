"""A sandbox of AWS Lambda: a process of its own that can be frozen, with just its package."""

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import riverd
from riverd.aws.lambda_api import DISTRIBUTIONS

# As AWS's runtime: import the handler, then one event after another.
_RUNTIME = """
import sys, time
sys.path.insert(0, sys.argv[1])
began, busy = time.perf_counter(), time.process_time()
import importlib
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module), name)
took, cpu = time.perf_counter() - began, time.process_time() - busy
import json
own = {name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names}
print(json.dumps({"import_s": took, "import_cpu_s": cpu, "modules": sorted(own)}), flush=True)
for line in sys.stdin:
    began, busy = time.perf_counter(), time.process_time()
    result = handler(json.loads(line), None)
    took, cpu = time.perf_counter() - began, time.process_time() - busy
    print(json.dumps({"took_s": took, "cpu_s": cpu, "result": result}), flush=True)
"""


def package(folder: Path) -> Path:
    """A function's package: the named distributions and nothing else."""
    for name in DISTRIBUTIONS:
        if name == "riverd":
            source = Path(riverd.__file__).parent
            shutil.copytree(source, folder / "riverd", ignore=shutil.ignore_patterns("*.pyc"))
            continue
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(distribution.locate_file(file), folder / file)
    return folder


class Sandbox:
    """One that runs. `started` is what it said of its start."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.started = self._next()

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """The result for one event, and how long that took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        return self._next()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _next(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the sandbox ended"
        return json.loads(line)


@contextmanager
def sandbox(package: Path, handler: str, environment: Mapping[str, str]) -> Iterator[Sandbox]:
    """A fresh interpreter that finds the package and nothing of this project's environment."""
    path = {name: value for name, value in os.environ.items() if name == "PATH"}
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _RUNTIME, str(package), handler],
        env={**path, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Sandbox(process)
        finally:
            process.kill()
