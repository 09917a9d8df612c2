"""From options to how attention is followed."""

import pytest

import attnviz
from attnviz.analysis.across.following import Following
from attnviz.choices import RESIDUAL, Across, HeadsAs
from attnviz.cli.input.following import following_of, refuse_beside, words_across
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.selection import PartOptions, WordsOptions
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


def test_words_of_chosen_layers_are_one_layer_of_words(capsys):
    trace = attnviz.trace_text("one step", tokenizer="char", heads=2)
    part, following = PartOptions(layer=["0"], head=["1"]), following_of(AcrossOptions(across=Across.ROLLOUT))
    assert words_across(trace, WordsOptions(), part, following) == (trace, part, following)
    merged, chosen, merging = words_across(trace, WordsOptions(words=True), part, following)
    assert (len(merged.tokens), chosen.layer, chosen.head) == (3, (), ())
    assert merging.merging.way.heads == ((1,),)
    assert capsys.readouterr().err == ""
    words_across(attnviz.trace_text("one step"), WordsOptions(words=True), PartOptions(), following)
    assert "every token is a word by itself" in capsys.readouterr().err
