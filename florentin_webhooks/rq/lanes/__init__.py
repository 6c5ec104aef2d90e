"""One worker for all lanes of a store in a Redis Cluster, and the status of their queues as one."""

__all__: list[str] = []
