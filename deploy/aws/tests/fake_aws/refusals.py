"""How a service says no to a request: in the words of its protocol."""

import json
import re
from collections.abc import Callable, Iterable

import botocore.session

_XML = {
    "query": (
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message>"
        "</Error><RequestId>1</RequestId></ErrorResponse>"
    ),
    "ec2": (
        "<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        "<RequestID>1</RequestID></Response>"
    ),
}


def service_of(authorization: str) -> str:
    """The service that a request was signed for."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", authorization)
    return scope[1] if scope else ""


def answer(service: str, code: str, start: Callable[..., object]) -> Iterable[bytes]:
    """The refusal of a request: 400, as for expired credentials and missing rights."""
    text = f"{service} says {code}, as the test asked"
    protocol = botocore.session.get_session().get_service_model(service).metadata["protocol"]
    if protocol in _XML:
        kind, body = "text/xml", _XML[protocol].format(code=code, text=text)
    else:
        kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": text})
    start("400 Bad Request", [("content-type", kind), ("content-length", str(len(body)))])
    return [body.encode()]
