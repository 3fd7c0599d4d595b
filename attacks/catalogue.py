"""All attacks by name, and what begins one.

python attacks/catalogue.py ATTACK URL COUNT
"""

import asyncio
import sys

import attackers
import pusher_attackers
import stream_attackers

ATTACKS = {**attackers.ATTACKS, **stream_attackers.ATTACKS, **pusher_attackers.ATTACKS}
"""Each with the number of connections that it takes."""


if __name__ == "__main__":
    attack, url, size = sys.argv[1:]
    asyncio.run(ATTACKS[attack][0](url, int(size)))
