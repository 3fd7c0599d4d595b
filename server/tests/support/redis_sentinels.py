"""A master, its replica and the Sentinels that watch them."""

from contextlib import ExitStack

from redis_server import running

PASSWORD = "the-sentinels-own"
DOWN_AFTER_MS = 1_500


class Watched:
    """A master, its replicas, and three Sentinels that exchange them within seconds."""

    def __init__(self, stack: ExitStack, *, replicas: int = 1, **options: str | int) -> None:
        self.master = stack.enter_context(running(**options))
        replicaof = f"127.0.0.1 {self.master.port}"
        self.replicas = [
            stack.enter_context(running(replicaof=replicaof, **options)) for _ in range(replicas)
        ]
        self.replica = self.replicas[0]
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
        """Whether the replicas have all, and each Sentinel knows everybody."""
        with self.master.client() as client:
            if client.info("replication")["connected_slaves"] < len(self.replicas):
                return False
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                state = client.sentinel_master("main")
                if (
                    int(state["num-slaves"]) < len(self.replicas)
                    or int(state["num-other-sentinels"]) < 2
                ):
                    return False
        return True
