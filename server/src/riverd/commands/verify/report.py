"""The report of `river verify`: as lines, as JSON, and as a page that needs nothing else."""

from collections.abc import Sequence
from html import escape

import msgspec

from riverd.commands.verify.proof import PromiseCheck, PromiseVerdict, worst

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .35rem .75rem .35rem 0; text-align: left; }
td { vertical-align: top; }
.kept { color: #0d9488; } .broken { color: #dc2626; } .not-checked { color: #b45309; }
ul { margin: 0; padding-left: 1.2rem; }
"""
SENTENCES = {
    PromiseVerdict.KEPT: "Every promise that was tried was kept.",
    PromiseVerdict.BROKEN: "A promise was broken.",
    PromiseVerdict.NOT_CHECKED: "What was tried was kept; something was not checked.",
}


class VerifyReport(msgspec.Struct, frozen=True):
    """What a run has shown. `at` is its begin, an ISO 8601 time in UTC."""

    url: str
    at: str
    version: str
    seconds: float
    outcome: PromiseVerdict
    proofs: list[PromiseCheck]


def verify_report(
    proofs: Sequence[PromiseCheck], *, url: str, at: str, version: str, seconds: float
) -> VerifyReport:
    """The report on some proofs."""
    return VerifyReport(url, at, version, round(seconds, 1), worst(proofs), list(proofs))


def figure_of(proof: PromiseCheck) -> str:
    """The figure and its limit, empty where there is none."""
    if proof.figure is None:
        return ""
    return f"{proof.figure:g} {proof.unit} (at most {proof.limit:g})"


def as_page(report: VerifyReport) -> str:
    """The whole page."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>River verified: {escape(report.url)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(report.url)}</h1>"
        f"<p>{escape(report.at)}, {report.seconds:g} s, by River {escape(report.version)}</p>"
        f'<p class="{_class(report.outcome)}"><strong>{SENTENCES[report.outcome]}</strong></p>'
        "<table><tr><th>Promise<th>PromiseVerdict<th>Seen<th>Figure"
        f"{''.join(map(_row, report.proofs))}</table></html>\n"
    )


def as_json(report: VerifyReport) -> bytes:
    """For programs."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1)


def _row(proof: PromiseCheck) -> str:
    details = "".join(f"<li>{escape(one)}" for one in proof.details)
    return (
        f'<tr><td>{escape(proof.promise)}<td class="{_class(proof.verdict)}">{proof.verdict.value}'
        f"<td>{escape(proof.seen)}{f'<ul>{details}</ul>' if details else ''}"
        f"<td>{escape(figure_of(proof))}"
    )


def _class(verdict: PromiseVerdict) -> str:
    return verdict.value.replace(" ", "-")
