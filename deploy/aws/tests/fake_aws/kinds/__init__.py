"""The types of resources that the fake AWS knows. All others are refused, none is skipped."""

from fake_aws.kinds import api, cdn, compute, data, events, identity, network, storage
from fake_aws.resource import Kind

KINDS: dict[str, Kind] = {
    **api.KINDS,
    **cdn.KINDS,
    **compute.KINDS,
    **data.KINDS,
    **events.KINDS,
    **identity.KINDS,
    **network.KINDS,
    **storage.KINDS,
}
