"""Where a mistake is, told from the rows that depart."""

import numpy

from attnviz.analysis.diagnosis.recipe import View
from attnviz.analysis.diagnosis.regions import Region, ranges_of, region_of, some_of

VIEW = View(numpy.arange(2), numpy.arange(3), numpy.arange(8))


def fine(*places):
    rows = numpy.ones((2, 3, 8), bool)
    for place in places:
        rows[place] = False
    return rows


ALL = numpy.ones((2, 3, 8), bool)
NONE = ~ALL


def test_all_of_it():
    assert region_of(NONE, ALL, VIEW) == Region()
    assert Region().is_whole


def test_a_row_that_stays_unexplained_speaks_against_it():
    assert region_of(NONE, fine((0, 0, 0)), VIEW) is None


def test_one_head_of_one_item():
    meant = fine((1, 2))
    assert region_of(meant, ~meant, VIEW) == Region(items=(1,), heads=(2,))


def test_a_block_of_queries():
    meant = fine((slice(None), slice(None), slice(2, 5)))
    assert region_of(meant, ~meant, VIEW) == Region(queries=(range(2, 5),))


def test_rows_between_that_cannot_tell_belong_to_the_block():
    meant = fine((slice(None), slice(None), [2, 4]))
    explained = ~meant
    explained[:, :, 3] = True
    assert region_of(meant, explained, VIEW) == Region(queries=(range(2, 5),))


def test_scattered_rows_are_no_region():
    meant = fine((0, 0), (1, 1))
    assert region_of(meant, ~meant, VIEW) is None
    wide = View(numpy.arange(1), numpy.arange(1), numpy.arange(12))
    every_other = (numpy.arange(12) % 2 == 0)[None, None]
    assert region_of(every_other, ~every_other, wide) is None


def test_what_is_chosen_is_named():
    assert ranges_of(numpy.array([True, True, False, True]), numpy.arange(4)) == (range(2), range(3, 4))
    assert ranges_of(numpy.ones(3, bool), numpy.arange(3)) == "all"
    assert some_of(numpy.array([False, True]), numpy.arange(2)) == (1,)
    assert some_of(numpy.ones(2, bool), numpy.arange(2)) == "all"
