"""The hint for wrong usage says what helps."""

import pytest
from command_line import attnviz, done, problem


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("explain", "--nope"), "attnviz explain --help"),
        (("explain", "--nope=a b"), "attnviz explain --help"),
        (("explain", "-z"), "attnviz explain --help"),
        (("explain", "a", "-o"), "attnviz explain --help"),
        (("nope",), "attnviz --help"),
        (("explain", "two", "words"), 'put the text in quotes: attnviz explain "…"'),
        (("explain", "--causal", "two", "words"), 'put the text in quotes: attnviz explain "…"'),
        (("explain", "--title", "true", "a", "b"), "attnviz explain --help"),
        (("heatmap", "--title", "true", "a", "b"), 'put the text in quotes: attnviz heatmap "…"'),
        (("explain", "--causal", "true", "a b"), "--causal takes no value"),
        (("explain", "a b", "--causal", "False"), "--causal takes no value"),
        (("heatmap", "--no-annotate", "yes", "a b"), "--no-annotate takes no value"),
        (("explain", "-q", "1", "a b"), "-q takes no value"),
        (("manual", "toy", "csv"), "one topic at a time: attnviz manual toy"),
        (("diagnose", "a.npz", "b.npz"), "one file at a time: attnviz diagnose FILE"),
    ],
)
def test_the_hint_for_wrong_usage(arguments, hint):
    result = attnviz(*arguments)
    problem(result, 2)
    assert result.stderr.splitlines()[1:] == [f"attnviz: hint: {hint}"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-5 degrees", "-5 degrees"),
        ("-5", "-5"),
        ("- one thing", "- one thing"),
        ("--5", "--5"),
        ("--nope is a text", "--nope is a text"),
        ("-z is a letter", "-z is a letter"),
        ("-5 $HOME", "-…"),
        ("-5 \x1b[31m", "-…"),
        ("-5" + " and on" * 20, "-…"),
    ],
)
def test_a_text_that_begins_with_a_dash(text, shown):
    result = attnviz("explain", text)
    problem(result, 2)
    expected = f'put -- before a text that begins with a dash: attnviz explain -- "{shown}"'
    assert result.stderr.splitlines()[1:] == [f"attnviz: hint: {expected}"]
    assert done("explain", "--", text).lines
