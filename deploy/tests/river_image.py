"""River's image, as `make image` builds it."""

from dataclasses import dataclass
from pathlib import Path

from container_engine import Engine
from stand_ins import build_flags, python_image

import riverd

NAME = "river-test/river"


@dataclass(frozen=True)
class Image:
    """An image that is built."""

    tag: str
    base: str
    sbom: Path
    """The bill of materials that `make image` leaves."""


def built(engine: Engine, folder: Path) -> Image:
    """Build it; its bill of materials goes to this folder."""
    base = python_image(engine)
    flags = [*build_flags(), "--build-arg", f"PYTHON_IMAGE={base}"]
    engine.run("make", "image", f"IMAGE={NAME}", f"DIST={folder}", f"IMAGE_FLAGS={' '.join(flags)}")
    version = riverd.__version__
    return Image(f"{NAME}:{version}", base, folder / f"river-{version}.cdx.json")
