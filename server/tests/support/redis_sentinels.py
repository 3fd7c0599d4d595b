"""A master, its replica and the Sentinels that watch them."""

from contextlib import ExitStack

from redis_server import running

PASSWORD = "the-sentinels-own"
DOWN_AFTER_MS = 1_500


class Watched:
    """A master, its replica, and three Sentinels that exchange them within seconds."""

    def __init__(self, stack: ExitStack, **options: str | int) -> None:
        self.master = stack.enter_context(running(**options))
        replicaof = f"127.0.0.1 {self.master.port}"
        self.replica = stack.enter_context(running(replicaof=replicaof, **options))
        lines = (
            f"monitor main 127.0.0.1 {self.master.port} 2",
            f"down-after-milliseconds main {DOWN_AFTER_MS}",
            "failover-timeout main 3000",
            f"sentinel-pass {PASSWORD}",
        )
        config = "".join(f"sentinel {line}\n" for line in lines)
        self.sentinels = [
            stack.enter_context(running(sentinel=config, requirepass=PASSWORD)) for _ in range(3)
        ]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{places}/main?sentinel_password={PASSWORD}"

    def is_ready(self) -> bool:
        """Whether the replica has all, and each Sentinel knows everybody."""
        with self.master.client() as client:
            if not client.info("replication")["connected_slaves"]:
                return False
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                state = client.sentinel_master("main")
                if int(state["num-slaves"]) < 1 or int(state["num-other-sentinels"]) < 2:
                    return False
        return True
