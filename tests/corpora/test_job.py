"""A job is plain data, and its worker measures what attnviz.stats measures."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy
import pytest
from corpora import TINY, corpus, numbers

import attnviz
from attnviz.corpora.job import Job
from attnviz.errors import AttnvizError, ChoiceError
from attnviz.sources.texts.corpus import CorpusText, Unread

TEXTS = corpus(6)


@pytest.mark.parametrize(
    ("job", "call"),
    [
        (TINY, {"model": "tiny", "layer": 0}),
        (Job(model="tiny", head=("1",), words=True), {"model": "tiny", "head": 1, "words": True}),
        (Job(making={"heads": 2, "causal": True}), {"heads": 2, "causal": True}),
        (Job(making={"heads": 2}, query="@1", key="0:2"), {"heads": 2, "query": "@1", "key": "0:2"}),
        (Job(computed=("numpy", None, "float32")), {}),
        (Job(making={"heads": 2, "project": True}, toward="@output", measured={"step": "contribution"}),
         {"heads": 2, "project": True, "toward": "@output", "step": "contribution"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_worker_finds_what_a_call_finds(job, call):
    from attnviz.choices import MeasuredStep

    if "step" in job.measured:
        job = Job(**{**vars(job), "measured": {"step": MeasuredStep.CONTRIBUTION}})
    found = attnviz.stats([text.text for text in TEXTS], **call).statistics
    made = pickle.loads(pickle.dumps(job)).worker()(TEXTS)
    close = 1e-6 if job.computed else 1e-12
    numpy.testing.assert_allclose(numbers(made), numbers(found), rtol=0, atol=close)
    assert (made.texts, made.tokens) == (found.texts, found.tokens)


def test_what_a_worker_has_read_before_changes_no_bit(model_folder, two_lanes):  # noqa: ARG001
    """A shard is measured again where a worker has ended: by another, which has read others."""
    job, texts = Job(model=str(model_folder)), corpus(40)
    used, first = job.worker(), job.worker()
    used(texts[:20])
    assert used(texts[20:]).to_bytes() == first(texts[20:]).to_bytes()


def test_a_text_that_cannot_be_measured_is_skipped_and_named():
    texts = [*TEXTS[:2], Unread(3, "line 3", AttnvizError("it holds no word")), CorpusText(4, "line 4", " ")]
    made = TINY.worker()(texts)
    assert (made.texts, made.skipped) == (2, 2)
    assert [name for reason in made.left_out_texts.reasons for name in reason.names] == ["line 3", "line 4"]


def test_what_no_other_text_would_do_better_is_raised():
    with pytest.raises(ChoiceError):
        Job(model="tiny", layer=("99",)).worker()(TEXTS)


def test_a_library_that_is_missing_is_told_before_any_text_is_measured(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(AttnvizError, match="datasketches"):
        Job(measured={"quantiles": (0.5,)}).statistics()


def test_an_error_reaches_another_process_as_it_is():
    error = pickle.loads(pickle.dumps(AttnvizError("there are {n} heads", "give {n}", n=3)))
    assert (str(error), error.message.template, error.hint) == ("there are 3 heads", "there are {n} heads", "give 3")


def test_all_that_decides_the_numbers_is_in_its_name():
    jobs = [
        TINY,
        Job(),
        Job(model="tiny"),
        Job(making={"seed": 1}),
        Job(head=("1",)),
        Job(query=range(2)),
        Job(query=range(3)),
        Job(words=True),
        Job(toward="@output"),
        Job(measured={"thresholds": {"induction": 0.4}}),
        Job(computed=("torch", None, None)),
    ]
    assert len({job.name for job in jobs}) == len(jobs)
    assert Job(making={"a": 1, "b": Path("x")}).options == Job(making={"b": Path("x"), "a": 1}).options


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_each_number_of_an_array_is_in_its_name(library):
    """str() leaves out the middle of a long array, and digits of each number."""
    plain = numpy.ones((100, 30))
    other, close = plain.copy(), plain.copy()
    other[50, 15], close[0, 0] = 2, 1 + 1e-12
    asked = [plain, other, close, plain.reshape(30, 100), plain.astype("float32")]
    if library == "torch":
        import torch

        asked = [*map(torch.from_numpy, asked), torch.ones((100, 30), dtype=torch.bfloat16)]
    jobs = [Job(making={"embeddings": {"a": array}}) for array in asked]
    assert len({job.name for job in jobs}) == len(jobs)
    assert jobs[0].name == Job(making={"embeddings": {"a": asked[0].reshape(100, 30)}}).name


def test_another_version_of_attnviz_is_another_job(monkeypatch):
    before = TINY.name
    monkeypatch.setattr(attnviz, "__version__", "99")
    assert TINY.name != before
