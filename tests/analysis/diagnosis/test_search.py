"""Which mistakes explain an output, alone and together."""

from __future__ import annotations

import numpy
import pytest
from correct_attention import tf32
from diagnosed import asked, evidence_of
from planted_attention import attention, hiding, problem, with_problem

from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS
from attnviz.analysis.diagnosis.search import best, explanations, is_noise

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale"), False)
MEANT = problem(numpy.random.default_rng(1), causal=True, groups=True, **NOTHING)


def named(found):
    return [[one.name for one in explanation] for explanation in found.explanations]


def test_a_pair_is_told_as_both():
    tiled = attention(
        MEANT,
        MEANT.query,
        MEANT.key.repeat(1, 3, 1, 1),
        MEANT.value.repeat(1, 3, 1, 1),
        seen=hiding(MEANT, diagonal=-1),
    )
    assert named(asked(MEANT, tiled)) == [["causal-hides-self", "groups-tiled"]]


@pytest.mark.slow
def test_a_scale_that_is_found_may_be_one_of_them():
    found = asked(MEANT, attention(MEANT, scale=0.2345, seen=hiding(MEANT, diagonal=-1)))
    assert named(found) == [["causal-hides-self", "scale-value"]]
    assert found.mistakes[1].value == pytest.approx(0.2345, rel=1e-4)


def test_a_part_of_the_output_may_be_wrong_alone():
    output = attention(MEANT).clone()
    output[:, 2, 4:9] = with_problem(MEANT, causal=False)[:, 2, 4:9]
    (mistake,) = asked(MEANT, output).mistakes
    assert (mistake.name, mistake.heads, mistake.queries) == ("causal-missing", (2,), (range(4, 9),))


def test_an_output_that_says_nothing_is_given_no_name():
    found = asked(MEANT, attention(MEANT) * float("nan"))
    assert (found.verdict, found.mistakes) == ("unknown", ())


def test_what_flattens_weights_within_half_precision_is_not_named():
    evidence = evidence_of(MEANT, with_problem(MEANT, scale=1e-4))
    evidence.arithmetic = ARITHMETICS["bfloat16"]
    assert explanations(evidence) == []


def test_coarse_products_are_noise_and_a_single_number_is_not():
    evidence = evidence_of(MEANT, tf32(MEANT))
    evidence.arithmetic = ARITHMETICS["tf32"]
    assert is_noise(evidence.judged)
    output = attention(MEANT).clone()
    output[0, 0, 3, 0] += 1e-4
    odd = evidence_of(MEANT, output)
    odd.arithmetic = ARITHMETICS["tf32"]
    assert not is_noise(odd.judged)


def test_of_nothing_nothing_is_best():
    assert best([]) == []


def test_a_known_number_comes_before_one_that_is_found():
    evidence = evidence_of(MEANT, attention(MEANT, scale=1.0))
    assert [[one.name for one in found.named] for found in explanations(evidence)] == [["scale-missing"]]


def test_a_number_near_a_known_one_is_not_taken_for_it():
    """1/√32 where 1/√16 was meant: a factor of 0.707, beside ln 2 = 0.693."""
    found = asked(MEANT, attention(MEANT, scale=MEANT.factor * 2**-0.5 * (1 + 1e-3)))
    assert [one.name for one in found.mistakes] == ["scale-value"]
