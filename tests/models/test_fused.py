import numpy as np
import pytest
import torch

from spacy_absa.models.torch import recurrent
from spacy_absa.models.torch.recurrent import TwoWayGRU

numba = pytest.importorskip("numba")
from spacy_absa.compiling import compiled  # noqa: E402
from spacy_absa.models.torch import fused  # noqa: E402

both_fused = pytest.mark.parametrize("kernels", ["vnni", "avx2"], indirect=True)


def batch(*lengths: int, n_in: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(max(lengths), len(lengths), n_in, generator=generator)
    return x, torch.tensor(lengths)


@numba.njit
def each(function, values, results):
    for i in range(len(values)):
        results[i] = function(values[i])


def test_the_sigmoid_is_near_enough():
    values = np.linspace(-40, 40, 200_001, dtype="float32")
    results = np.empty_like(values)
    each(fused.sigmoid, values, results)
    assert np.abs(results - 1 / (1 + np.exp(-values.astype("float64")))).max() < 1e-6


def test_numbers_become_the_nearest_integer():
    values = np.linspace(-127, 127, 1271, dtype="float32")
    results = np.empty(len(values), dtype="int8")
    each(fused.nearest, values, results)
    assert (results == np.rint(values)).all()


def test_items_are_packed_longest_first_and_mirrored():
    batch_sizes, rows, _ = fused.layout(np.array([3, 2, 2]), np.array([1, 0, 2]))
    assert batch_sizes.tolist() == [3, 3, 1]
    # step * 3 + column, of the columns 1, 0, 2
    assert rows.tolist() == [[1, 0, 2, 4, 3, 5, 7], [7, 3, 5, 4, 0, 2, 1]]


def test_a_block_ends_where_it_is_full_and_where_many_sequences_become_few():
    assert (fused._FEW, fused._BLOCK) == (2, 256)

    def borders(*lengths):
        return fused.layout(np.array(lengths), np.arange(len(lengths)))[2].tolist()

    assert borders(4) == [0, 4]
    assert borders(5, 5, 3) == [0, 3, 5]
    assert borders(300) == [0, 256, 300]
    assert borders(3, *[3] * 99) == [0, 2, 3]  # 300 items, 256 of which end within the third step
    assert borders(4, *[2] * 199) == [0, 1, 2, 4]


@both_fused
@torch.no_grad()
def test_states_are_those_of_the_kernels_in_torch(kernels, monkeypatch):
    torch.manual_seed(0)
    gru = TwoWayGRU(24, 32, quantize=True).eval()
    x, lengths = batch(7, 30, 1, 4, 30)
    states = gru(x, lengths)
    monkeypatch.setattr(recurrent, "fused_grus", lambda: None)
    gru._quantized = None
    # Floats that differ in their last bit may be rounded to neighbouring integers.
    torch.testing.assert_close(states, gru(x, lengths), atol=0.005, rtol=0)


@both_fused
@torch.no_grad()
@pytest.mark.parametrize("width", [32, 37])
def test_no_bit_depends_on_the_batch(kernels, width):
    torch.manual_seed(0)
    gru = TwoWayGRU(24, width, quantize=True).eval()
    lengths = [3, 40, 1, 17, 40, 39, 2, 8, 300]
    x, _ = batch(*lengths)
    for mates in ([0], [1, 0], [7, 4, 0, 3], range(9)):
        some = list(mates)
        together = gru(x[:, some], torch.tensor([lengths[i] for i in some]))
        for column, i in enumerate(some):
            n = lengths[i]
            alone = gru(x[:n, i : i + 1], torch.tensor([n]))
            assert torch.equal(together[:n, column], alone[:, 0])
            assert together[n:, column].eq(0).all()


def test_without_a_folder_to_write_to_kernels_are_compiled_all_the_same(monkeypatch):
    njit = numba.njit

    def unwritable(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", unwritable)
    assert compiled(lambda v: v + 1)(2) == 3
