"""The tiny model in torch: causal, and with what its heads did told beside what it says (against NumPy: test_model.py)."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.letters import A_WORD, ROWS  # noqa: E402
from attnviz.sources.tiny.network import PRICED, Network, Shape  # noqa: E402

SHAPE = Shape(words=20, width=12, heads=3, positions=30, far=4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = Network(SHAPE).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return made


@pytest.fixture
def vectors():
    return torch.randn(8, 10, 12, dtype=torch.float64)


def test_a_word_is_its_own_vector_and_those_of_its_letters(network):
    spelled = torch.randint(0, ROWS, (2, A_WORD))
    known, unknown = network.vectors(torch.tensor([3, -1]), spelled)
    letters = network.spelling[spelled].sum(1)
    assert torch.allclose(known, network.own[3] + letters[0])
    assert torch.allclose(unknown, letters[1])


def test_what_comes_later_changes_nothing_before(network, vectors):
    first = torch.zeros(8, dtype=torch.long)
    logits, _ = network(vectors, first)
    changed = vectors.clone()
    changed[:, 6:] += 1
    others, _ = network(changed, first)
    assert torch.allclose(logits[:, :6], others[:, :6])
    assert not torch.allclose(logits[:, 6:], others[:, 6:])


def test_a_window_may_begin_anywhere_in_a_text(network, vectors):
    here, _ = network(vectors, torch.full((8,), 7))
    with torch.no_grad():
        network.positions[:10] = network.positions[7:17].clone()
    moved, _ = network(vectors, torch.zeros(8, dtype=torch.long))
    assert torch.allclose(here, moved)


def test_norms_and_entropies_are_told_for_each_head(network, vectors):
    _, watched = network(vectors, torch.zeros(8, dtype=torch.long))
    assert len(watched) == 2
    for one in watched:
        assert one.norms.shape == (8, 3, 10)
        assert one.entropy.shape == (8 // PRICED, 3, 10)
        assert (one.entropy >= 0).all()
        assert torch.allclose(one.entropy[:, :, 0], torch.zeros((), dtype=torch.float64))  # it sees itself alone
        assert (one.entropy <= torch.arange(1, 11).log() + 1e-9).all()


def test_a_head_that_is_not_heard_adds_nothing(network, vectors):
    first = torch.zeros(8, dtype=torch.long)
    heard = [torch.ones(8, 3, 10, dtype=torch.bool), torch.ones(8, 3, 10, dtype=torch.bool)]
    whole, _ = network(vectors, first, heard)
    assert torch.allclose(whole, network(vectors, first)[0])
    heard[1][:, 2] = False
    without, watched = network(vectors, first, heard)
    with torch.no_grad():
        network.layers[1].output[8:] = 0.0
    assert torch.allclose(without, network(vectors, first)[0])
    assert (watched[1].norms[:, 2] > 0.1).any()  # it is told what it would have said


def test_what_is_passed_on_second_hand_is_told_and_can_be_left_out(network, vectors):
    first, texts = torch.zeros(8, dtype=torch.long), torch.arange(8) < 4
    whole, watched = network(vectors, first)
    assert (watched[0].second_hand < 0.01).all()  # before the first layer nobody wrote
    assert (watched[1].second_hand > 0.1).any()
    alone, _ = network(vectors, first, first_hand=texts)
    assert torch.allclose(whole[4:], alone[4:])
    assert not torch.allclose(whole[:4], alone[:4])
    silent = [torch.zeros(8, 3, 10, dtype=torch.bool), torch.ones(8, 3, 10, dtype=torch.bool)]
    quiet, told = network(vectors, first, silent)
    assert (told[1].second_hand < 0.01).all()
    assert torch.allclose(quiet, network(vectors, first, silent, first_hand=texts)[0])


def test_all_numbers_are_learned(network, vectors):
    ids, spelled = torch.arange(20), torch.randint(0, ROWS, (20, A_WORD))
    logits, _ = network(vectors + network.vectors(ids, spelled)[:10], torch.zeros(8, dtype=torch.long))
    logits.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name
