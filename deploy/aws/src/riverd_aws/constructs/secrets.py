"""What must stay secret: made at deployment, read by name at run time, rotated."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from riverd_aws.constructs.network import Network

READ = "secretsmanager:GetSecretValue"
NOT_HEX = "ghijklmnopqrstuvwxyz"
HEX_DIGITS = 64
"""64 hex digits are 256 bits."""


class Secrets(Construct):
    """The token secret, the API key and Valkey's password, each 256 bits as 64 hex digits.

    Their values are made by Secrets Manager and stand in no template, environment or log. That of
    the webhooks is the user's own, if there is one.
    """

    def __init__(self, scope: Construct, name: str, *, prefix: str, webhooks_arn: str = "") -> None:
        super().__init__(scope, name)
        self.token = self._secret(
            "Token", f"{prefix}/token-secret", about="Signs and verifies tokens"
        )
        self.api_key = self._secret("ApiKey", f"{prefix}/api-key", about="May publish")
        self.broker = self._secret("Broker", f"{prefix}/valkey-password", about="Opens Valkey")
        self.webhooks: secretsmanager.ISecret | None = (
            secretsmanager.Secret.from_secret_complete_arn(self, "Webhooks", webhooks_arn)
            if webhooks_arn
            else None
        )

    @property
    def made(self) -> tuple[secretsmanager.ISecret, ...]:
        """Those that the stack makes."""
        return self.token, self.api_key, self.broker

    @property
    def all(self) -> tuple[secretsmanager.ISecret, ...]:
        """All of them."""
        return self.made if self.webhooks is None else (*self.made, self.webhooks)

    def _secret(self, name: str, called: str, *, about: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            name,
            secret_name=called,
            description=about,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=HEX_DIGITS,
                exclude_characters=NOT_HEX,
                exclude_uppercase=True,
                exclude_punctuation=True,
                include_space=False,
                require_each_included_type=False,
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )


class SecretsDoor(Construct):
    """The way to Secrets Manager from subnets that have no other: to these secrets, and no more."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        secrets: Secrets,
        in_every_zone: bool,
    ) -> None:
        super().__init__(scope, name)
        subnets = network.vpc.isolated_subnets
        self.endpoint = ec2.InterfaceVpcEndpoint(
            self,
            "Endpoint",
            vpc=network.vpc,
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            security_groups=[network.group(self, about="The way to Secrets Manager")],
            open=False,
            private_dns_enabled=True,
            # Each zone costs $7.30 a month; one is reached from the other as well.
            subnets=ec2.SubnetSelection(subnets=subnets if in_every_zone else subnets[:1]),
        )
        self.endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=[READ],
                resources=[one.secret_arn for one in secrets.all],
                conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            )
        )

    def let_in(self, *clients: ec2.IConnectable) -> None:
        """Let these ask for their secrets."""
        for client in clients:
            self.endpoint.connections.allow_from(client, ec2.Port.tcp(443), "Secrets Manager")


def may_read(secret: secretsmanager.ISecret) -> iam.PolicyStatement:
    """The right to read this secret, and nothing else."""
    return iam.PolicyStatement(actions=[READ], resources=[secret.secret_arn])


def source(secret: secretsmanager.ISecret) -> str:
    """Where to read it, as River's RIVER_..._FROM settings say it."""
    return f"aws-secretsmanager:{secret.secret_arn}"
