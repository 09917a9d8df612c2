"""The toy's vectors: the textbook's, and drawn ones that never change."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy
import pytest
from numpy.testing import assert_array_equal

from attnviz.api import trace_text
from attnviz.sources.toy.vectors import TEXTBOOK, drawn_matrix

SENTENCE = "The cat sat on the mat because it was tired of all those loud dogs"


def embeddings(text: str, **options: object) -> numpy.ndarray:
    return trace_text(text, **options).layers[0].embeddings


def test_the_textbooks_words_have_its_vectors_in_three_dimensions_alone():
    assert_array_equal(embeddings("starts your JOURNEY"), [TEXTBOOK["starts"], TEXTBOOK["your"], TEXTBOOK["journey"]])
    wide = embeddings("starts your journey", dim=4)
    assert len(numpy.unique(wide, axis=0)) == 3


@pytest.mark.parametrize("dim", [1, 3, 4, 17])
def test_the_same_token_has_the_same_vector_in_any_case_and_text(dim):
    vectors = embeddings("The the THE cat", dim=dim)
    assert_array_equal(vectors[0], vectors[1])
    assert_array_equal(vectors[0], vectors[2])
    assert_array_equal(vectors[3], embeddings("a Cat !", dim=dim)[1])
    assert vectors[0].tolist() != vectors[3].tolist()


def test_the_seed_changes_every_drawn_number():
    assert embeddings("cat dog", seed=1).tolist() != embeddings("cat dog", seed=2).tolist()
    assert drawn_matrix("query", 4, 1).tolist() != drawn_matrix("query", 4, 2).tolist()
    assert drawn_matrix("query", 4, 1).tolist() != drawn_matrix("key", 4, 1).tolist()


def test_numbers_are_short_enough_to_compute_by_hand():
    vectors, matrix = embeddings(SENTENCE, dim=50), drawn_matrix("query", 12, 0)
    assert_array_equal(vectors, vectors.round(1))
    assert_array_equal(matrix, matrix.round(2))
    for array in (vectors, matrix):
        assert not numpy.signbit(array[array == 0]).any()


def test_drawn_numbers_are_normal():
    vectors = embeddings(SENTENCE, dim=400)
    assert abs(vectors.mean()) < 0.05
    assert 0.95 < vectors.std() < 1.05
    assert 0.66 < (abs(vectors) <= 1).mean() < 0.72


def test_another_process_draws_the_same_numbers():
    program = "import attnviz; print(attnviz.trace_text('a ế', heads=2, seed=5).layers[0].steps().output.tolist())"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    printed = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True).stdout
    assert json.loads(printed) == trace_text("a ế", heads=2, seed=5).layers[0].steps().output.tolist()
