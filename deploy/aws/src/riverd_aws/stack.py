"""The stack: wires the units, and says what came out."""

from aws_cdk import App, CfnOutput, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from riverd_aws.acknowledged import acknowledge
from riverd_aws.constructs import gateways as gateways_of
from riverd_aws.constructs import publish_service as publish_service_of
from riverd_aws.constructs import webhooks as webhooks_of
from riverd_aws.constructs.alarms import Alarms
from riverd_aws.constructs.balancer import Balancer
from riverd_aws.constructs.broker import ValkeyBroker
from riverd_aws.constructs.dashboard import Dashboard
from riverd_aws.constructs.domain import Domain
from riverd_aws.constructs.drain import Drain
from riverd_aws.constructs.entry import CloudFrontEntry
from riverd_aws.constructs.function import Program
from riverd_aws.constructs.gateways import Gateways, Numbers
from riverd_aws.constructs.identity import Provider, UserPool, provider_at
from riverd_aws.constructs.image import image_of
from riverd_aws.constructs.network import Network
from riverd_aws.constructs.publish_api import PublishApi
from riverd_aws.constructs.publish_service import PublishService
from riverd_aws.constructs.rotation import SecretRotation
from riverd_aws.constructs.secrets import Secrets, SecretsDoor, may_read
from riverd_aws.constructs.service import STOP_MARGIN_S, Place, Task, cluster_in
from riverd_aws.constructs.webhooks import WebhookLosses, WebhookSender
from riverd_aws.environment import Surroundings
from riverd_aws.options import SENDER_CPU, SENDER_MEMORY_MIB, SENDER_TASKS, Options
from riverd_aws.watching import PublishPlane, Watched

_WHAT = {"TokenSecret": "Signs tokens: for your servers", "ApiKey": "May publish: for your servers"}


def read_line(secret: str, region: str) -> str:
    """The command that prints a secret."""
    return (
        f"aws secretsmanager get-secret-value --secret-id {secret} --region {region} "
        "--query SecretString --output text"
    )


class RiverStack(Stack):  # type: ignore[misc]  # mypy does not read aws_cdk
    """River in one account and region, from options alone: it looks nothing up."""

    def __init__(self, app: App, options: Options, *, code: lambda_.Code) -> None:
        super().__init__(
            app, options.name, description="River: a real-time service beside your application"
        )
        Tags.of(self).add("application", options.name)
        self._options = options
        self.network = Network(self, "Network", zones=options.zones)
        self.secrets = Secrets(
            self, "Secrets", prefix=options.name, webhooks_arn=options.webhooks_secret
        )
        self.broker = ValkeyBroker(
            self,
            "Broker",
            network=self.network,
            password=self.secrets.broker,
            node_type=options.cache_node,
            resilient=options.resilient,
        )
        self.door = SecretsDoor(
            self,
            "SecretsDoor",
            network=self.network,
            secrets=self.secrets,
            in_every_zone=options.resilient,
        )
        self.provider = self._identity()
        self._surroundings = Surroundings(
            options=options, secrets=self.secrets, broker=self.broker, provider=self.provider
        )
        self.place = Place(
            network=self.network,
            cluster=cluster_in(self, self.network),
            balancer=Balancer(
                self, "Balancer", network=self.network, prefix_list_id=options.prefix_list_id
            ),
        )
        self._image = image_of(self, name=options.image, built=options.build_image)
        self._code = code
        self.gateways = self._gateways()
        self.drain = self._drain()
        self.entry = self._entry()
        self.publish, publish_url = self._publish_plane()
        self.webhook_sender = self._webhook_sender()
        self.rotation = SecretRotation(
            self,
            "Rotation",
            secrets=(self.secrets.token, self.secrets.api_key),
            called=f"{options.name}-rotation",
        )
        self._watch()
        self._say(publish_url)
        acknowledge(self)

    def _identity(self) -> Provider | None:
        options = self._options
        if options.cognito:
            users = UserPool(self, "Users", called=options.name)
            CfnOutput(self, "UserPoolId", value=users.pool.user_pool_id)
            CfnOutput(self, "UserPoolClientId", value=users.client.user_pool_client_id)
            return users.provider
        if options.oidc_issuer:
            return provider_at(
                issuer=options.oidc_issuer,
                audience=options.oidc_audience,
                jwks_url=options.oidc_jwks_url,
            )
        return None

    def _gateways(self) -> Gateways:
        options = self._options
        gateways = Gateways(
            self,
            "Gateways",
            place=self.place,
            task=Task(
                about="The gateways",
                image=self._image,
                command=["gateway"],
                port=gateways_of.PORT,
                cpu=options.task_cpu,
                memory_mib=options.task_memory,
                environment=self._surroundings.gateway(),
                rights=[may_read(self.secrets.token), may_read(self.secrets.broker)],
                stop_s=options.drain_s + STOP_MARGIN_S,
            ),
            numbers=Numbers(
                least=options.gateways,
                most=options.gateways_max,
                connections=options.connections,
            ),
            drain_s=options.drain_s,
        )
        self._let_in(gateways.group)
        return gateways

    def _drain(self) -> Drain:
        drain = Drain(
            self,
            "Drain",
            network=self.network,
            program=Program(
                called=f"{self._options.name}-drain",
                about="Tells a gateway to move its clients",
                code=self._code,
                handler="riverd.aws.lambda_drain.handler",
                environment=self._surroundings.drain(),
                rights=[may_read(self.secrets.broker)],
                timeout_s=20,
            ),
            cluster=self.place.cluster,
            service=self.gateways.service,
        )
        self._let_in(drain.function.lambda_)
        return drain

    def _entry(self) -> CloudFrontEntry:
        options = self._options
        domain = (
            Domain(
                self,
                "Domain",
                domain=options.domain,
                zone_id=options.hosted_zone_id,
                certificate_arn=options.certificate_arn,
            )
            if options.domain
            else None
        )
        entry = CloudFrontEntry(
            self, "Entry", network=self.network, balancer=self.place.balancer, domain=domain
        )
        if domain is not None:
            domain.point_to(entry.distribution)
        return entry

    def _publish_plane(self) -> tuple[PublishPlane, str]:
        """The publish API in one of its two forms, and its URL."""
        if self._options.publish == "service":
            return self._publish_service([may_read(one) for one in self.secrets.all])
        api = PublishApi(
            self,
            "PublishApi",
            network=self.network,
            program=Program(
                called=f"{self._options.name}-publish",
                about="The publish API",
                code=self._code,
                handler="riverd.aws.lambda_api.handler",
                environment=self._surroundings.publish(),
                rights=[may_read(one) for one in self.secrets.made],
                memory_mib=512,
            ),
            rate=self._options.publish_rate,
            provider=self.provider,
        )
        self._let_in(api.function.lambda_)
        return api, api.url

    def _publish_service(self, rights: list[iam.PolicyStatement]) -> tuple[PublishPlane, str]:
        service = PublishService(
            self,
            "PublishService",
            place=self.place,
            task=Task(
                about="The publish API",
                image=self._image,
                command=["api"],
                port=publish_service_of.PORT,
                cpu=self._options.task_cpu,
                memory_mib=self._options.task_memory,
                environment=self._surroundings.publish_service(),
                rights=rights,
                stop_s=publish_service_of.STOP_S,
            ),
        )
        self._let_in(service.group)
        self.entry.add_paths(*service.patterns)
        return service, f"https://{self.entry.host}"

    def _webhook_sender(self) -> WebhookSender | None:
        """A task that sends webhooks, if there are any: the publish API as a service sends them."""
        secret = self.secrets.webhooks
        if secret is None or isinstance(self.publish, PublishService):
            return None
        sender = WebhookSender(
            self,
            "Webhooks",
            place=self.place,
            task=Task(
                about="What sends webhooks",
                image=self._image,
                command=["webhooks", "run"],
                port=webhooks_of.PORT,
                cpu=SENDER_CPU,
                memory_mib=SENDER_MEMORY_MIB,
                environment=self._surroundings.webhook_sender(),
                rights=[may_read(secret), may_read(self.secrets.broker)],
                stop_s=webhooks_of.STOP_S,
                count=SENDER_TASKS,
            ),
        )
        self._let_in(sender.group)
        return sender

    def _webhook_losses(self) -> WebhookLosses | None:
        """What the log of whatever sends webhooks says that was lost."""
        if self.secrets.webhooks is None:
            return None
        sends = self.publish if isinstance(self.publish, PublishService) else self.webhook_sender
        assert sends is not None
        return WebhookLosses(self, "WebhookLosses", log=sends.log)

    def _watch(self) -> None:
        """The dashboard, and alarms."""
        watched = Watched(
            options=self._options,
            gateways=self.gateways,
            broker=self.broker,
            publish=self.publish,
            drain=self.drain.function,
            rotation=self.rotation.function,
            distribution_id=self.entry.distribution.distribution_id,
            webhook_losses=self._webhook_losses(),
            webhook_sender=self.webhook_sender,
        )
        alarms = Alarms(
            self, "Alarms", concerns=watched.concerns(), email=self._options.alarm_email
        )
        Dashboard(
            self,
            "Dashboard",
            called=self._options.name,
            graphs=watched.graphs(),
            alarms=alarms.alarms,
        )

    def _let_in(self, client: ec2.IConnectable) -> None:
        """Let a part of River reach Valkey, and ask for its secrets."""
        self.broker.let_in(client)
        self.door.let_in(client)

    def _say(self, publish_url: str) -> None:
        """The outputs: where it is, and how to read what nobody else may."""
        host = self.entry.host
        CfnOutput(self, "WebSocketUrl", value=f"wss://{host}/ws", description="For browsers")
        CfnOutput(self, "PublishUrl", value=publish_url, description="For your servers")
        for name, called in (
            ("TokenSecret", f"{self._options.name}/token-secret"),
            ("ApiKey", f"{self._options.name}/api-key"),
        ):
            CfnOutput(self, f"{name}Name", value=called, description=_WHAT[name])
            CfnOutput(self, f"Read{name}", value=read_line(called, self.region))
