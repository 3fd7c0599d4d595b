"""CloudFront: distributions, and their way into a network."""

import secrets

from fake_aws.kept import Kept
from fake_aws.resource import Account, Kind, Plain, Properties, Resource, remove

_ORIGIN_USUAL = {"OriginPath": "", "CustomHeaders": []}
_CONFIG_USUAL = {"Comment": "", "Aliases": []}
_DISTRIBUTION = Plain(
    service="cloudfront",
    create_with="CreateDistribution",
    id="Distribution.Id",
    attributes={"Id": "Distribution.Id", "DomainName": "Distribution.DomainName"},
    turned=lambda properties: {"DistributionConfig": _config(properties["DistributionConfig"])},
)


def _config(given: Properties) -> Properties:
    config = {"CallerReference": secrets.token_hex(8), **_CONFIG_USUAL, **given}
    if "IPV6Enabled" in config:
        config["IsIPV6Enabled"] = config.pop("IPV6Enabled")
    config["Origins"] = [{**_ORIGIN_USUAL, **one} for one in config["Origins"]]
    return config


class Distribution:
    """A distribution. It must be switched off before it can be removed, as on AWS."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        made = _DISTRIBUTION.create(account, logical_id, properties)
        arn = f"arn:aws:cloudfront::123456789012:distribution/{made.id}"
        if properties.get("Tags"):
            tags = {"Resource": arn, "Tags": {"Items": properties["Tags"]}}
            account.call("cloudfront", "TagResource", tags)
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        self._change(account, resource.id, _config(properties["DistributionConfig"]))
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        config = _config(resource.properties["DistributionConfig"])
        self._change(account, resource.id, {**config, "Enabled": False})
        told = account.call("cloudfront", "GetDistribution", {"Id": resource.id})
        gone = {"Id": resource.id, "IfMatch": told["ETag"]}
        remove(account, "cloudfront", "DeleteDistribution", gone)

    @staticmethod
    def _change(account: Account, distribution: str, config: Properties) -> None:
        told = account.call("cloudfront", "GetDistributionConfig", {"Id": distribution})
        reference = told["DistributionConfig"]["CallerReference"]
        wanted = {
            "Id": distribution,
            "IfMatch": told["ETag"],
            "DistributionConfig": {**config, "CallerReference": reference},
        }
        account.call("cloudfront", "UpdateDistribution", wanted)


KINDS: dict[str, Kind] = {
    "AWS::CloudFront::Distribution": Distribution(),
    "AWS::CloudFront::VpcOrigin": Kept(
        service="cloudfront",
        create_with="CreateVpcOrigin",
        prefix="vo_",
        attributes={"Id": "{id}", "Arn": "arn:aws:cloudfront::123456789012:vpcorigin/{id}"},
        turned=lambda given: {
            "VpcOriginEndpointConfig": {
                "OriginProtocolPolicy": "http-only",
                "HTTPPort": 80,
                "HTTPSPort": 443,
                **given["VpcOriginEndpointConfig"],
            }
        },
    ),
    "AWS::CloudFront::CachePolicy": Kept(
        service="cloudfront", create_with="CreateCachePolicy", attributes={"Id": "{id}"}
    ),
    "AWS::CloudFront::OriginRequestPolicy": Kept(
        service="cloudfront", create_with="CreateOriginRequestPolicy", attributes={"Id": "{id}"}
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": Kept(
        service="cloudfront", create_with="CreateResponseHeadersPolicy", attributes={"Id": "{id}"}
    ),
}
