"""roles() of Python."""

from __future__ import annotations

import inspect
from typing import get_type_hints

import pytest

import attnviz
from attnviz import AttnvizError
from attnviz.cli.commands.roles import roles as command
from attnviz.cli.options.engine import DeviceOptions
from attnviz.cli.options.roles import AskedModelOptions, RolesOptions
from attnviz.trace.asking import ROLES


def test_tiny_is_asked_where_no_model_is_named():
    found = attnviz.roles(cases=6)
    assert (found.model, found.cases, found.seed) == ("tiny", 6, 0)
    assert [one.role for one in found.roles] == list(ROLES)
    assert found == attnviz.roles("tiny", cases=6)
    assert found != attnviz.roles(cases=6, seed=1)


def test_it_prints_in_the_language_that_is_asked_for():
    from attnviz.choices import Language
    from attnviz.renderers.roles.role_table import to_renderable
    from attnviz.renderers.shared.plain import plain
    from attnviz.text.lessons import lessons

    found = attnviz.roles(cases=6, language="vi")
    assert str(found) == plain(to_renderable(found, lessons(Language.VI)))
    assert "Vị trí: từ đứng ngay trước" in str(found)
    assert str(attnviz.roles(cases=6)) == plain(to_renderable(found, lessons(Language.EN)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cases": 0}, "cases is 0: expected a whole number"),
        ({"cases": 1.5}, "cases is 1.5: expected a whole number"),
        ({"seed": -1}, "seed is -1: expected a whole number"),
        ({"language": "fr"}, "language is 'fr': expected"),
    ],
)
def test_what_is_out_of_range_is_told(given, message):
    with pytest.raises(AttnvizError, match=message):
        attnviz.roles(**given)


def test_another_model_takes_fewer_questions(monkeypatch):
    from made_roles import EACH_ITS_OWN, MadeAnswering

    from attnviz.sources import answering

    monkeypatch.setattr(answering, "answering", lambda *_, **__: MadeAnswering(EACH_ITS_OWN))
    assert attnviz.roles("some/id").cases == 100


def test_it_has_the_names_and_the_defaults_of_its_command():
    groups = (AskedModelOptions, RolesOptions, DeviceOptions)
    options = {
        field: getattr(group, field)
        for group in groups
        for base in group.__mro__[:-1]
        for field in vars(base).get("__annotations__", {})
    }
    parameters = inspect.signature(attnviz.roles).parameters
    defaults = {parameter.name: parameter.default for parameter in parameters.values()}
    assert options.keys() - defaults.keys() == {"lang", "output", "format"}  # how it is shown, and where it goes
    assert defaults.pop("language") == options["lang"].value  # its name in Python
    assert defaults == {name: options[name] for name in defaults}
    assert set(groups) <= set(get_type_hints(command).values())
