"""Checks of sizes and kinds: what AWS has, what fits, what comes back after a failure."""

import re
from collections.abc import Iterator

from aws_template import Check, Finding, Template, target

from riverd_aws.lambda_package import PYTHON
from riverd_aws.options import MEMORY_BY_CPU, NODE_TYPES

FILES_SPARE = 1_000
OPEN_FILES_MIN = 65_536
CONNECTION_BYTES = 16_384
"""What a connection costs a gateway, rounded up from docs/performance.md."""


def check_tasks(template: Template) -> Iterator[Finding]:
    for name, task in template.of("ECS::TaskDefinition").items():
        cpu, memory = int(task["Cpu"]), int(task["Memory"])
        if memory not in MEMORY_BY_CPU.get(cpu, ()):
            yield f"{name}: Fargate has no task of {cpu} units and {memory} MiB"
        if task.get("RuntimePlatform", {}).get("CpuArchitecture") != "ARM64":
            yield f"{name}: does not run on ARM"
        if task.get("NetworkMode") != "awsvpc" or task.get("RequiresCompatibilities") != [
            "FARGATE"
        ]:
            yield f"{name}: does not run on Fargate"
        (container,) = task["ContainerDefinitions"]
        if container.get("ReadonlyRootFilesystem") is not True:
            yield f"{name}: its root can be written"
        if container.get("Privileged") or container.get("User") == "root":
            yield f"{name}: has rights that it does not use"
        files = {one["Name"]: one for one in container.get("Ulimits", [])}.get("nofile", {})
        if not files.get("SoftLimit", 0) == files.get("HardLimit", 0) >= OPEN_FILES_MIN:
            yield f"{name}: has too few files for its sockets"


def check_connections(template: Template) -> Iterator[Finding]:
    task = template.one("ECS::TaskDefinition", "Gateways")
    (container,) = task["ContainerDefinitions"]
    told = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    most = int(told["RIVER_MAX_CONNECTIONS"]) * int(told["RIVER_WORKERS"])
    files = container.get("Ulimits", [{}])[0].get("SoftLimit", 0)
    if most > files - FILES_SPARE:
        yield f"{most} connections need more than {files} files"
    if most * CONNECTION_BYTES > int(task["Memory"]) * 2**20:
        yield f"{most} connections need more than {task['Memory']} MiB"
    for name, policy in template.of("ApplicationAutoScaling::ScalingPolicy").items():
        config = policy["TargetTrackingScalingPolicyConfiguration"]
        if "CustomizedMetricSpecification" in config and config["TargetValue"] > most:
            yield f"{name}: gateways refuse clients before there are more of them"


def check_services(template: Template) -> Iterator[Finding]:
    scaled = template.of("ApplicationAutoScaling::ScalableTarget")
    for name, service in template.of("ECS::Service").items():
        config = service.get("DeploymentConfiguration", {})
        breaker = config.get("DeploymentCircuitBreaker", {})
        if not (breaker.get("Enable") and breaker.get("Rollback")):
            yield f"{name}: a deployment that fails is not taken back"
        if config.get("MinimumHealthyPercent", 0) < 100 or config.get("MaximumPercent", 0) < 200:
            yield f"{name}: a deployment takes tasks away before new ones are well"
        if service.get("LaunchType") != "FARGATE":
            yield f"{name}: does not run on Fargate"
        if service.get("EnableExecuteCommand"):
            yield f"{name}: somebody may run commands in it"
        if name.startswith("Webhooks"):
            if service.get("DesiredCount") != 1:
                yield f"{name}: one task sends webhooks, and takes over from itself"
            continue
        if "DesiredCount" in service:
            yield f"{name}: a deployment sets back how many tasks its scaling has made"
        numbers = [one for one in scaled.values() if name in str(one["ResourceId"])]
        if not numbers or not 2 <= numbers[0]["MinCapacity"] <= numbers[0]["MaxCapacity"]:
            yield f"{name}: it does not scale, or one task is all that there is"


def check_scaling(template: Template) -> Iterator[Finding]:
    policies = template.of("ApplicationAutoScaling::ScalingPolicy").values()
    kinds = {
        kind
        for policy in policies
        if "Gateways" in target(policy["ScalingTargetId"])
        for kind in policy["TargetTrackingScalingPolicyConfiguration"]
        if kind.endswith("MetricSpecification")
    }
    if kinds != {"PredefinedMetricSpecification", "CustomizedMetricSpecification"}:
        yield "gateways do not grow both with processor time and with connections"
    for policy in policies:
        config = policy["TargetTrackingScalingPolicyConfiguration"]
        predefined = config.get("PredefinedMetricSpecification", {})
        kind = predefined.get("PredefinedMetricType", "ECSServiceAverageCPUUtilization")
        if kind != "ECSServiceAverageCPUUtilization":
            yield f"there is no {kind} for tasks"
        metrics = config.get("CustomizedMetricSpecification", {}).get("Metrics", [])
        if metrics and [one["Id"] for one in metrics if one["ReturnData"]] != ["each"]:
            yield "connections are not counted per gateway"


def check_valkey(template: Template) -> Iterator[Finding]:
    group = template.one("ElastiCache::ReplicationGroup")
    if group["CacheNodeType"] not in NODE_TYPES:
        yield f"ElastiCache has no {group['CacheNodeType']}"
    if group["Engine"] != "valkey" or not re.fullmatch(r"[78]\.\d", group["EngineVersion"]):
        yield f"ElastiCache has no {group['Engine']} {group['EngineVersion']}"
    name = target(group["CacheParameterGroupName"])
    parameters = template.of("ElastiCache::ParameterGroup").get(name, {})
    if parameters.get("CacheParameterGroupFamily") != f"valkey{group['EngineVersion'][0]}":
        yield "the parameters are those of another version"
    if parameters.get("Properties", {}).get("maxmemory-policy") != "noeviction":
        yield "Valkey throws logs away when it is full, instead of saying so"
    many = group["NumCacheClusters"] > 1
    if {group["AutomaticFailoverEnabled"], group["MultiAZEnabled"]} != {many}:
        yield "a replica does not take over, or there is none that could"
    if many and len(template.one("EC2::VPCEndpoint")["SubnetIds"]) < 2:
        yield "with one zone the way to the secrets is gone"


def check_lambda(template: Template) -> Iterator[Finding]:
    for name, function in template.of("Lambda::Function").items():
        if function.get("Architectures") != ["arm64"]:
            yield f"{name}: the package is for ARM"
        if function.get("Runtime") != f"python{PYTHON}":
            yield f"{name}: the package is for Python {PYTHON}"
        if "ReservedConcurrentExecutions" in function:
            yield f"{name}: new accounts have too few executions to reserve any"


CHECKS: tuple[Check, ...] = (
    check_tasks,
    check_connections,
    check_services,
    check_scaling,
    check_valkey,
    check_lambda,
)
