import pytest
import torch

from spacy_absa.models.torch import int8
from spacy_absa.models.torch.recurrent import TwoWayGRU

N_IN, WIDTH = 24, 32


@pytest.fixture
def gru(kernels: str) -> TwoWayGRU:
    torch.manual_seed(0)
    return TwoWayGRU(N_IN, WIDTH, quantize=True).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(11, 5, N_IN, generator=generator), torch.tensor([7, 11, 1, 4, 11])


def in_floats(gru: TwoWayGRU, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    copy = TwoWayGRU(N_IN, WIDTH).eval()
    copy.load_state_dict(gru.state_dict())
    return copy(x, lengths)


@torch.no_grad()
def test_states_are_near_those_in_floats(gru: TwoWayGRU):
    states, expected = gru(*batch()), in_floats(gru, *batch())
    assert not torch.equal(states, expected)
    torch.testing.assert_close(states, expected, atol=0.02, rtol=0)


@torch.no_grad()
def test_no_sequence_depends_on_its_batch_mates(gru: TwoWayGRU):
    x, lengths = batch()
    together = gru(x * torch.tensor([1.0, 1.0, 9.0, 1.0, 0.1])[:, None], lengths)
    for i, n in ((0, 7), (1, 11), (3, 4)):
        alone = gru(x[:n, i : i + 1], lengths[i : i + 1])
        torch.testing.assert_close(together[:n, i], alone[:, 0], atol=1e-6, rtol=0)


@torch.no_grad()
def test_padding_is_zero(gru: TwoWayGRU):
    x, lengths = batch()
    steps = torch.arange(len(x))[:, None]
    assert gru(x, lengths)[steps >= lengths].eq(0).all()


def test_changed_weights_count_at_once(gru: TwoWayGRU):
    x, lengths = batch()
    changes = (
        lambda: gru.load_state_dict(TwoWayGRU(N_IN, WIDTH).state_dict()),
        lambda: setattr(gru.forwards.weight_hh_l0, "data", torch.randn(3 * WIDTH, WIDTH) / 5),
        # as an optimizer does that works on the memory of the weights
        lambda: (gru.train(), gru.backwards.bias_ih_l0.detach().numpy().fill(0.5), gru.eval()),
    )
    for change in changes:
        with torch.no_grad():
            before = gru(x, lengths)
            change()
            after, expected = gru(x, lengths), in_floats(gru, x, lengths)
        assert (after - before).abs().max() > 0.02
        torch.testing.assert_close(after, expected, atol=0.03, rtol=0)


def test_training_is_in_floats(gru: TwoWayGRU):
    torch.testing.assert_close(gru(*batch()), in_floats(gru, *batch()))


def test_rows_are_rounded_to_steps_of_their_own():
    rows = torch.tensor([[1.27, -0.635, 0.004, 0.0], [0.0, 0.0, 0.0, 0.0]])
    quantized, step = int8.quantize(rows)
    assert quantized.tolist() == [[127, -64, 0, 0], [0, 0, 0, 0]]
    assert step[0].item() == pytest.approx(0.01)
