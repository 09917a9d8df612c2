"""Batches side by side, each in a thread of its own: what comes out is what each text gives alone, whatever goes wrong in one."""

from __future__ import annotations

import copy
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps

import pytest
import torch
from tiny_models import model, tokenizer

from attnviz import AttnvizError, Trace
from attnviz.errors import ChoiceError
from attnviz.sources.given import Given
from attnviz.sources.huggingface import trace_texts
from attnviz.sources.huggingface.lanes import runs_beside
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.trace_model import trace
from attnviz.sources.huggingface.trace_texts import Batches

pytestmark = pytest.mark.usefixtures("two_lanes")
WORDS = ["the", "cat", "sat", "on", "the", "mat", "and", "a", "dog", "slept", "with", "one", "step"]
TEXTS = [" ".join(WORDS[start : start + length]) for start in range(4) for length in (1, 2, 3, 5, 8)]
GIVEN = [Given(text) for text in TEXTS]
MANY = TEXTS * 10


def loaded(name: str = "Llama") -> Model:
    """A model of its own, that a test may damage."""
    return Model.of(copy.deepcopy(model(name)), tokenizer())


@lru_cache
def alone(name: str, text: str) -> Trace:
    return trace(Model.of(model(name), tokenizer()), text)


class Passes:
    """The passes over several texts of a model: in which thread, how many tokens long, and how many of them at once."""

    def __init__(self, read: Model, during: Callable[[torch.Tensor], None] = lambda _: None) -> None:
        self.seen: list[tuple[int, int]] = []
        self.at_once, self.most, self._during, self._lock = 0, 0, during, threading.Lock()
        original = read.model.forward

        @wraps(original)
        def forward(**given):
            with self._one(given["input_ids"].shape[1]):
                self._during(given["input_ids"])
                return original(**given)

        read.model.forward = forward

    @contextmanager
    def _one(self, length: int) -> Iterator[None]:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.seen.append((threading.get_ident(), length))
        try:
            yield
        finally:
            with self._lock:
                self.at_once -= 1

    @property
    def elsewhere(self) -> list[int]:
        """The lengths of those in other threads than the test's."""
        return [length for thread, length in self.seen if thread != threading.get_ident()]


def require_as_alone(answers, name: str = "Llama", texts=TEXTS) -> None:
    assert [number for number, _ in answers] == list(range(len(texts)))
    for (_, mine), text in zip(answers, texts, strict=True):
        theirs = alone(name, text)
        assert mine.tokens == theirs.tokens
        assert mine.source.original == text
        for one, other in zip(mine.layers, theirs.layers, strict=True):
            assert (one.title, one.projections.keys()) == (other.title, other.projections.keys())
            torch.testing.assert_close(one.steps().weights, other.steps().weights, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(one.steps().output, other.steps().output, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["Llama", "Mistral", "Gemma2", "GptOss", "GPT2", "Bert", "ModernBert"])
@pytest.mark.some(3)
def test_each_text_is_as_it_is_alone_and_two_batches_run_at_once(name):
    read = loaded(name)
    together = threading.Barrier(2)  # so that two passes are under way at the same time

    def meet(_) -> None:
        if threading.current_thread() is not threading.main_thread():
            together.wait(timeout=30)

    passes = Passes(read, meet)
    batches = Batches(read, batch=3)
    require_as_alone(list(batches(GIVEN)), name)
    assert passes.most == 2
    assert len(passes.elsewhere) == 6  # 20 texts: one alone, two with it, and six batches
    assert (batches.apart, batches.changes, batches.padded) == (None, False, True)


def test_with_one_thread_nothing_runs_beside(monkeypatch):
    monkeypatch.setattr(trace_texts, "runs_beside", runs_beside)
    assert torch.get_num_threads() == 1  # of tiny_models
    read = loaded()
    passes = Passes(read)
    require_as_alone(list(Batches(read, batch=3)(GIVEN)))
    assert (passes.most, passes.elsewhere) == (1, [])


def test_threads_and_limits_are_as_they_were():
    before = threading.active_count(), torch.get_num_threads()
    read = loaded()
    list(Batches(read, batch=3)(GIVEN))
    assert (threading.active_count(), torch.get_num_threads()) == before
    assert read.model.config._attn_implementation == "sdpa"


def test_what_is_made_of_a_trace_is_made_where_its_text_ran():
    read, made = loaded(), []
    passes = Passes(read)
    list(Batches(read, batch=3, then=lambda one: made.append((threading.get_ident(), len(one.tokens))))(GIVEN))
    assert len(made) == len(TEXTS)
    assert {thread for thread, _ in made} >= {thread for thread, _ in passes.seen[3:]}


def by_the_length(read: Model) -> None:
    """The model keeps the length of its text, waits, and reads it again: of two passes at once one reads that of the other."""
    embedding = read.model.model.embed_tokens

    def forward(ids: torch.Tensor) -> torch.Tensor:
        embedding.longest = ids.shape[1]
        time.sleep(0.002)
        return torch.nn.functional.embedding(ids, embedding.weight) * (1 + 0.05 * embedding.longest)

    embedding.longest = 0
    embedding.forward = forward


def by_a_table(read: Model) -> None:
    """The model makes its table of positions anew for each length, as a buffer."""
    embedding = read.model.model.embed_tokens
    embedding.register_buffer("table", torch.zeros(0))

    def forward(ids: torch.Tensor) -> torch.Tensor:
        if len(embedding.table) != ids.shape[1]:
            embedding.register_buffer("table", torch.arange(1, ids.shape[1] + 1) / ids.shape[1])
        time.sleep(0.002)
        return torch.nn.functional.embedding(ids, embedding.weight) + embedding.table[:, None]

    embedding.forward = forward


def by_a_table_of_one_size(read: Model) -> None:
    """The same, written into one buffer."""
    embedding = read.model.model.embed_tokens
    embedding.register_buffer("table", torch.zeros(64))

    def forward(ids: torch.Tensor) -> torch.Tensor:
        embedding.table.copy_(torch.arange(1, 65) / ids.shape[1])
        time.sleep(0.002)
        return torch.nn.functional.embedding(ids, embedding.weight) + embedding.table[: ids.shape[1], None]

    embedding.forward = forward


@pytest.mark.parametrize("changing", [by_the_length, by_a_table, by_a_table_of_one_size])
@pytest.mark.some(2)
def test_a_model_that_changes_as_it_runs_gives_what_it_gives_alone(changing):
    expected_of, read = loaded(), loaded()
    changing(expected_of)
    changing(read)
    passes = Passes(read)
    batches = Batches(read, batch=3)
    answers = [*batches(GIVEN)]
    for (_, mine), text in zip(answers, TEXTS, strict=True):
        for one, other in zip(mine.layers, trace(expected_of, text).layers, strict=True):
            torch.testing.assert_close(one.steps().weights, other.steps().weights, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(one.value, other.value, rtol=1e-5, atol=1e-5)
    assert batches.changes
    passes.most = 0
    passes.seen.clear()
    list(batches(GIVEN))
    assert (passes.most, passes.elsewhere) == (1, [])


def test_a_text_that_the_model_refuses_beside_others_tells_its_own_error():
    read = loaded()
    bad = tokenizer()(TEXTS[14])["input_ids"]

    def refuse(ids) -> None:
        for row in ids.tolist():
            if row[: len(bad)] == bad:
                raise ValueError("this one I do not read")

    passes = Passes(read, refuse)
    batches = Batches(read, batch=3)
    answers = dict(batches(GIVEN))
    assert list(answers) == list(range(len(TEXTS)))
    failed = {number: str(one) for number, one in answers.items() if isinstance(one, AttnvizError)}
    assert failed == {14: "LlamaForCausalLM cannot read this: this one I do not read"}
    others = [place for place in range(len(TEXTS)) if place != 14]
    kept = [(place, answers[number]) for place, number in enumerate(others)]
    require_as_alone(kept, texts=[TEXTS[place] for place in others])
    assert passes.elsewhere
    assert batches.apart is None  # the others run together as before


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")], ids=lambda error: type(error).__name__
)
def test_a_pass_that_lacks_memory_beside_another_runs_alone_and_is_halved_if_that_does_not_do(error):
    read = loaded()

    def small(ids) -> None:
        if threading.current_thread() is not threading.main_thread() or len(ids) > 3:
            raise error

    passes = Passes(read, small)
    batches = Batches(read, batch=6)
    require_as_alone(list(batches(GIVEN)))
    assert passes.elsewhere
    assert batches.apart is None
    assert batches.at_once.fits < float("inf")


def test_what_no_other_text_would_do_better_is_raised_from_any_thread():
    def refuse(one):
        if threading.current_thread() is not threading.main_thread():
            raise ChoiceError("there is no head 9", "there are 4")
        return one

    with pytest.raises(ChoiceError, match="there is no head 9"):
        list(Batches(loaded(), batch=3, then=refuse)(GIVEN))


def test_what_cannot_be_made_of_a_trace_is_the_answer_to_its_text():
    def refuse(one):
        if len(one.tokens) == 1:
            raise AttnvizError("too short")
        return len(one.tokens)

    answers = [answer for _, answer in Batches(loaded(), batch=3, then=refuse)(GIVEN)]
    expected = [len(alone("Llama", text).tokens) for text in TEXTS]
    assert [str(answer) for answer in answers] == [str(n) if n > 1 else "too short" for n in expected]


def test_an_error_that_nobody_expects_is_not_swallowed():
    def fails(one):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a fault of ours")
        return one

    with pytest.raises(RuntimeError, match="a fault of ours"):
        list(Batches(loaded(), batch=3, then=fails)(GIVEN))


def test_ctrl_c_while_batches_run_beside_each_other_ends_soon_and_what_is_done_comes_first():
    read, came = loaded(), []
    before = threading.active_count()
    ran = threading.Event()

    def slow(_) -> None:
        if threading.current_thread() is threading.main_thread():
            return
        if not ran.is_set() and len(passes.elsewhere) == 3:
            ran.set()
            signal.raise_signal(signal.SIGINT)  # which the main thread is told, as it waits
        if ran.is_set():
            time.sleep(0.05)

    passes = Passes(read, slow)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        came.extend(Batches(read, batch=2).window([*enumerate(Given(text) for text in MANY)]))
    assert time.monotonic() - began < 20
    assert threading.active_count() == before
    assert torch.get_num_threads() == 1
    assert len(passes.elsewhere) <= 5  # those that had begun, and no more
    numbers = [number for number, _ in came]
    assert numbers == sorted(numbers)
    assert 3 <= len(numbers) < len(TEXTS) * 10  # the batches before are done
    require_as_alone([(place, one) for place, (_, one) in enumerate(came)], texts=[MANY[n] for n in numbers])
    list(Batches(read, batch=2)(GIVEN[:3]))  # the model can be watched again
