"""Rotation of the token secret and the API key: on a schedule, and whenever somebody asks."""

from pathlib import Path

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from riverd_aws.constructs.function import Function, Program

CODE = Path(__file__).parents[1] / "rotation"
EVERY = "rate(90 days)"
_RIGHTS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)


class SecretRotation(Construct):
    """A small function outside of the network, which Secrets Manager calls for its four steps.

    The version before stays readable as AWSPREVIOUS: River accepts it for a day.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        secrets: tuple[secretsmanager.Secret, ...],
        called: str,
    ) -> None:
        super().__init__(scope, name)
        self.function = Function(
            self,
            "Steps",
            program=Program(
                called=called,
                about="Rotates River's secrets",
                code=lambda_.Code.from_asset(str(CODE), exclude=["__pycache__", "*.pyc"]),
                handler="steps.handler",
                environment={},
                rights=[
                    iam.PolicyStatement(
                        actions=list(_RIGHTS), resources=[one.secret_arn for one in secrets]
                    )
                ],
                memory_mib=128,
                timeout_s=30,
            ),
        )
        permission = lambda_.CfnPermission(
            self,
            "MayCall",
            action="lambda:InvokeFunction",
            function_name=self.function.lambda_.function_arn,
            principal="secretsmanager.amazonaws.com",
            source_account=Aws.ACCOUNT_ID,
        )
        for secret in secrets:
            schedule = secretsmanager.CfnRotationSchedule(
                self,
                secret.node.id,
                secret_id=secret.secret_arn,
                rotation_lambda_arn=self.function.lambda_.function_arn,
                rotate_immediately_on_update=False,
                rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                    schedule_expression=EVERY
                ),
            )
            schedule.add_resource_dependency(permission)
