"""What Python gets: the map, the shares, and both handed on."""

import json

import numpy
import pytest
from followed_traces import layered
from rich.console import Console

import attnviz

FOUND = attnviz.across(layered(2, 4, "causal"), "rollout", query="w2")


def test_the_map_and_the_shares_are_arrays():
    assert FOUND.values.shape == (2, 4)
    assert numpy.allclose(FOUND.values[-1], FOUND.shares)
    assert FOUND.shares[3] == -numpy.inf
    assert FOUND.error == 0


def test_the_records_hold_the_shares():
    assert [(one["position"], one["token"]) for one in FOUND.records] == list(enumerate(["w0", "w1", "w2", "w3"]))
    assert [one["share"] for one in FOUND.records] == [*FOUND.shares[:3].tolist(), None]


def test_both_are_data_for_scripts():
    assert json.loads(FOUND.to_json())["shares"] == FOUND.records
    assert json.loads(FOUND.map_json())["values"][1][:3] == FOUND.values[1, :3].tolist()
    assert FOUND.to_csv().splitlines()[0] == "position,token,share"
    assert FOUND.map_csv().splitlines()[0] == "layer,query,key,value,query_token,key_token"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_they_become_a_data_frame(library):
    pytest.importorskip(library, reason=f"{library} is not installed")
    frame = getattr(FOUND, f"to_{library}")()
    assert list(frame.columns) == ["position", "token", "share"]
    assert len(frame) == 4


def test_it_prints_as_the_table_in_colour_too():
    assert str(FOUND).splitlines()[0] == "Attention rollout, layers 1 to 0, mean of 4 heads, residual 0.5"
    console = Console(width=80, record=True)
    console.print(FOUND)
    assert console.export_text().startswith("Attention rollout")


def test_its_short_form_says_what_it_is():
    assert repr(FOUND) == "AcrossLayers(rollout through 2 layers; print() shows each token's share)"
