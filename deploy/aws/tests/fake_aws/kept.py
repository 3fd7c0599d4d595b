"""Resources of which moto has no backend: their parameters are checked, and they are remembered."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .fitting import fit
from .resource import Account, Properties, Resource

THINGS: dict[str, tuple[str, Properties]] = {}
"""What there is: by id, the operation that would have made it, and its parameters."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A type that nothing emulates. Its call's input, which botocore knows, must fit."""

    service: str
    create_with: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    name_chars_max: int = 255
    prefix: str = ""
    turned: Callable[[Properties], Properties] = dict
    later: frozenset[str] = frozenset()

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        """Remember it. An attribute is a text in which `{id}` and `{region}` are filled in."""
        parameters = self._parameters(account, properties)
        name = parameters.get(self.name) or account.name_for(logical_id, self.name_chars_max)
        made = name if self.name else f"{self.prefix}{secrets.token_hex(8)}"
        THINGS[made] = (self.create_with, parameters)
        attributes: dict[str, Any] = {
            key: text.format(id=made, region=account.region)
            for key, text in self.attributes.items()
        }
        return Resource(made, attributes, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        """Remember it anew."""
        THINGS[resource.id] = (self.create_with, self._parameters(account, properties))
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        """Forget it."""
        del account
        THINGS.pop(resource.id, None)

    def _parameters(self, account: Account, properties: Properties) -> Properties:
        model = account.client(self.service).meta.service_model
        shape = model.operation_model(self.create_with).input_shape
        turned = {key: one for key, one in self.turned(properties).items() if key not in self.later}
        fitted = fit(turned, shape)
        assert isinstance(fitted, dict)
        return fitted
