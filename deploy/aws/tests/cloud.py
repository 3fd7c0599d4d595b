"""An account of the fake AWS: starts it, runs `river` in it, and lists all that is in it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).parent
RIVER = Path(sys.executable).parent / "river"
START_S_MAX = 180.0
COMMAND_S_MAX = 900.0
ACCOUNT = "123456789012"
REGION = "us-east-1"

Inventory = dict[str, set[str]]

LISTS = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("ec2", "describe_addresses", "Addresses", "PublicIp"),
    ("ecs", "list_task_definitions", "taskDefinitionArns", ""),
    ("elasticache", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"),
    ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("apigatewayv2", "get_apis", "Items", "ApiId"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("events", "list_rules", "Rules", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("cloudformation", "list_stacks", "StackSummaries", "StackName"),
)


class Cloud:
    """One fake account, empty at first. `stop` it in the end."""

    def __init__(self, folder: Path) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._log = (folder / "fake-aws.log").open("wb")
        port_file = folder / "port"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fake_aws", str(port_file)],
            cwd=HERE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_S_MAX
        while not port_file.exists():
            assert self._process.poll() is None, (folder / "fake-aws.log").read_text()
            assert time.monotonic() < deadline, "the fake AWS does not start"
            time.sleep(0.1)  # another process is waited for
        self.url = f"http://localhost:{port_file.read_text()}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()
        for client in self._clients.values():
            client.close()

    def environment(self, **more: str) -> dict[str, str]:
        """What a user's shell would hold."""
        foreign = ("AWS_", "RIVER_")
        kept = {key: one for key, one in os.environ.items() if not key.startswith(foreign)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "COLUMNS": "200",
            **more,
        }

    def river(
        self, *words: str, code: int = 0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run the command: all that it says. `code` is how it must end."""
        done = subprocess.run(
            [str(RIVER), *words],
            env=dict(environment) if environment is not None else self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of a service; it is made once, which takes longer than all of its calls."""
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                aws_secret_access_key="test",
            )
        return self._clients[service, region]

    def control(self, what: str, told: Mapping[str, Any]) -> Any:
        """Ask the fake itself: `event`, `fail`, `hold`, `kept`, `lack`, `made`, `refuse`."""
        body = json.dumps(told).encode()
        request = urllib.request.Request(f"{self.url}/fake-aws/{what}", body)  # noqa: S310
        with urllib.request.urlopen(request, timeout=COMMAND_S_MAX) as answer:  # noqa: S310
            return json.loads(answer.read())

    def outputs(self, stack: str = "River") -> dict[str, str]:
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    def resources(self, stack: str = "River") -> dict[str, str]:
        """Physical ids by type, of types of which a stack has one."""
        told = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            one["ResourceType"].removeprefix("AWS::"): one["PhysicalResourceId"]
            for one in told["StackResources"]
        }

    def inventory(self) -> Inventory:
        """All that is in the account, by kind."""
        found: Inventory = {"kept": set(self.control("kept", {}))}
        for service, operation, key, name in LISTS:
            client = self.client(service)
            answers = (
                client.get_paginator(operation).paginate()
                if client.can_paginate(operation)
                else [getattr(client, operation)()]
            )
            listed = [one for answer in answers for one in answer.get(key, [])]
            found[key] = {one[name] if name else one for one in listed}
        # A cluster that was deleted is still listed for a while.
        ecs = self.client("ecs")
        told = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
        found["Clusters"] = {one["clusterName"] for one in told if one["status"] == "ACTIVE"}
        distributions = self.client("cloudfront").list_distributions()["DistributionList"]
        found["Distributions"] = {one["Id"] for one in distributions.get("Items", [])}
        scaling = self.client("application-autoscaling")
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        found["ScalableTargets"] = {one["ResourceId"] for one in targets}
        return found
