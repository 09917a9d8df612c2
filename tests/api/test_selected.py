import numpy
import pytest

from attnviz import AttnvizError, trace_model, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.api.selected import along, by_weights_alone, in_words, require_contribution, selected, shown
from attnviz.choices import MeasuredStep, Step


def test_arguments_of_python_choose_what_the_command_line_chooses():
    trace = trace_text("Your journey starts", heads=2)
    chosen = selected(trace, 0, [1], range(1, 3), 2, False, [Step.WEIGHTS])
    [layer] = chosen.layers
    assert (layer.heads, list(layer.query_positions), layer.key, chosen.steps) == ((1,), [1, 2], 2, (Step.WEIGHTS,))


def test_a_table_shows_the_first_layer_where_none_is_named():
    trace = trace_model("tiny", "the dogs")
    assert shown(trace, ()) == "0"
    for layer in (1, "1", [1], "all"):
        assert shown(trace, layer) == layer


def test_words_are_merged_where_they_are_asked_for():
    trace = trace_text("one step", tokenizer="char")
    assert in_words(trace, False, ()) is trace
    assert in_words(trace, True, (), ["weights"]).tokens == ("one", " ", "step")
    with pytest.raises(AttnvizError, match="scores cannot be shown of words"):
        in_words(trace, True, (), ["scores"])


def test_contributions_are_measured_along_what_is_asked_for():
    trace = trace_text("a b c", heads=2)
    assert along(trace, None) is trace
    assert all(layer.toward.is_output for layer in along(trace, "@output").layers)
    with pytest.raises(AttnvizError, match="direction"):
        along(trace, "b")


def test_a_direction_is_refused_where_nothing_is_measured_along_it():
    trace = trace_text("a b c", heads=2)
    require_contribution(None, ["weights"])
    require_contribution("@output", ["weights", "summed"])
    for look in (trace.heatmap, trace.explain, trace.to_json, trace.to_csv, trace.stats):
        with pytest.raises(AttnvizError, match="toward is of contributions"):
            look(toward="@output")
        assert look(toward="@output", step="contribution")


@pytest.mark.parametrize("nothing", [(), (None, False, (), [])], ids=["no option", "options that are not given"])
def test_weights_alone_will_do_where_all_heads_and_tokens_are_measured(nothing):
    statistics = Statistics()
    assert by_weights_alone(statistics, *nothing) == statistics.together
    assert by_weights_alone(Statistics(step=MeasuredStep.CONTRIBUTION), *nothing) is None
    assert by_weights_alone(Statistics(step=MeasuredStep.SUMMED), *nothing) is None


@pytest.mark.parametrize(
    "given", [0, "0", True, range(1), ["0"], ("numpy",), "@output", numpy.arange(2), numpy.int64(0)], ids=repr
)
def test_what_is_asked_for_in_part_needs_more_than_weights(given):
    assert by_weights_alone(Statistics(), None, given, False) is None
