"""A Lambda function with a role and a log of its own, and no right that it does not use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from riverd_aws.constructs.measures import of_function
from riverd_aws.constructs.network import Network

LOG_KEPT = logs.RetentionDays.ONE_MONTH
# What Lambda needs to put a function into a network; these actions know no resources.
_NETWORK_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a function runs: its code, how it is called, what it is told and what it may do."""

    called: str
    about: str
    code: lambda_.Code
    handler: str
    environment: Mapping[str, str]
    rights: Sequence[iam.PolicyStatement]
    memory_mib: int = 256
    timeout_s: int = 10


class Function(Construct):
    """Python on ARM: in the isolated subnets if a network is given, else in none."""

    def __init__(
        self, scope: Construct, name: str, *, program: Program, network: Network | None = None
    ) -> None:
        super().__init__(scope, name)
        self.log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{program.called}",
            retention=LOG_KEPT,
            removal_policy=RemovalPolicy.DESTROY,
        )
        rights = [*program.rights, _may_log(self.log)]
        if network is not None:
            rights += _network_rights(self._arn(program.called))
        self.lambda_ = lambda_.Function(
            self,
            "Function",
            function_name=program.called,
            description=program.about,
            code=program.code,
            handler=program.handler,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=program.memory_mib,
            timeout=Duration.seconds(program.timeout_s),
            environment=dict(program.environment),
            role=self._role(program.about, rights),
            log_group=self.log,
            vpc=network.vpc if network else None,
            vpc_subnets=network.isolated if network else None,
            security_groups=[network.group(self, about=program.about)] if network else None,
        )

        # The toolkit has it wait for what it refers to anyway.
        resource = cast("lambda_.CfnFunction", self.lambda_.node.default_child)
        resource.add_deletion_override("DependsOn")

    def errors(self) -> cloudwatch.Metric:
        """Calls that failed."""
        return of_function("Errors", "Sum", function=self.lambda_.function_name)

    def _role(self, about: str, rights: Sequence[iam.PolicyStatement]) -> iam.IRole:
        """A role with these rights; what the toolkit would add to it by itself is left out."""
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=about,
            inline_policies={"Rights": iam.PolicyDocument(statements=list(rights))},
        )
        return role.without_policy_updates()

    def _arn(self, called: str) -> str:
        arn = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=called,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return str(arn)


def _may_log(group: logs.ILogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group.log_group_arn]
    )


def _network_rights(function_arn: str) -> list[iam.PolicyStatement]:
    """Lambda itself may put the function into the network; the function's code may not."""
    return [
        iam.PolicyStatement(actions=list(_NETWORK_ACTIONS), resources=["*"]),
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=list(_NETWORK_ACTIONS),
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}},
        ),
    ]
