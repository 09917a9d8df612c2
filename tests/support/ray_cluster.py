"""A program: three Ray nodes on this machine, a corpus measured on them, and workers or nodes killed meanwhile.

Run as ray_cluster.py (worker|node|all) ANSWER, in a network namespace of its own.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path


def run(what: str, path: str) -> None:
    os.environ |= {
        "RAY_raylet_start_wait_time_s": "240",
        "RAY_worker_register_timeout_seconds": "240",
    }  # on a busy machine
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    try:
        Path(path).write_text(json.dumps(measured(what, cluster, nodes)))
    finally:
        cluster.shutdown()


def measured(what, cluster, nodes):
    from corpora import TINY, corpus

    from attnviz.corpora.engines.dispatch import dispatched
    from attnviz.corpora.engines.ray_workers import RayWorkers
    from attnviz.corpora.run import run as run_job
    from attnviz.errors import AttnvizError

    drawn, given, kills, lost = random.Random(0), [], 0, 0.0
    workers = RayWorkers(TINY, 2, cluster.address, 0)
    give = workers.give
    workers.give = lambda worker, shard: (given.append(shard.number), give(worker, shard))

    def engine(job, some, told):  # noqa: ARG001
        nonlocal kills, lost
        for count, done in enumerate(dispatched(workers, some), start=1):
            yield done
            if what == "worker" and count % 2 == 0:
                workers.ray.kill(drawn.choice(list(workers._actors.values())))
                kills += 1
            elif what != "worker" and count == 2:
                for node in nodes if what == "all" else nodes[:1]:
                    cluster.remove_node(node, allow_graceful=False)
                    kills += 1
                lost = time.monotonic()
                time.sleep(5 if what == "all" else 0)  # a worker outlives its node for a moment, and answers

    try:
        found = run_job(TINY, corpus(24), engine, size=2)
    except AttnvizError as error:
        return {"error": str(error), "seconds": time.monotonic() - lost}
    return {"content": found.to_bytes().hex(), "kills": kills, "given": len(given)}


if __name__ == "__main__":
    run(*sys.argv[1:])
