"""The AWS account: who is asking, where, and the answers of its services as checked values."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, cast

import boto3
import msgspec
from botocore import exceptions as boto
from botocore.config import Config

from riverd_aws.failure import Failure, Mistake

T = TypeVar("T")

_RETRIES = 5
_TIMEOUT_S = 30
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "InvalidToken"}
_WRONG = {"SignatureDoesNotMatch", "IncompleteSignature"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

HOW_TO_SIGN_IN = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure` or `aws sso login`, "
    "or name a profile with --profile"
)


class Identity(msgspec.Struct, rename="pascal"):
    """Who is asking."""

    account: str
    arn: str


class Account:
    """One account in one region. Every call's failure is told in words that help."""

    def __init__(self, *, profile: str | None = None, region: str | None = None) -> None:
        """Raises `Mistake` if the profile or the region is not known."""
        wanted = region or os.environ.get("AWS_REGION") or None
        try:
            self._session = boto3.Session(profile_name=profile, region_name=wanted)
        except boto.ProfileNotFound as error:
            raise Mistake(f"{error}: `aws configure list-profiles` lists those there are") from None
        self.profile = profile
        self.region = _checked_region(self._session)
        self._clients: dict[str, object] = {}

    def identity(self) -> Identity:
        """Who is asking.

        Raises:
            Mistake: there are no credentials, or AWS does not take them.
        """
        return self.ask("sts:get_caller_identity", Identity)

    def ask(self, call: str, kind: type[T], /, **parameters: object) -> T:
        """What an operation answers, as a value of this type. `call`: "SERVICE:OPERATION".

        Raises:
            Failure: in words; `AwsError`, one of them, if the service itself said no.
        """
        service, _, operation = call.partition(":")
        method = cast("Callable[..., object]", getattr(self._client(service), operation))
        try:
            return msgspec.convert(method(**parameters), kind)
        except (boto.ClientError, boto.BotoCoreError) as error:
            raise _in_words(error, call, region=self.region) from error

    def pages(self, call: str, kind: type[T], /, **parameters: object) -> Iterator[T]:
        """The same for what comes in pages."""
        service, _, operation = call.partition(":")
        client = self._client(service)
        paginate = cast("Callable[..., object]", client.get_paginator(operation).paginate)  # type: ignore[attr-defined]
        try:
            for page in cast("Iterator[object]", paginate(**parameters)):
                yield msgspec.convert(page, kind)
        except (boto.ClientError, boto.BotoCoreError) as error:
            raise _in_words(error, call, region=self.region) from error

    def regions_of(self, service: str) -> tuple[str, ...]:
        """Regions that this version of boto3 knows to have a service."""
        return _regions(self._session, service)

    def environment(self) -> Mapping[str, str]:
        """What a program needs to ask as the same one, in the same region."""
        told = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**told, "AWS_PROFILE": self.profile} if self.profile else told

    def _client(self, service: str) -> object:
        if service not in self._clients:
            config = Config(
                retries={"mode": "standard", "max_attempts": _RETRIES},
                connect_timeout=_TIMEOUT_S,
                read_timeout=_TIMEOUT_S,
            )
            make = cast("Callable[..., object]", self._session.client)
            self._clients[service] = make(service, region_name=self.region, config=config)
        return self._clients[service]


class AwsError(Failure):
    """A service said no. `code` is its word for it."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for is not there."""
        words = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent", "NotExist")
        return any(word in self.code for word in words) or "does not exist" in self.message


def _checked_region(session: boto3.Session) -> str:
    region = cast("str | None", session.region_name)
    if not region:
        raise Mistake(
            "no region is chosen: pass --region (for example --region eu-central-1) or set "
            "AWS_REGION"
        )
    known = _regions(session, "cloudformation")
    if region not in known:
        part = region.partition("-")[0]
        near = [one for one in known if one.partition("-")[0] == part] or known
        raise Mistake(f"there is no region {region}; there are {', '.join(near)}")
    return region


def _regions(session: boto3.Session, service: str) -> tuple[str, ...]:
    return tuple(cast("list[str]", session.get_available_regions(service)))


def _in_words(error: Exception, call: str, *, region: str) -> Failure:
    if isinstance(error, boto.ClientError):
        return _refusal(error, call, region=region)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return Mistake(f"there are no AWS credentials: {HOW_TO_SIGN_IN}")
    if isinstance(error, boto.EndpointConnectionError | boto.HTTPClientError):
        return Failure(
            f"AWS cannot be reached ({error}): is this machine online, and does the region "
            f"{region} have {call.partition(':')[0]}?"
        )
    if "sso" in type(error).__name__.lower() or "token" in type(error).__name__.lower():
        return Mistake(f"{error}: sign in again, for example with `aws sso login`")
    return Failure(f"{call}: {error}")


def _refusal(error: boto.ClientError, call: str, *, region: str) -> Failure:
    told = cast("dict[str, str]", error.response.get("Error", {}))
    code, message = told.get("Code", ""), told.get("Message", str(error))
    if code in _EXPIRED:
        return Mistake("the AWS credentials have expired: sign in again")
    if code in _UNKNOWN:
        return Mistake(
            f"AWS does not take these credentials in {region} ({code}): they are wrong or were "
            f"removed, or the region is not enabled in this account. For others, {HOW_TO_SIGN_IN}"
        )
    if code in _WRONG:
        return Mistake(f"the secret access key does not fit the access key ({code}): check both")
    if code in _DENIED:
        return AwsError(
            f"these credentials may not {call}: {message}. Deploying needs an administrator",
            code,
        )
    return AwsError(f"{call}: {message} ({code})", code)
