import numpy as np
import pytest
import torch

from spacy_absa.models.torch import int8, recurrent
from spacy_absa.models.torch.recurrent import TwoWayGRU, fused_grus

pytest.importorskip("numba")
from spacy_absa.models.torch import avx2, fused, fused_avx2

pytestmark = pytest.mark.skipif(not avx2.is_supported(), reason="the CPU has no AVX2")


@pytest.mark.parametrize("n_in, n_units", [(1, 1), (2, 24), (7, 25), (50, 72), (393, 30)])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
def test_products_are_exact(n_rows, n_in, n_units):
    random = np.random.default_rng(0)
    rows = random.integers(-128, 128, (n_rows, n_in), np.int8)
    weights = random.integers(-128, 128, (n_in, n_units), np.int8)
    rows[0], weights[:, 0] = -128, -128  # the largest that there are
    packed = avx2.pack(weights)
    even = np.pad(rows.astype(np.int16), ((0, 0), (0, n_in % 2)))
    out = np.full((n_rows + 1, len(packed) * avx2.UNITS), 9, np.int32)
    avx2.multiply(even, packed, out)
    assert (out[:n_rows, :n_units] == rows.astype(np.int64) @ weights).all()
    assert not out[:n_rows, n_units:].any()
    assert (out[n_rows] == 9).all()


@pytest.fixture
def read(any_cpu, monkeypatch):
    """States of a batch, by one of the two and so many threads."""
    torch.manual_seed(0)
    gru = TwoWayGRU(25, 31, quantize=True).eval()
    lengths = torch.tensor([7, 30, 1, 4, 30, 290, 12, 2, 9, 9, 3, 3, 30])
    x = torch.randn(290, len(lengths), 25)
    n_threads = torch.get_num_threads()

    @torch.inference_mode()
    def by(kind: type, threads: int = 1) -> torch.Tensor:
        monkeypatch.setattr(recurrent, "fused_grus", lambda: kind)
        torch.set_num_threads(threads)
        gru._quantized = None
        return gru(x, lengths)

    yield by
    torch.set_num_threads(n_threads)


def test_states_are_those_of_cpus_with_vnni(read):
    assert torch.equal(read(fused_avx2.FusedAvx2GRUs), read(fused.FusedGRUs))


def test_states_do_not_depend_on_the_threads(read, monkeypatch):
    monkeypatch.setattr(fused_avx2, "_PER_THREAD", 50)
    alone = read(fused_avx2.FusedAvx2GRUs)
    for threads in (2, 5, 8):
        assert torch.equal(alone, read(fused_avx2.FusedAvx2GRUs, threads))


def test_states_do_not_depend_on_whether_threads_can_be_started(read, monkeypatch):
    """They cannot once the main thread has ended, while another one still predicts."""
    expected = read(fused_avx2.FusedAvx2GRUs)
    monkeypatch.setattr(fused_avx2, "_PER_THREAD", 50)
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)
    assert torch.equal(expected, read(fused_avx2.FusedAvx2GRUs, 8))


@pytest.mark.parametrize(
    "vnni, has_avx2, kind",
    [(True, True, fused.FusedGRUs), (False, True, fused_avx2.FusedAvx2GRUs), (False, False, None)],
)
def test_each_cpu_gets_its_own(vnni, has_avx2, kind, monkeypatch):
    monkeypatch.setattr(int8, "is_supported", lambda: vnni)
    monkeypatch.setattr(avx2, "is_supported", lambda: has_avx2)
    assert fused_grus.__wrapped__() is kind


@pytest.mark.parametrize(
    "features, supported", [("+avx,+avx2,-avx512f", True), ("-avx2", False), ("", False)]
)
def test_it_counts_what_numba_compiles_for(features, supported, monkeypatch):
    codegen = avx2.cpu_target.target_context.codegen()
    monkeypatch.setattr(codegen, "magic_tuple", lambda: ("", "", features))
    assert avx2.is_supported() is supported
