from attnviz import trace_text
from attnviz.api.selected import selected
from attnviz.choices import Step


def test_arguments_of_python_choose_what_the_command_line_chooses():
    trace = trace_text("Your journey starts", heads=2)
    chosen = selected(trace, 0, [1], range(1, 3), 2, False, [Step.WEIGHTS])
    [layer] = chosen.layers
    assert (layer.heads, list(layer.query_positions), layer.key, chosen.steps) == ((1,), [1, 2], 2, (Step.WEIGHTS,))
