"""Effects of heads by workers: what attnviz.stats finds in one process."""

from __future__ import annotations

import pickle

import numpy
import pytest
from corpora import corpus

import attnviz
from attnviz.choices import Ablation, Effect
from attnviz.corpora.effect_job import EffectJob
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.run import run
from attnviz.errors import AttnvizError, ChoiceError
from attnviz.sources.texts.corpus import CorpusText, Unread

TEXTS = corpus(5)


def values(statistics):
    return numpy.array(
        [[tuple(vars(head.values[one]).values()) for one in statistics.metrics] for head in statistics.heads()]
    )


@pytest.mark.parametrize(
    ("job", "options"),
    [
        ({}, {}),
        ({"answer": "cat", "head": ("1",), "measured": {"ablation": Ablation.ZERO}}, {"answer": "cat", "head": 1, "ablate": "zero"}),
    ],
)  # fmt: skip
def test_shards_are_what_one_process_finds(job, options, tmp_path):
    found = attnviz.stats([text.text for text in TEXTS], "tiny", metrics="effect", layer=0, **options).statistics
    work = pickle.loads(pickle.dumps(EffectJob(model="tiny", layer=("0",), **job)))
    for _ in range(2):
        made = run(work, TEXTS, in_this_process, state=tmp_path, size=2)
        numpy.testing.assert_allclose(values(made), values(found), rtol=0, atol=1e-12)
        assert (made.texts, made.tokens, made.answer) == (found.texts, found.tokens, found.answer)
        assert made.whole(Effect.LOSS).mean == pytest.approx(found.whole(Effect.LOSS).mean, abs=1e-12)


def test_a_text_that_cannot_be_measured_is_skipped_and_named():
    texts = [TEXTS[0], Unread(2, "line 2", AttnvizError("it holds no word")), CorpusText(3, "line 3", "a " * 500)]
    made = EffectJob(model="tiny", layer=("0",)).worker()(texts)
    assert (made.texts, [one.name for one in made.each_left_out]) == (1, ["line 2", "line 3"])


def test_rows_of_each_text_are_kept_where_they_are_asked_for():
    job = EffectJob(model="tiny", layer=("0",), by_text=True)
    made = job.opened(job.worker()(TEXTS).to_bytes(), "a")
    assert [rows.name for rows in made.rows] == [text.name for text in TEXTS]
    means = numpy.mean([rows.layers[0].values for rows in made.rows], axis=0)
    loss = [head.values[Effect.LOSS].mean for head in made.statistics.heads()]
    numpy.testing.assert_allclose(means[list(made.statistics.kept).index(Effect.LOSS)], loss, rtol=0, atol=1e-12)


def test_an_answer_that_no_model_knows_ends_it():
    with pytest.raises(ChoiceError, match="is not in the vocabulary"):
        EffectJob(model="tiny", answer="quux").worker()
