"""The rows of each text, as Python asks for them: a file that is whole, or is not there."""

from __future__ import annotations

import numpy
import pytest

from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.api.by_text import rows_written
from attnviz.choices import Effect
from attnviz.errors import AttnvizError

ROWS = TextRows("a", 2, (MeasuredLayer("layer 0", 0, (0,), numpy.array([[0.5], [numpy.nan], [0.25]])),))


def test_rows_are_written_when_the_block_ends_well(tmp_path):
    path = tmp_path / "rows.csv"
    with rows_written(path, Effect) as write:
        write(ROWS)
        assert not path.exists()
    assert path.read_text() == "text,tokens,layer,name,head,loss,probability,kl\na,2,0,layer 0,0,0.5,,0.25\n"


def test_nothing_is_written_where_it_does_not_or_where_nobody_asks(tmp_path):
    def failing():
        with rows_written(tmp_path / "rows.csv", Effect) as write:
            write(ROWS)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    with rows_written(None, Effect) as write:
        write(ROWS)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("path", "message"), [(3, "by_text is 3: expected a path"), ("a.txt", "its suffix is not one of")]
)
def test_what_is_no_such_file_is_refused(path, message):
    with pytest.raises(AttnvizError, match=message), rows_written(path, Effect):
        pass
