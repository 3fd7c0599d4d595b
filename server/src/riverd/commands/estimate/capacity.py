"""What a task can do: the file of measured figures beside this one, as values."""

from functools import cache
from importlib import resources

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """A figure, and the result that it comes from."""

    value: float
    source: str


class TaskSize(msgspec.Struct, frozen=True):
    """A size that Fargate sells."""

    vcpu: float
    memory_gb: float


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """All of the file."""

    safety_factor: float
    safety_reason: str
    gateway_memory_mib: Figure
    api_memory_mib: Figure
    connection_kib: Figure
    idle_cores_a_connection: Figure
    connects_a_cpu_s: Figure
    writes_a_cpu_s: Figure
    publications_received_a_cpu_s: Figure = msgspec.field(name="publications_heard_a_cpu_s")
    publishes_a_cpu_s: Figure
    broker_cpu_us_a_publication: Figure
    broker_bytes_beside_payload: Figure
    tasks: tuple[TaskSize, ...]

    def figures(self) -> dict[str, Figure]:
        """Those that were measured, by name."""
        names = zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        found = {shown: getattr(self, name) for shown, name in names}
        return {name: one for name, one in found.items() if isinstance(one, Figure)}


@cache
def capacity() -> Capacity:
    """The figures that River comes with."""
    text = resources.files("riverd.commands.estimate").joinpath("capacity.toml").read_bytes()
    return msgspec.toml.decode(text, type=Capacity)
