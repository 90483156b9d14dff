import pytest

from spacy_absa.decoding import marginals, viterbi


@pytest.fixture(params=["numpy", "numba"])
def loops(request, monkeypatch):
    """Either kind of loops, in turn."""
    if request.param == "numba":
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(viterbi, "compiled_loops", lambda: None)
        monkeypatch.setattr(marginals, "compiled_loops", lambda: None)
