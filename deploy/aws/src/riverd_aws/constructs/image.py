"""River's image: from a registry, or built from this repository."""

from pathlib import Path

from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from riverd_aws.options import OptionsError

REPOSITORY = Path(__file__).parents[5]
DOCKERFILE = "deploy/image/Dockerfile"
# The repository's .dockerignore says what belongs into the image. The toolkit reads it too, and
# would leave out the recipe with all that is not named there.
_NOT_NEEDED = [f"!{DOCKERFILE}"]


def image_of(scope: Construct, *, name: str, built: bool) -> ecs.ContainerImage:
    """The image that tasks run.

    Raises:
        OptionsError: it is to be built, but River was not installed from its repository.
    """
    if not built:
        return ecs.ContainerImage.from_registry(name)
    if not (REPOSITORY / DOCKERFILE).is_file():
        raise OptionsError(
            "build_image: there is no repository around the installed River; clone it, or leave "
            "build_image out to take the image from a registry"
        )
    return ecs.ContainerImage.from_docker_image_asset(
        assets.DockerImageAsset(
            scope,
            "Image",
            directory=str(REPOSITORY),
            file=DOCKERFILE,
            platform=assets.Platform.LINUX_ARM64,
            exclude=_NOT_NEEDED,
        )
    )
