"""The CDK app: reads the options, makes the stack."""

import os
import sys
from pathlib import Path
from typing import cast

from aws_cdk import App
from aws_cdk import aws_lambda as lambda_

from riverd_aws import options
from riverd_aws.lambda_package import PackageError, assembled
from riverd_aws.options import Options, OptionsError
from riverd_aws.stack import RiverStack

WRONG_USAGE = 2


def synthesize(chosen: Options, *, outdir: Path | None = None) -> App:
    """The app with its one stack, for the toolkit or a test to synthesise."""
    app = _app(outdir)
    _add_stack(app, chosen)
    return app


def main() -> None:
    """What `cdk` runs. A mistake in the options is one line, and exit code 2."""
    app = _app(None)
    context = cast("dict[str, object]", app.node.get_all_context())
    try:
        chosen = options.parse(context)
        options.check_region(chosen, os.environ.get("CDK_DEFAULT_REGION"))
        _add_stack(app, chosen)
    except (OptionsError, PackageError) as error:
        print(f"river: {error}", file=sys.stderr)  # noqa: T201  the toolkit shows it
        sys.exit(WRONG_USAGE)
    app.synth()


def _add_stack(app: App, chosen: Options) -> None:
    # The toolkit copies the package as soon as the functions are made.
    with assembled() as package:
        RiverStack(app, chosen, code=lambda_.Code.from_asset(str(package)))


def _app(outdir: Path | None) -> App:
    """An app that tells nobody that it was used, and takes no template that is plainly wrong."""
    return App(
        analytics_reporting=False,
        outdir=str(outdir) if outdir else None,
        context={"@aws-cdk/core:validateAgainstDefaultRules": True},
    )


if __name__ == "__main__":
    main()
