import pytest
import torch
from torch import Tensor

from spacy_absa.models.torch import int8, recurrent


def exact_products(rows: Tensor, weights: Tensor, out: Tensor | None = None) -> Tensor:
    products = rows.int() @ weights.int()
    return products if out is None else out.copy_(products)


@pytest.fixture
def any_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of 8-bit integers as CPUs with VNNI give them, on the others as well."""
    if not int8.is_supported():
        monkeypatch.setattr(torch, "_int_mm", exact_products)
        monkeypatch.setattr(int8, "is_supported", lambda: True)


@pytest.fixture(params=["torch", "vnni", "avx2"])
def kernels(request: pytest.FixtureRequest, any_cpu: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """What reads in 8-bit integers."""
    chosen = None
    if request.param != "torch":
        pytest.importorskip("numba")
        from spacy_absa.models.torch import avx2, fused, fused_avx2

        if request.param == "avx2" and not avx2.is_supported():
            pytest.skip("the CPU has no AVX2")
        chosen = {"vnni": fused.FusedGRUs, "avx2": fused_avx2.FusedAvx2GRUs}[request.param]
    monkeypatch.setattr(recurrent, "fused_grus", lambda: chosen)
    return request.param
