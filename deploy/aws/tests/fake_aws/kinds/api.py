"""API Gateway's HTTP APIs: AWS::ApiGatewayV2::*."""

from fake_aws.resource import Kind, Plain, Resource


def _of_api(operation: str, key: str) -> tuple[str, object]:
    def parameters(it: Resource) -> dict[str, object]:
        return {"ApiId": it.properties["ApiId"], key: it.id}

    return operation, parameters


def _part(kind: str, key: str, **more: object) -> Plain:
    operation, parameters = _of_api(f"Delete{kind}", key)
    return Plain(
        service="apigatewayv2",
        create_with=f"Create{kind}",
        id=key,
        delete_with=(operation, parameters),
        update_with=(f"Update{kind}", lambda it: {**it.properties, key: it.id}),
        **more,
    )


KINDS: dict[str, Kind] = {
    "AWS::ApiGatewayV2::Api": Plain(
        service="apigatewayv2",
        create_with="CreateApi",
        id="ApiId",
        attributes={"ApiId": "ApiId", "ApiEndpoint": "ApiEndpoint"},
        delete_with=("DeleteApi", lambda it: {"ApiId": it.id}),
    ),
    "AWS::ApiGatewayV2::Authorizer": _part(
        "Authorizer", "AuthorizerId", attributes={"AuthorizerId": "AuthorizerId"}
    ),
    "AWS::ApiGatewayV2::Integration": _part("Integration", "IntegrationId"),
    "AWS::ApiGatewayV2::Route": _part("Route", "RouteId", attributes={"RouteId": "RouteId"}),
    "AWS::ApiGatewayV2::Stage": Plain(
        service="apigatewayv2",
        create_with="CreateStage",
        id="StageName",
        delete_with=_of_api("DeleteStage", "StageName"),
    ),
    "AWS::ApiGatewayV2::VpcLink": Plain(
        service="apigatewayv2",
        create_with="CreateVpcLink",
        id="VpcLinkId",
        delete_with=("DeleteVpcLink", lambda it: {"VpcLinkId": it.id}),
    ),
}
