"""Carries out a deployment: `cdk deploy`, its progress, and clear words if it fails."""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from riverd_aws import stacks
from riverd_aws.account import Account
from riverd_aws.causes import explained
from riverd_aws.failure import Failure
from riverd_aws.site import Site
from riverd_aws.stacks import Event, Stack, Watch, service_of
from riverd_aws.synthesis import Assembly
from riverd_aws.toolkit import RUN_TIMEOUT_S

LINE_EVERY = 10
"""Where no bar can be drawn, a line for every so many resources."""
END_S_MAX = 20.0
"""How long the toolkit may take to end when it is asked to."""
_GOES_ON = "what CloudFormation has begun goes on. `river deploy aws` again says how it stands"


class ProgressBar:
    """How far a change of a stack is: a bar in a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, what: str, *, total: int | None) -> None:
        self._console = console
        self._what = what
        self._done: set[str] = set()
        self._total = total
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(what, total=total, now="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, events: list[Event]) -> None:
        """Show what is new."""
        for event in events:
            if event.is_done and event.logical_resource_id not in self._done:
                self._done.add(event.logical_resource_id)
                self._progress.update(self._task, completed=len(self._done))
                self._line()
            elif event.resource_status.endswith("_IN_PROGRESS"):
                self._progress.update(self._task, now=service_of(event.resource_type))

    def _line(self) -> None:
        if not self._console.is_terminal and len(self._done) % LINE_EVERY == 0:
            of = f" of {self._total}" if self._total else ""
            self._console.print(f"  {self._what}: {len(self._done)}{of}")


def bootstrap(site: Site, account_id: str) -> None:
    """Make the bucket and the roles that `cdk deploy` needs, once an account and region.

    Raises:
        Failure: it did not work.
    """
    region = site.account.region
    site.console.print(f"Bootstrapping {account_id} in {region}")
    try:
        code, said = site.toolkit.run(
            ["bootstrap", f"aws://{account_id}/{region}"],
            environment=site.account.environment(),
            log=site.log,
        )
    except KeyboardInterrupt:
        raise Failure(f"stopped while bootstrapping; {_GOES_ON}") from None
    if code:
        raise Failure(f"the bootstrap failed: {_last_words(said)} (all that was said: {site.log})")


def roll_out(site: Site, assembly: Assembly, *, before: Stack | None) -> Stack:
    """Bring the stack to what the assembly says: how it stands then.

    Raises:
        Failure: it did not work. What was new is removed, and what ran before runs on.
    """
    watch = Watch(site.account, before)
    total = sum(assembly.kinds.values()) if before is None else None
    with ProgressBar(site.console, "Making" if before is None else "Changing", total=total) as bar:
        process = site.toolkit.start(
            _words(assembly), environment=site.account.environment(), log=site.log
        )
        try:
            _follow(process, lambda: _look(site.account, assembly.stack, watch=watch, bar=bar))
            stack = stacks.find(site.account, assembly.stack)
        except KeyboardInterrupt:
            raise Failure(f"stopped here; {_GOES_ON}") from None
        except Failure as error:
            # Not what it was: for its own exit code something must not have begun.
            raise Failure(f"{error.message}. Meanwhile {_GOES_ON}") from None
        finally:
            _end(process)
    if process.returncode == 0 and stack is not None and _is_whole(stack, assembly):
        return stack
    raise _failed(site, stack, watch=watch, is_first=before is None)


def _words(assembly: Assembly) -> list[str]:
    words = ["deploy", assembly.stack, "--app", str(assembly.folder)]
    return [*words, "--require-approval", "never", "--progress", "events"]


def _follow(process: subprocess.Popen[bytes], look: Callable[[], None]) -> None:
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise Failure(f"not finished after {RUN_TIMEOUT_S} s: see the CloudFormation console")
        # The toolkit asks as well, and its word counts: one look that fails is no failure.
        with suppress(Failure):
            look()
        time.sleep(stacks.POLL_S)
    look()


def _end(process: subprocess.Popen[bytes]) -> None:
    """See the toolkit end: it has, unless this was stopped."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _look(account: Account, name: str, *, watch: Watch, bar: ProgressBar) -> None:
    stack = stacks.find(account, name)
    if stack is not None:
        bar.tell(watch.look(stack.stack_id))


def _is_whole(stack: Stack, assembly: Assembly) -> bool:
    """The toolkit's word is not enough: all outputs must be there."""
    return (
        stack.stack_status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        and frozenset(stack.values) == assembly.outputs
    )


def _failed(site: Site, stack: Stack | None, *, watch: Watch, is_first: bool) -> Failure:
    lines = explained(watch.causes) or [_last_words(site.log.read_text(errors="replace"))]
    if stack is None or not (is_first or watch.seen):
        # It did not come to CloudFormation: an image could not be built, for example.
        state = "nothing was changed"
    elif is_first and stack.is_empty:
        stacks.delete(site.account, stack, tell=lambda _: None)
        state = "all that was made is removed again, and so is the stack's record"
    elif is_first:
        state = f"the stack is {stack.stack_status}: `river destroy aws` removes what is left"
    elif stack.stack_status.endswith("ROLLBACK_COMPLETE"):
        state = "the change was taken back: what ran before runs on"
    else:
        state = f"the stack is {stack.stack_status}: see the CloudFormation console"
    what = "\n  ".join(lines)
    return Failure(f"the deployment failed; {state}.\n  {what}\n  (all that was said: {site.log})")


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (lines or ["no reason was given"])[-1]
