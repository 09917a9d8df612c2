"""The one error: its message, its hint, and the code that the program exits with."""

from __future__ import annotations

import signal

import pytest

from attnviz import errors
from attnviz.errors import AttnvizError, ChoiceError, UsageError


@pytest.mark.parametrize(("kind", "code"), [(AttnvizError, 1), (ChoiceError, 1), (UsageError, 2)])
def test_an_error_says_what_is_wrong_and_what_to_do(kind, code):
    error = kind("what came", "what to do")
    assert (str(error), error.message, error.hint, error.exit_code) == ("what came", "what came", "what to do", code)
    assert kind("alone").hint == ""
    assert isinstance(error, AttnvizError)


def test_the_exit_codes_are_those_of_a_shell():
    assert (errors.DONE, errors.FAILED, errors.USAGE) == (0, 1, 2)
    assert (errors.INTERRUPTED, errors.TERMINATED) == (128 + signal.SIGINT, 128 + signal.SIGTERM)
