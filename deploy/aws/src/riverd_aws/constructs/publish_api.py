"""The publish API as a Lambda function behind an HTTP API: nothing runs while nobody publishes."""

import json

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from riverd_aws.constructs.function import LOG_KEPT, Function, Program
from riverd_aws.constructs.identity import Provider
from riverd_aws.constructs.measures import of_api
from riverd_aws.constructs.network import Network

BURST = 2
"""Requests at once, as a multiple of the rate."""

TIMEOUT_MS = 15_000
SLOW_MS = 1_000
_LINE = {
    "time": "$context.requestTime",
    "request": "$context.requestId",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "error": "$context.error.message",
}


class PublishApi(Construct):
    """The whole HTTP API of River. The handler checks the key itself.

    With an identity provider there is a second way in, /oidc/..., before which the provider's
    tokens are checked; what they may publish says their claim `river.publish`.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        program: Program,
        rate: int,
        provider: Provider | None,
    ) -> None:
        super().__init__(scope, name)
        self.function = Function(self, "Handler", program=program, network=network)
        self.api = gateway.CfnApi(
            self,
            "Api",
            name=program.called,
            description="River's publish API",
            protocol_type="HTTP",
        )
        self._integration = gateway.CfnIntegration(
            self,
            "Integration",
            api_id=self.api.ref,
            integration_type="AWS_PROXY",
            integration_uri=self.function.lambda_.function_arn,
            payload_format_version="2.0",
            timeout_in_millis=TIMEOUT_MS,
        )
        self._route("Route", "$default")
        if provider is not None:
            self._route("OidcRoute", "ANY /oidc/{proxy+}", provider=provider)
        self._stage(rate)
        lambda_.CfnPermission(
            self,
            "MayCall",
            action="lambda:InvokeFunction",
            function_name=self.function.lambda_.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=Stack.of(self).format_arn(
                service="execute-api", resource=self.api.ref, resource_name="*"
            ),
        )
        self.url = self.api.attr_api_endpoint

    def _route(self, name: str, key: str, *, provider: Provider | None = None) -> None:
        authorizer = self._authorizer(provider) if provider else None
        gateway.CfnRoute(
            self,
            name,
            api_id=self.api.ref,
            route_key=key,
            target=f"integrations/{self._integration.ref}",
            authorization_type="JWT" if authorizer else "NONE",
            authorizer_id=authorizer.ref if authorizer else None,
        )

    def _authorizer(self, provider: Provider) -> gateway.CfnAuthorizer:
        return gateway.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self.api.ref,
            name="identity-provider",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=gateway.CfnAuthorizer.JWTConfigurationProperty(
                issuer=provider.issuer, audience=[provider.audience]
            ),
        )

    def _stage(self, rate: int) -> None:
        log = logs.LogGroup(self, "Log", retention=LOG_KEPT, removal_policy=RemovalPolicy.DESTROY)
        gateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.ref,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=rate,
                throttling_burst_limit=rate * BURST,
                detailed_metrics_enabled=False,
            ),
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(_LINE)
            ),
        )

    def requests(self) -> cloudwatch.Metric:
        """See `PublishPlane`."""
        return of_api("Count", "Sum", api=self.api.ref)

    def failures(self) -> cloudwatch.Metric:
        """See `PublishPlane`."""
        return of_api("5xx", "Sum", api=self.api.ref)

    def delay(self) -> cloudwatch.Metric:
        """See `PublishPlane`: milliseconds."""
        return of_api("Latency", "p95", api=self.api.ref)

    def slow(self) -> float:
        """See `PublishPlane`."""
        return SLOW_MS
