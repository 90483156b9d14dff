"""Shards on a Ray cluster (the extra ``ray``), whose machines all see the same files."""

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import InputError
from ..extras import require
from .engines import MakeAnnotator
from .shards import Annotator, Receipt, Shard

# How often a worker, and a shard, is begun anew before the run is given up.
_RETRIES = 3


def run_ray(make: MakeAnnotator, shards: Iterable[Shard], n_process: int) -> Iterator[Receipt]:
    """Run shards in actors of one core each: ``n_process``, or as many as there are cores.

    The cluster is that of ``RAY_ADDRESS`` or of ``ray start``, else one of this machine alone. An
    actor that dies is started anew with the shard it had, which is then written over.

    Raises InputError where Ray is not installed or fails for good.
    """
    require("ray", "ray", what="The engine ray")
    import ray

    ray.init(ignore_reinit_error=True, log_to_driver=False)
    n_cores = int(ray.cluster_resources()["CPU"])
    options = {"num_cpus": 1, "max_restarts": _RETRIES, "max_task_retries": _RETRIES}
    actor = ray.remote(**options)(_Worker)
    # More actors than cores would wait for a core for ever, and so would their shards.
    idle = [actor.remote(make) for _ in range(min(n_process or n_cores, n_cores))]
    busy: dict[Any, Any] = {}  # the actor of each shard that is being written, by its future
    try:
        for shard in shards:
            if not idle:
                (done,), _ = ray.wait(list(busy))
                idle.append(busy.pop(done))
                yield ray.get(done)
            worker = idle.pop()
            busy[worker.run.remote(shard)] = worker
        for done in busy:
            yield ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error  # as the annotator raised it
    except ray.exceptions.RayError as error:
        raise InputError(
            f"Ray has failed ({type(error).__name__}); the finished shards are kept: "
            "run the same command again to go on."
        ) from error
    finally:
        ray.shutdown()


class _Worker:
    """An actor, which loads the pipeline once."""

    def __init__(self, make: MakeAnnotator) -> None:
        self._annotator: Annotator = make()

    def run(self, shard: Shard) -> Receipt:
        return self._annotator(shard)
