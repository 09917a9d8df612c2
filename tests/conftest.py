import gc
import os
import signal
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

# Collecting makes millions of objects that stay, and no garbage: looking for it again and again takes an eighth of that time,
# and later each look at all of them half a second. What the tests leave is still found.
gc.disable()

# Before NumPy is imported: on a busy machine the threads that OpenBLAS adds to each of many small products wait for each
# other far longer than they compute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# torch's threads, too: they spin while they wait, and each of two processes would start one for each processor.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A program that a test starts compiles the package each time where Python is told to keep nothing: twice as long as it runs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False  # and pytest rewrites each test file in each process

# A shell has its background jobs ignore Ctrl-C, and every program that they start: the tests that press it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("command_line")  # before any test imports it, wherever it stands

# The same examples in every run, at any speed of the machine.
settings.register_profile("attnviz", deadline=None, derandomize=True, database=None)
settings.load_profile("attnviz")


@pytest.hookimpl(tryfirst=True)  # before the slow ones are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``some(count)``: of a test's cases so many are quick, from the first to the last, and the others slow."""
    cases = defaultdict(list)
    for item in items:
        mark = item.get_closest_marker("some")
        if mark is not None and item.get_closest_marker("slow") is None:
            cases[item.nodeid.partition("[")[0], mark.args[0]].append(item)
    for (_, count), of_one in cases.items():
        quick = {place * (len(of_one) - 1) // max(1, count - 1) for place in range(count)}
        for place, item in enumerate(of_one):
            if place not in quick:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, among what is new."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama of random weights and its tokenizer, where an example says DIR_OR_ID."""
    from tiny_models import saved  # not for tests that need no torch

    return saved("Llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture
def two_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model reads two batches side by side, however many threads torch has: with one each none waits for another."""
    from attnviz.attention import threads  # not for tests that need no torch
    from attnviz.sources.huggingface import trace_texts

    monkeypatch.setattr(threads, "_torch_threads", lambda: 2)
    monkeypatch.setattr(trace_texts, "runs_beside", lambda _: True)
