"""Workers on a Ray cluster: three nodes in a network namespace of their own, of which workers and nodes are killed."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from corpora import TINY, assert_same, corpus, one_pass
from lacking import lacking

from attnviz.analysis.corpus import Statistics
from attnviz.attention import threads
from attnviz.corpora.engines import ray_workers
from attnviz.corpora.engines.ray_workers import RayWorkers
from attnviz.corpora.engines.workers import Done, Failed, Gone, Placed, Ready
from attnviz.corpora.shards import shards
from attnviz.errors import AttnvizError


class Double:
    """As much of ray as is used, in this process; an actor whose name is in ``dead`` is no more."""

    class exceptions:  # noqa: N801  (as ray calls it)
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            def __init__(self, cause):
                self.cause = cause

    def __init__(self, nodes):
        self.all_nodes, self.dead, self.killed, self.connected, self.references = nodes, set(), [], False, {}

    def is_initialized(self):
        return self.connected

    def init(self, address, **_):
        if address == "nowhere":
            raise ConnectionError("no such cluster\nand more")
        self.connected, self.joined = True, address

    def nodes(self):
        return self.all_nodes

    def put(self, what):
        return what

    def remote(self, **asked):
        self.asked = asked
        double = self

        def made(kind):
            class Actor:
                def __init__(self, *given):
                    self.own = kind(*given)

                def __getattr__(self, name):
                    class Method:
                        @staticmethod
                        def remote(*given):
                            reference = object()
                            double.references[reference] = (self, name, given)
                            return reference

                    return Method

            class Remote:
                remote = Actor

            return Remote

        return made

    def wait(self, references, timeout):  # noqa: ARG002
        return references[:1], references[1:]

    def get(self, reference):
        actor, name, given = self.references[reference]
        if actor in self.dead:
            raise self.exceptions.RayError("the actor died\nbecause of its node")
        try:
            return getattr(actor.own, name)(*given)
        except (AttnvizError, MemoryError) as error:
            raise self.exceptions.RayTaskError(error) from None

    def kill(self, actor):
        self.killed.append(actor)

    def shutdown(self):
        self.connected = False


@pytest.fixture
def ray(monkeypatch):
    double = Double(
        [{"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}}, {"Alive": False, "Resources": {"CPU": 64.0}}]
    )
    monkeypatch.setattr(ray_workers, "_ray", lambda: double)
    monkeypatch.setattr(threads, "_most", None)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    return double


def test_an_actor_has_a_place_then_the_model_then_shards(ray):
    workers = RayWorkers(TINY, 1, None, 0)
    number = workers.start()
    assert workers.wait(1) == [Placed(number)]
    assert workers.wait(1) == [Ready(number)]
    shard = next(shards(corpus(3)))
    workers.give(number, shard)
    (done,) = workers.wait(1)
    assert isinstance(done, Done)
    assert_same(Statistics.from_bytes(done.content, ""), one_pass(corpus(3)))
    assert workers.wait(0.001) == []
    workers.close()
    assert (len(ray.killed), ray.connected) == (1, False)


def test_a_cluster_that_goes_while_it_is_asked_is_left(ray, monkeypatch):
    monkeypatch.setattr(ray, "nodes", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        RayWorkers(TINY, 1, None, 0)
    assert not ray.connected


def test_an_actor_that_lacks_memory_makes_room_for_another(ray, monkeypatch):
    workers = RayWorkers(TINY, 1, None, 0)
    number = workers.start()
    workers.wait(1)
    monkeypatch.setattr(type(TINY), "worker", lambda _: (_ for _ in ()).throw(MemoryError("12 GB too much")))
    actor = workers._actors[number]
    assert workers.wait(1) == [Gone(number, "12 GB too much")]
    assert ray.killed == [actor]


def test_an_actor_that_dies_is_gone_and_what_is_wrong_with_the_job_is_told(ray):
    workers = RayWorkers(TINY, 1, None, 0)
    number = workers.start()
    ray.dead.add(workers._actors[number])
    assert workers.wait(1) == [Gone(number, "the actor died")]
    broken = RayWorkers(type(TINY)(model="tiny", layer=("99",)), 1, None, 0)
    number = broken.start()
    broken.wait(1)
    broken.wait(1)
    broken.give(number, next(shards(corpus(1))))
    (failed,) = broken.wait(1)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AttnvizError)


@pytest.mark.parametrize(
    ("count", "gpus", "expected"),
    [(None, 0, (2, 4)), (None, 1, (2, 4)), (None, 0.5, (2, 4)), (8, 0, (8, 1)), (3, 0, (3, 2))],
)
def test_a_cluster_is_shared_out(ray, count, gpus, expected):
    workers = RayWorkers(TINY, count, None, gpus)
    assert (workers.count, workers.processors) == expected
    workers.start()
    assert ray.asked == {"num_cpus": expected[1], "num_gpus": gpus, "max_restarts": 0}


@pytest.mark.usefixtures("ray")
def test_a_cluster_without_the_accelerators_says_so():
    workers = RayWorkers(TINY, None, None, 4)
    assert "4 accelerators" in str(workers.too_few(45))


def test_a_cluster_that_is_not_there_is_one_clear_line(ray):
    with pytest.raises(AttnvizError, match=r"the Ray cluster nowhere cannot be reached: no such cluster$"):
        RayWorkers(TINY, 1, "nowhere", 0)
    assert not ray.connected


@pytest.mark.parametrize("written", ["{host}:{port}", "ray://{host}:{port}"])
def test_an_address_at_which_nothing_answers_is_not_waited_for(ray, written):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        RayWorkers(TINY, 1, written.format(host=host, port=port), 0).close()
        assert ray.joined == written.format(host=host, port=port)
        ray.joined = None
    address = written.format(host=host, port=port)
    with pytest.raises(AttnvizError, match=f"the Ray cluster {address} cannot be reached: ."):
        RayWorkers(TINY, 1, address, 0)
    assert ray.joined is None


def test_without_an_address_a_cluster_begins_here_whatever_others_there_are(ray, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    RayWorkers(TINY, 1, None, 0).close()
    assert ray.joined == "local"
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    RayWorkers(TINY, 1, None, 0).close()
    assert ray.joined == "auto"


def test_a_cluster_that_was_joined_before_is_not_left(ray):
    ray.connected = True
    RayWorkers(TINY, 1, None, 0).close()
    assert ray.connected


def test_ray_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AttnvizError, match="which is not installed"):
        ray_workers._ray()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["worker", "node", "all"])
def test_a_cluster_that_loses(what, tmp_path):
    """A random worker after every second shard: the same numbers, and one shard a kill done twice. A node for good: the
    same, on the rest. All nodes: an error within 60 seconds."""
    if importlib.util.find_spec("ray") is None:
        lacking("ray")
    if shutil.which("unshare") is None:
        lacking("unshare")
    script = Path(__file__).parents[2] / "support" / "ray_cluster.py"
    inside = f"ip link set lo up && exec {sys.executable} {script} {what} {tmp_path}/answer.json"
    subprocess.run(["unshare", "-rn", "sh", "-c", inside], check=True, timeout=500, cwd=tmp_path)
    answer = json.loads((tmp_path / "answer.json").read_text())
    if what == "all":
        assert "has had no room for a worker" in answer["error"]
        assert answer["seconds"] <= 60
        return
    assert_same(Statistics.from_bytes(bytes.fromhex(answer["content"]), ""), one_pass(corpus(24)))
    assert answer["kills"] >= 1
    assert answer["given"] - 12 <= answer["kills"] * (1 if what == "worker" else 2)
