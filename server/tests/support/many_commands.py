"""Runs many `river` commands that end by themselves, each in a process, with one start of Python.

It reads them as JSON from standard input, a list of [arguments, environment], and writes a list of
[exit code, output, complaints].
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from riverd.commands.cli import main


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """One command, from its start to its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        child = os.fork()
        if not child:
            become(arguments, environment, out, complaints)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        complaints.seek(0)
        return os.waitstatus_to_exitcode(status), out.read().rstrip(), complaints.read().rstrip()


def become(
    arguments: Sequence[str], environment: Mapping[str, str], out: IO[str], complaints: IO[str]
) -> None:
    """Be that command: does not return."""
    os.dup2(out.fileno(), 1)
    os.dup2(complaints.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    json.dump([run(*command) for command in json.load(sys.stdin)], sys.stdout)
