import numpy
import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

TEXT = "喜欢本田"


@pytest.fixture
def make(tiny, tmp_path):
    def make(name, width=8, label="POS", text=TEXT):
        fix_random_seed(len(name))
        nlp = spacy.blank("zh")
        encoder = {**tiny["encoder"], "width": width}
        nlp.add_pipe("absa_gru", config={"model": {**tiny, "encoder": encoder}})
        example = Example.from_dict(nlp.make_doc(text), {"entities": [(2, 4, label)]})
        nlp.initialize(lambda: [example, example])
        nlp.get_pipe("absa_gru").model.get_ref("output").get_param("transitions")[:] = len(name)
        nlp.to_disk(tmp_path / name)

    return make


def weights(path):
    model = spacy.load(path).get_pipe("absa_gru").model
    by_shim = [shim.state() for node in model.walk() for shim in node.shims]
    arrays = [array for state in by_shim for array in state.values()]
    return [*arrays, model.get_ref("output").get_param("transitions")]


def test_weights_on_the_way(absa, make, tmp_path):
    make("a")
    make("bbbbb")
    assert absa("interpolate", "a", "bbbbb", "out", "--share", 0.25).code == 0
    trios = zip(*(weights(tmp_path / name) for name in ("a", "bbbbb", "out")), strict=True)
    for first, second, between in trios:
        assert between == pytest.approx(0.75 * first + 0.25 * second, abs=1e-6)
        assert between.dtype == numpy.float32
    assert numpy.unique(between).tolist() == [2]


def test_models_of_other_sizes_are_refused(make, refused):
    make("a")
    make("b", width=4)
    assert "a and b: The layers" in refused("interpolate", "a", "b", "out")
    assert "nowhere: cannot be loaded" in refused("interpolate", "a", "nowhere", "out")


def test_models_of_other_labels_or_alphabets_are_refused(make, refused, tmp_path):
    make("a")
    make("b", label="NEG")
    make("c", text="讨厌丰田")
    assert "b: labels NEG" in refused("interpolate", "a", "b", "out")
    assert "a and c: The models have other alphabets" in refused("interpolate", "a", "c", "out")
    assert not (tmp_path / "out").exists()
