"""What a synthesised template says about sizes, ports and times, for the drawing and the docs."""

from collections.abc import Iterator
from typing import Any

Properties = dict[str, Any]


class Facts:
    """Reads one template of the default variant."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._resources: dict[str, dict[str, Any]] = template["Resources"]

    def kinds(self) -> dict[str, int]:
        """How many resources there are of each type."""
        found: dict[str, int] = {}
        for resource in self._resources.values():
            found[resource["Type"]] = found.get(resource["Type"], 0) + 1
        return found

    def all(self, kind: str, part: str = "") -> Iterator[Properties]:
        """The properties of resources of a type, by a part of their ids."""
        for name, resource in self._resources.items():
            if resource["Type"] == f"AWS::{kind}" and part in name:
                yield resource.get("Properties", {})

    def named(self, kind: str, prefix: str) -> Iterator[tuple[str, Properties]]:
        """The same, with the names that their construct gave them."""
        for name, resource in self._resources.items():
            if resource["Type"] == f"AWS::{kind}":
                # The toolkit puts eight digits of a hash behind each name.
                yield name.removeprefix(prefix)[:-8], resource["Properties"]

    def one(self, kind: str, part: str = "") -> Properties:
        """The properties of the one resource of a type with this part in its id."""
        (found,) = self.all(kind, part)
        return found

    def network(self) -> str:
        return str(self.one("EC2::VPC")["CidrBlock"])

    def zones(self) -> int:
        return len({str(one["AvailabilityZone"]) for one in self.all("EC2::Subnet")})

    def balancer(self) -> tuple[str, int, str]:
        """Its scheme, its port, its idle timeout."""
        properties = self.one("ElasticLoadBalancingV2::LoadBalancer")
        listener = self.one("ElasticLoadBalancingV2::Listener")
        idle = _pairs(properties["LoadBalancerAttributes"])["idle_timeout.timeout_seconds"]
        return properties["Scheme"], listener["Port"], idle

    def leave_s(self) -> str:
        group = self.one("ElasticLoadBalancingV2::TargetGroup")
        return _pairs(group["TargetGroupAttributes"])["deregistration_delay.timeout_seconds"]

    def gateway(self) -> tuple[str, str, int]:
        """Its size, its processor, its port."""
        task = self.one("ECS::TaskDefinition")
        size = f"{int(task['Cpu']) / 1024:g} vCPU, {int(task['Memory']) / 1024:g} GB"
        port = task["ContainerDefinitions"][0]["PortMappings"][0]["ContainerPort"]
        return size, str(task["RuntimePlatform"]["CpuArchitecture"]), port

    def gateways(self) -> tuple[int, int]:
        """How many there are at least and at most."""
        scaled = self.one("ApplicationAutoScaling::ScalableTarget")
        return scaled["MinCapacity"], scaled["MaxCapacity"]

    def has_public_addresses(self) -> bool:
        place = self.one("ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
        return bool(place["AssignPublicIp"] == "ENABLED")

    def valkey(self) -> Properties:
        return self.one("ElastiCache::ReplicationGroup")

    def function(self, part: str) -> Properties:
        return self.one("Lambda::Function", part)

    def rate(self) -> int:
        settings = self.one("ApiGatewayV2::Stage")["DefaultRouteSettings"]
        return int(settings["ThrottlingRateLimit"])

    def secrets(self) -> list[str]:
        """Their names, without the stack's."""
        return [one["Name"].partition("/")[2] for one in self.all("SecretsManager::Secret")]

    def rotated(self) -> str:
        rules = {
            one["RotationRules"]["ScheduleExpression"]
            for one in self.all("SecretsManager::RotationSchedule")
        }
        (rule,) = rules
        return str(rule).removeprefix("rate(").removesuffix(")")

    def log_days(self) -> int:
        (days,) = {one["RetentionInDays"] for one in self.all("Logs::LogGroup")}
        return int(days)

    def let_in(self, part: str) -> list[str]:
        """Who is let in to the security group with this part in its id, as `from` names them."""
        names = []
        for name, resource in self._resources.items():
            if resource["Type"] == "AWS::EC2::SecurityGroupIngress" and name.startswith(part):
                names.append(name.partition("fromRiver")[2])
        return names


def _pairs(listed: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in listed}
