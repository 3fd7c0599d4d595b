"""Writes what an image consists of as CycloneDX 1.6: Python, its distributions, Debian's packages.

    python sbom.py VERSION > sbom.cdx.json

Run by the interpreter that serves, in the image that is shipped. The same image gives the same
text.
"""

import json
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG_STATUS = Path("/var/lib/dpkg/status")
OS_RELEASE = Path("/etc/os-release")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# A licence's text stands in some fields that ask for its name.
LICENCE_LENGTH_MAX = 80

Component = dict[str, Any]


def bill(version: str) -> dict[str, Any]:
    """The whole bill of materials for an image of this version."""
    distributions = sorted(metadata.distributions(), key=_purl)
    debian = sorted(_debian(), key=lambda one: str(one["bom-ref"]))
    image = {"type": "container", "bom-ref": "river", "name": "river", "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": image},
        "components": [_python(), *map(_library, distributions), *debian],
        "dependencies": list(_dependencies(distributions)),
    }


def _python() -> Component:
    version = platform.python_version()
    purl = f"pkg:generic/python@{version}"
    return {
        "type": "platform",
        "bom-ref": purl,
        "name": "python",
        "version": version,
        "purl": purl,
        "licenses": [{"license": {"id": "PSF-2.0"}}],
    }


def _library(found: metadata.Distribution) -> Component:
    component = {
        "type": "library",
        "bom-ref": _purl(found),
        "name": _normal(found.name),
        "version": found.version,
        "purl": _purl(found),
    }
    licence = _licence(found)
    return {**component, "licenses": [licence]} if licence else component


def _licence(found: metadata.Distribution) -> dict[str, Any] | None:
    """As the distribution says it: an expression, a name, or a classifier."""
    told = found.metadata
    if "License-Expression" in told:
        return {"expression": told["License-Expression"]}
    name = told["License"].strip() if "License" in told else ""
    if name and name != "UNKNOWN" and "\n" not in name and len(name) <= LICENCE_LENGTH_MAX:
        return {"license": {"name": name}}
    classifiers = told.get_all("Classifier") or []
    names = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")]
    return {"license": {"name": names[0]}} if names else None


def _dependencies(distributions: list[metadata.Distribution]) -> Iterator[dict[str, Any]]:
    by_name = {_normal(one.name): _purl(one) for one in distributions}
    yield {"ref": "river", "dependsOn": [by_name["riverd"]] if "riverd" in by_name else []}
    for one in distributions:
        asked = {_normal(_first_name(text)) for text in one.requires or []}
        there = sorted(by_name[name] for name in asked if name in by_name)
        yield {"ref": _purl(one), "dependsOn": there}


def _debian() -> Iterator[Component]:
    """Debian's packages that are installed; none on another system."""
    status = DPKG_STATUS.read_text(encoding="utf-8") if DPKG_STATUS.exists() else ""
    distro = f"debian-{_release().get('VERSION_ID', '')}"
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            where = f"arch={fields['Architecture']}&distro={distro}"
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?{where}"
            of = {"name": name, "version": version, "purl": purl}
            yield {"type": "library", "bom-ref": purl, **of}


def _release() -> dict[str, str]:
    lines = OS_RELEASE.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}


def _purl(found: metadata.Distribution) -> str:
    return f"pkg:pypi/{_normal(found.name)}@{quote(found.version)}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _first_name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found[0] if found else ""


def main() -> int:
    """Print it."""
    json.dump(bill(sys.argv[1]), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
