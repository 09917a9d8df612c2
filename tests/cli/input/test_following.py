"""From options to how attention is followed."""

import pytest

from attnviz.analysis.across.following import Following
from attnviz.choices import RESIDUAL, Across, HeadsAs
from attnviz.cli.input.following import following_of, refuse_beside
from attnviz.cli.options.across import AcrossOptions
from attnviz.errors import UsageError


def test_without_across_nothing_is_followed():
    assert following_of(AcrossOptions()) is None


def test_what_is_not_given_is_as_the_paper_has_it():
    assert following_of(AcrossOptions(across=Across.FLOW)) == Following(Across.FLOW, HeadsAs.MEAN, RESIDUAL)
    given = AcrossOptions(across=Across.ROLLOUT, heads_as=HeadsAs.MAX, residual=0.0)
    assert following_of(given) == Following(Across.ROLLOUT, HeadsAs.MAX, 0.0)


@pytest.mark.parametrize(
    ("options", "name"), [({"heads_as": HeadsAs.MAX}, "heads-as"), ({"residual": 0.0}, "residual")]
)
def test_how_without_across_is_refused(options, name):
    with pytest.raises(UsageError, match=f"--{name} is for --across"):
        following_of(AcrossOptions(**options))


def test_what_has_no_place_there_is_refused():
    refuse_beside({"--a": False})
    with pytest.raises(UsageError, match="and --b has no place there"):
        refuse_beside({"--a": False, "--b": True})
