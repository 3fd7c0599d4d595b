"""What River's processes on AWS are told: settings, and where secrets are read; never a secret."""

from dataclasses import dataclass

from riverd_aws.constructs import gateways, network, publish_service, webhooks
from riverd_aws.constructs.broker import ValkeyBroker
from riverd_aws.constructs.identity import Provider
from riverd_aws.constructs.secrets import Secrets, source
from riverd_aws.options import Options

PING_INTERVAL_S = 25
METRICS_LOG_S = 60
CPU_UNITS_A_CORE = 1024
CONNECTIONS_SPARE = 2
"""A gateway takes this many times what it should hold, before it refuses: others may be missing."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What there is around a process."""

    options: Options
    secrets: Secrets
    broker: ValkeyBroker
    provider: Provider | None

    def gateway(self) -> dict[str, str]:
        """For gateway tasks."""
        options = self.options
        workers = max(1, options.task_cpu // CPU_UNITS_A_CORE)
        return {
            **self._common(),
            "RIVER_HOST": "0.0.0.0",  # noqa: S104  the task's own address
            "RIVER_PORT": str(gateways.PORT),
            # ECS knows a task by its ARN, and so does the sign to drain.
            "RIVER_NODE_NAME": "ecs-task",
            "RIVER_DRAIN_S": str(options.drain_s),
            "RIVER_PING_INTERVAL_S": str(PING_INTERVAL_S),
            "RIVER_MAX_CONNECTIONS": str(CONNECTIONS_SPARE * options.connections // workers),
            # The balancer and CloudFront's interfaces have addresses of this network.
            "RIVER_TRUSTED_PROXIES": network.CIDR,
            "RIVER_ALLOWED_ORIGINS": ",".join(options.allowed_origins),
            "RIVER_WORKERS": str(workers),
            "RIVER_SECRETS_FROM": source(self.secrets.token),
            # What CloudWatch reads deliveries and delays from.
            "RIVER_METRICS_LOG_S": str(METRICS_LOG_S),
        }

    def publish(self) -> dict[str, str]:
        """For the publish API as a function."""
        return {
            **self._common(),
            "RIVER_SECRETS_FROM": source(self.secrets.token),
            "RIVER_API_KEYS_FROM": source(self.secrets.api_key),
        }

    def publish_service(self) -> dict[str, str]:
        """For the publish API as a service."""
        return {
            **self.publish(),
            **self._webhooks(),
            "RIVER_API_HOST": "0.0.0.0",  # noqa: S104  the task's own address
            "RIVER_API_PORT": str(publish_service.PORT),
        }

    def webhook_sender(self) -> dict[str, str]:
        """For the task that sends webhooks: nobody but its own health check asks it anything."""
        return {
            **self._broker(),
            **self._webhooks(),
            "RIVER_API_HOST": "127.0.0.1",
            "RIVER_API_PORT": str(webhooks.PORT),
        }

    def drain(self) -> dict[str, str]:
        """For the function that says the sign to drain: it speaks with the broker alone."""
        return self._broker()

    def _broker(self) -> dict[str, str]:
        return {
            "RIVER_BROKER": self.broker.url,
            "RIVER_BROKER_PASSWORD_FROM": source(self.secrets.broker),
        }

    def _webhooks(self) -> dict[str, str]:
        secret = self.secrets.webhooks
        return {} if secret is None else {"RIVER_WEBHOOKS_FROM": source(secret)}

    def _common(self) -> dict[str, str]:
        return {
            **self._broker(),
            **(self.provider.environment() if self.provider else {}),
        }
