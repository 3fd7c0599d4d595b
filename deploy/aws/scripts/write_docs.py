"""Writes docs/images/aws.svg and the tables of the page about the stack from its template."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from page_tables import written
from picture import draw

from riverd_aws.app import synthesize
from riverd_aws.options import Options

ROOT = Path(__file__).resolve().parents[3]
PICTURE = ROOT / "docs" / "images" / "aws.svg"
PAGE = ROOT / "deploy" / "aws" / "README.md"


def main() -> None:
    """Write all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", type=Path, help="a synthesised template, to save the time")
    chosen = parser.parse_args()
    template = json.loads(_template(chosen.template))
    PICTURE.write_text(draw(template), encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), template), encoding="utf-8")
    print(PICTURE.name, PAGE, file=sys.stderr)


def _template(given: Path | None) -> str:
    if given is not None:
        return given.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Options(), outdir=Path(folder)).synth()
        return (Path(folder) / "River.template.json").read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
