"""The variants of the stack that the tests look at: few, each with several options at once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Validations
from aws_template import WEBHOOKS, Template
from cdk_nag import AwsSolutionsChecks

from riverd_aws.app import synthesize
from riverd_aws.options import Options, parse

VARIANTS = {
    "default": parse({}),
    "resilient": parse(
        {
            "resilient": "true",
            "cognito": "true",
            "alarm_email": "you@example.com",
            "name": "Chat",
            "webhooks_secret": WEBHOOKS,
        }
    ),
    "service": parse(
        {
            "publish": "service",
            "domain": "rt.example.com",
            "hosted_zone_id": "Z0123456789ABC",
            "oidc_issuer": "https://login.example.com/",
            "oidc_audience": "river",
            "zones": "us-east-1b,us-east-1c",
            "drain_s": "90",
            "webhooks_secret": WEBHOOKS,
            "prefix_list_id": "pl-0123456789abcdef0",
        }
    ),
}


@dataclass(frozen=True, kw_only=True)
class Synthesised:
    """A variant: its options, its template and where that lies, and what cdk-nag found."""

    options: Options
    folder: Path
    template: Template
    nag: list[tuple[str, str]]

    @property
    def path(self) -> Path:
        return self.folder / f"{self.options.name}.template.json"


def synthesise(options: Options, folder: Path) -> Synthesised:
    """Synthesise a variant, with cdk-nag looking on."""
    app = synthesize(options, outdir=folder)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return Synthesised(
        options=options,
        folder=folder,
        template=Template.read(folder / f"{options.name}.template.json"),
        nag=sorted(_findings(json.loads((folder / "validation-report.json").read_text()))),
    )


def _findings(report: dict[str, Any]) -> set[tuple[str, str]]:
    assert report["pluginReports"], "cdk-nag did not look"
    return {
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }
