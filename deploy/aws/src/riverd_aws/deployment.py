"""`river deploy aws`: checks, shows the plan and its cost, asks, deploys, tries it out."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.text import Text

from riverd_aws import cost, options, outcome, plan, preflight, smoke, stacks, toolkit
from riverd_aws.account import Account, Identity
from riverd_aws.failure import Failure, Mistake
from riverd_aws.lambda_package import cache
from riverd_aws.options import Options, OptionsError
from riverd_aws.question import ask, check_askable
from riverd_aws.rollout import bootstrap, roll_out
from riverd_aws.site import Site
from riverd_aws.stacks import Stack
from riverd_aws.synthesis import Assembly, synthesize

HELP = ("help",)


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """What the command was called with."""

    name: str
    region: str | None
    profile: str | None
    given: tuple[str, ...]
    connections: int
    messages_per_s: float
    yes: bool
    only_plan: bool
    no_smoke: bool


@dataclass(frozen=True)
class Plan:
    """What is going to be done. `changes` is None if the stack is as it should be."""

    assembly: Assembly
    options: Options
    before: Stack | None
    changes: str | None
    bootstraps: bool

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do."""
        return self.before is not None and self.changes is None


def run(wishes: DeployRequest) -> None:
    """Deploy.

    Raises:
        Mistake: the command or the machine is wrong, nothing was tried.
        Failure: it did not work.
    """
    console = Console(highlight=False)
    if wishes.given == HELP:
        _list_options(console)
        return
    check_askable(yes=wishes.yes or wishes.only_plan)
    context = _context(wishes)
    account = Account(profile=wishes.profile, region=wishes.region)
    who = account.identity()
    console.print(f"Account {who.account}, {account.region}, as {who.arn}")
    preflight.check_services(account)
    context = preflight.completed(account, context)
    chosen = _parsed(context, account.region)
    if chosen.build_image:
        preflight.check_docker()
    site = Site(account, toolkit.find(console.print), console, _log_file())
    with tempfile.TemporaryDirectory(prefix="river-") as folder:
        made = _plan(site, context, chosen=chosen, folder=Path(folder))
        _show(console, made, wishes=wishes)
        if wishes.only_plan:
            return
        stack = made.before if made.is_nothing else _do(site, made, who=who, wishes=wishes)
    assert stack is not None
    _finish(site, stack, wishes=wishes)


def _context(wishes: DeployRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in wishes.given:
        key, separator, value = pair.partition("=")
        if not separator or not key.strip():
            raise Mistake(f"-c {pair}: it must be KEY=VALUE; `-c help` lists the keys")
        found[key.strip()] = value.strip()
    if found.setdefault("name", wishes.name) != wishes.name and wishes.name != "River":
        raise Mistake("-c name and --name say different things: pass one of them")
    # A domain alone is enough here: its zone is looked up, which the app itself never does.
    early = {key: one for key, one in found.items() if key != "domain"}
    complete = {"hosted_zone_id", "certificate_arn"} & found.keys()
    _parsed(found if complete else early, None)
    return found


def _parsed(context: Mapping[str, str], region: str | None) -> Options:
    try:
        chosen = options.parse(context)
        options.check_region(chosen, region)
    except OptionsError as error:
        raise Mistake(f"-c {error}") from None
    return chosen


def _log_file() -> Path:
    folder = cache() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=folder, prefix="deploy-", suffix=".log", delete=False
    ) as file:
        return Path(file.name)


def _plan(site: Site, context: Mapping[str, str], *, chosen: Options, folder: Path) -> Plan:
    """Compare what is wanted with what is there.

    Raises:
        Failure: the stack is in the middle of something.
    """
    before = stacks.find(site.account, chosen.name)
    if before is not None and before.is_busy:
        raise Failure(
            f"{chosen.name} is being changed just now ({before.stack_status}): wait for its end, "
            "then try again"
        )
    if before is not None and before.stack_status in {"DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"}:
        raise Failure(
            f"{chosen.name} is {before.stack_status}: `river destroy aws` removes it, or mend it "
            "in the CloudFormation console"
        )
    if before is not None and before.is_empty:
        stacks.delete(site.account, before, tell=lambda _: None)
        before = None
    site.console.print("Making the template")
    assembly = synthesize(
        site.account, site.toolkit, context=context, name=chosen.name, folder=folder
    )
    changes = plan.differences(site, assembly) if before is not None else None
    missing = before is None and not preflight.is_bootstrapped(site.account)
    return Plan(assembly, chosen, before, changes, missing)


def _show(console: Console, made: Plan, *, wishes: DeployRequest) -> None:
    if made.is_nothing:
        console.print(f"{made.options.name} is as it should be: nothing to change.")
        return
    if made.bootstraps:
        console.print(
            "\nThe CDK's bootstrap is missing here: a bucket and roles, made once for an account "
            "and region. They stay when River goes, and cost next to nothing."
        )
    if made.before is None:
        plan.show_new(console, made.assembly)
    else:
        plan.show_changes(console, made.changes or "")
    bill = cost.monthly(
        made.options, connections=wishes.connections, messages_per_s=wishes.messages_per_s
    )
    plan.show_cost(console, bill, connections=wishes.connections)


def _do(site: Site, made: Plan, *, who: Identity, wishes: DeployRequest) -> Stack:
    question = "Bootstrap and deploy?" if made.bootstraps else "Deploy?"
    ask(f"\n{question}", yes=wishes.yes)
    if made.before is None:
        site.console.print(
            "\nA first deployment takes 10 to 15 minutes (not measured): CloudFront and Valkey "
            "are slow."
        )
    if made.bootstraps:
        bootstrap(site, who.account)
    return roll_out(site, made.assembly, before=made.before)


def _finish(site: Site, stack: Stack, *, wishes: DeployRequest) -> None:
    console = site.console
    console.print(Text(f"\n{stack.stack_name} runs.", style="bold"))
    console.print(Text(outcome.outputs(stack.values)), soft_wrap=True)
    if not wishes.no_smoke:
        console.print("\nTrying it out: token, WebSocket, publish, delivery")
        passed = smoke.smoke(smoke.entrance(site.account, stack.values))
        console.print(
            f"  connected in {passed.connect_ms:.0f} ms, delivered in {passed.deliver_ms:.0f} ms"
        )
    console.print(Text(outcome.snippet(stack.values, site.account.region)), soft_wrap=True)
    where = "" if stack.stack_name == "River" else f" --name {stack.stack_name}"
    console.print(f"To remove it all: river destroy aws --region {site.account.region}{where}")


def _list_options(console: Console) -> None:
    for name, about in options.NAMES.items():
        default = cast("object", getattr(Options(), name))
        several = isinstance(default, tuple)
        shown = ",".join(cast("tuple[str, ...]", default)) if several else default
        console.print(Text(f"  {name:<16} {about} [{shown}]"), soft_wrap=True)
