"""How mistakes are planted into a template, and what says which check must find each."""

from collections.abc import Callable

from aws_template import Template

Plant = Callable[[Template], None]
Mistakes = dict[str, tuple[Plant, str]]


def noting(mistakes: Mistakes) -> Callable[[str], Callable[[Plant], Plant]]:
    """A decorator that notes a mistake, and which check must find it: not just any."""

    def found_by(check: str) -> Callable[[Plant], Plant]:
        def note(plant: Plant) -> Plant:
            mistakes[plant.__name__] = (plant, check)
            return plant

        return note

    return found_by


def container_of(template: Template) -> dict[str, object]:
    (container,) = template.one("ECS::TaskDefinition", "Gateways")["ContainerDefinitions"]
    return container


def set_variable(template: Template, name: str, value: str) -> None:
    pairs = container_of(template)["Environment"]
    assert isinstance(pairs, list)
    next(pair for pair in pairs if pair["Name"] == name)["Value"] = value


def set_attribute(template: Template, kind: str, *, key: str, value: str) -> None:
    listed = "TargetGroupAttributes" if kind.endswith("TargetGroup") else "LoadBalancerAttributes"
    pairs = template.one(kind)[listed]
    next(pair for pair in pairs if pair["Key"] == key)["Value"] = value


def placement_of(template: Template) -> dict[str, object]:
    configuration = template.one("ECS::Service")["NetworkConfiguration"]
    place: dict[str, object] = configuration["AwsvpcConfiguration"]
    return place


def ingress_of(template: Template, part: str) -> dict[str, object]:
    return template.one("EC2::SecurityGroupIngress", part)


def statement_of(template: Template, role: str) -> dict[str, object]:
    policy = template.one("IAM::Role", role)["Policies"][0]["PolicyDocument"]
    statement: dict[str, object] = policy["Statement"][0]
    return statement


def distribution_of(template: Template) -> dict[str, object]:
    config: dict[str, object] = template.one("CloudFront::Distribution")["DistributionConfig"]
    return config


def behaviour_of(template: Template) -> dict[str, object]:
    behaviour = distribution_of(template)["DefaultCacheBehavior"]
    assert isinstance(behaviour, dict)
    return behaviour
