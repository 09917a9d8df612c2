"""A chapter as HTML."""

MARKDOWN = """# A <b>

One **word**.

## Inside

--- question

Which?

--- answer

This.

--- next

```sh
attnviz explain {text}
```

```python
a = 1
```
"""


def test_the_answer_is_folded_and_the_program_left_out(lesson):
    assert lesson(MARKDOWN, "a b")._repr_html_().splitlines() == [
        "<h2>1 · A &lt;b&gt;</h2>",
        "<p>One <strong>word</strong>.</p>",
        "<h3>Inside</h3>",
        "<h3>Question</h3>",
        "<p>Which?</p>",
        "<details><summary>Answer</summary>",
        "<p>This.</p>",
        "</details>",
        "<h3>Go on</h3>",
        "<pre>attnviz explain &quot;a b&quot;</pre>",
    ]


def test_an_answer_ends_at_a_screen_a_heading_or_the_end(lesson):
    folded = "# A\n\n--- answer\n\nThis.\n"
    for after in ("\n---\n\nMore.\n", "\n## More\n", ""):
        html = lesson(folded + after)._repr_html_()
        assert html.count("<details>") == html.count("</details>") == 1
        assert html.index("</details>") > html.index("This.")
        assert "More" not in html.partition("</details>")[0]


def test_a_computed_block_stands_in_its_place(lesson):
    block = "```computed worked\nvectors: v\nproducts: p\ndot: d\nangle: a\n```\n"
    html = lesson(f"# A\n\n{block}\n```formula\na < b\n```\n")._repr_html_()
    assert html.index("<td>14</td>") < html.index("<pre>a &lt; b</pre>")
