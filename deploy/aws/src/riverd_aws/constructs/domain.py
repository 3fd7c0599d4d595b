"""An own domain: its certificate, made and validated by the stack, and its records."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct


class Domain(Construct):
    """A name for the entry; with a zone the records are made as well."""

    def __init__(
        self, scope: Construct, name: str, *, domain: str, zone_id: str, certificate_arn: str
    ) -> None:
        super().__init__(scope, name)
        self.name = domain
        # The zone's own name is not asked for: records are given with their whole names.
        self._zone = (
            route53.HostedZone.from_hosted_zone_attributes(
                self, "Zone", hosted_zone_id=zone_id, zone_name=domain
            )
            if zone_id
            else None
        )
        self.certificate: acm.ICertificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn)
            if certificate_arn
            else acm.Certificate(
                self,
                "Certificate",
                domain_name=domain,
                validation=acm.CertificateValidation.from_dns(self._zone),
            )
        )

    def point_to(self, distribution: cloudfront.IDistribution) -> None:
        """Have the name lead to the distribution, over IPv4 and IPv6."""
        if self._zone is None:
            return
        target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(distribution))
        route53.ARecord(self, "V4", zone=self._zone, record_name=f"{self.name}.", target=target)
        route53.AaaaRecord(self, "V6", zone=self._zone, record_name=f"{self.name}.", target=target)
