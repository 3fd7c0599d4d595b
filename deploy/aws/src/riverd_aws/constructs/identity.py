"""Whose tokens are accepted besides those of River's own secret."""

from dataclasses import dataclass

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

PASSWORD_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An identity provider: the iss and aud of its tokens, and where its keys stand."""

    issuer: str
    audience: str
    jwks_url: str

    def environment(self) -> dict[str, str]:
        """River's settings for it."""
        return {
            "RIVER_JWKS_URL": self.jwks_url,
            "RIVER_JWT_ISSUER": self.issuer,
            "RIVER_JWT_AUDIENCE": self.audience,
        }


def provider_at(*, issuer: str, audience: str, jwks_url: str) -> Provider:
    """Any OpenID Connect provider; its keys stand in the usual place unless one is given."""
    usual = f"{issuer.removesuffix('/')}/.well-known/jwks.json"
    return Provider(issuer=issuer, audience=audience, jwks_url=jwks_url or usual)


class UserPool(Construct):
    """A Cognito user pool with one client, whose ID tokens River accepts."""

    def __init__(self, scope: Construct, name: str, *, called: str) -> None:
        super().__init__(scope, name)
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=called,
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=PASSWORD_LENGTH,
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.client = self.pool.add_client(
            "Client",
            auth_flows=cognito.AuthFlow(user_srp=True),
            # Without this the toolkit allows sign-in through pages that this pool does not have.
            disable_o_auth=True,
            prevent_user_existence_errors=True,
            id_token_validity=Duration.hours(1),
        )
        issuer = f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{self.pool.user_pool_id}"
        self.provider = provider_at(
            issuer=issuer, audience=self.client.user_pool_client_id, jwks_url=""
        )
