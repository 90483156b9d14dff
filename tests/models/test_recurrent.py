import pytest
import torch

from spacy_absa.models.torch.charlm import CharStates, NextCharHead
from spacy_absa.models.torch.recurrent import BiGRUEncoder, TwoWayGRU, reverse_within_lengths
from spacy_absa.models.torch.training import TrainingGRU


def test_sequences_turn_and_padding_stays():
    x = torch.tensor([[1, 5], [2, 6], [3, 0], [4, 0]])
    lengths = torch.tensor([4, 2])
    turned = reverse_within_lengths(x, lengths)
    assert turned.tolist() == [[4, 6], [3, 5], [2, 0], [1, 0]]
    assert torch.equal(reverse_within_lengths(turned, lengths), x)


@pytest.mark.parametrize("with_gradients", [True, False])
def test_the_two_ways_equal_a_packed_bidirectional_gru(with_gradients):
    torch.manual_seed(0)
    ours, reference = TwoWayGRU(3, 4), torch.nn.GRU(3, 4, bidirectional=True)
    for name, weights in reference.named_parameters():
        way = ours.backwards if name.endswith("_reverse") else ours.forwards
        weights.data = getattr(way, name.removesuffix("_reverse")).data
    x, lengths = torch.randn(7, 3, 3), torch.tensor([4, 7, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(reference(packed)[0])
    with torch.set_grad_enabled(with_gradients):
        output = ours(x, lengths)
    for column, length in enumerate(lengths):
        assert torch.allclose(output[:length, column], expected[:length, column], atol=1e-6)


@pytest.mark.parametrize("with_gradients", [True, False])
def test_padding_reaches_nothing(with_gradients):
    torch.manual_seed(0)
    encoder = BiGRUEncoder(n_in=3, width=4, depth=2).eval()
    x, lengths = torch.randn(6, 2, 3), torch.tensor([6, 3])
    other = x.clone()
    other[3:, 1] = 99.0
    with torch.set_grad_enabled(with_gradients):
        first, second = encoder(x, lengths, 0.5), encoder(other, lengths, 0.5)
    assert torch.equal(first[:, 0], second[:, 0])
    assert torch.equal(first[:3, 1], second[:3, 1])


def test_locked_dropout_is_one_mask_for_all_steps():
    torch.manual_seed(0)
    encoder = BiGRUEncoder(n_in=2, width=50, depth=1).train()
    dropped = encoder(torch.randn(5, 1, 2), torch.tensor([5]), 0.5)[:, 0] == 0
    assert (dropped == dropped[0]).all()
    assert 20 < dropped[0].sum() < 80


@pytest.mark.parametrize("n_symbols", [4, 300, 1500])
def test_the_adaptive_softmax_is_normalised(n_symbols):
    torch.manual_seed(0)
    head = NextCharHead(n_symbols, width=8).eval()
    states = torch.randn(3, 8)
    assert torch.allclose(head.softmax.log_prob(states).exp().sum(dim=1), torch.ones(3), atol=1e-5)


def test_surprise_stands_where_its_symbol_stands_and_padding_is_0():
    torch.manual_seed(0)
    states = CharStates(n_symbols=9, vector_width=4, width=5).eval()
    head = NextCharHead(n_symbols=9, width=5).eval()
    symbols = torch.tensor([[0, 0], [3, 4], [5, 0], [0, 0]])
    lengths = torch.tensor([4, 3])
    context = states(symbols, lengths)
    nll = head(context, symbols, lengths, 0.0)
    log_prob = head.softmax.log_prob(context[:, 0].reshape(-1, 5))
    from_left, from_right = log_prob[::2], log_prob[1::2]  # rows alternate between the two ways
    for t in range(3):
        assert nll[t, 0, 0].item() == pytest.approx(-from_left[t, symbols[t + 1, 0]].item())
        assert nll[t, 0, 1].item() == pytest.approx(-from_right[t + 1, symbols[t, 0]].item())
    assert nll[2, 1].tolist() == [0, 0]


@pytest.mark.parametrize("dtype, share", [(torch.bfloat16, 0.01), (torch.float32, 1e-6)])
def test_states_and_gradients_differ_from_those_of_torch_by_what_products_round(dtype, share):
    torch.manual_seed(0)
    gru = torch.nn.GRU(24, 32)
    x, pull = torch.randn(9, 5, 24, requires_grad=True), torch.randn(9, 5, 32)
    weights = gru.all_weights[0]
    states = gru(x)[0]
    expected = torch.autograd.grad((states * pull).sum(), [x, *weights])
    own = TrainingGRU.apply(dtype, x, *weights)
    found = torch.autograd.grad((own * pull).sum(), [x, *weights])
    for ours, theirs in zip((own, *found), (states, *expected), strict=True):
        assert ours.dtype == torch.float32
        assert 0 < (ours - theirs).norm() < share * theirs.norm()
