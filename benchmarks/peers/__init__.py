"""The systems that are measured, by name, in the order in which they take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers.centrifugo.adapter import Centrifugo, CentrifugoStreams
from peers.limit.adapter import Limit
from peers.nats.adapter import Nats
from peers.nchan.adapter import Nchan, NchanStreams
from peers.river.adapter import River, RiverStreams
from peers.socketio2.adapter import SocketIO2
from peers.socketio4.adapter import SocketIO4
from peers.sockudo.adapter import Sockudo
from peers.soketi.adapter import Soketi

if TYPE_CHECKING:
    from peers.contender import Contender

CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        River(),
        Centrifugo(),
        Nchan(),
        SocketIO4(),
        SocketIO2(),
        Nats(),
        Sockudo(),
        Soketi(),
        RiverStreams(),
        CentrifugoStreams(),
        NchanStreams(),
        Limit(),
    )
}
