"""The page and the drawing of the stack are those of its template."""

import xml.etree.ElementTree as ET
from pathlib import Path

from aws_variants import Synthesised
from page_tables import written
from picture import HEIGHT, WIDTH, draw

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGE = ROOT / "deploy" / "aws" / "README.md"
TABLES = ("resources", "options", "alarms")
OLD = "is old: run deploy/aws/scripts/write_docs.py"
SVG = "{http://www.w3.org/2000/svg}"


def test_drawing_is_the_templates(synthesised: dict[str, Synthesised]) -> None:
    drawn = draw(synthesised["default"].template.raw)
    assert (DOCS / "images" / "aws.svg").read_text(encoding="utf-8") == drawn, f"aws.svg {OLD}"


def test_tables_are_the_templates(synthesised: dict[str, Synthesised]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- {table} -->\n" in page for table in TABLES)
    assert written(page, synthesised["default"].template.raw) == page, f"{PAGE.name} {OLD}"


def test_drawing_changes_with_the_template(synthesised: dict[str, Synthesised]) -> None:
    template = synthesised["default"].template
    other = template.copy()
    other.one("ElastiCache::ReplicationGroup")["CacheNodeType"] = "cache.r7g.large"
    assert "cache.r7g.large" in draw(other.raw)
    assert "cache.r7g.large" not in draw(template.raw)


def test_words_stay_inside_of_the_drawing(synthesised: dict[str, Synthesised]) -> None:
    drawing = ET.fromstring(draw(synthesised["default"].template.raw))  # noqa: S314  our own
    assert [one.text for one in drawing.iter(f"{SVG}title")] == ["River on AWS"]
    for shape in drawing.iter(f"{SVG}rect"):
        right = float(shape.get("x", 0)) + float(shape.get("width", 0))
        low = float(shape.get("y", 0)) + float(shape.get("height", 0))
        assert right <= WIDTH
        assert low <= HEIGHT
