import shutil

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_absa.cli import select

TINY = {
    "@architectures": "spacy_absa.CharTagger.v1",
    "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 8, "width": 8},
    "encoder": {"@architectures": "spacy_absa.BiGRUEncoder.v1", "width": 8},
    "output": {"@architectures": "spacy_absa.CRF.v1"},
}


@pytest.fixture
def pipelines(tmp_path):
    """Two pipelines on disk, `trained` and `untrained`, and their gold data `dev.spacy`."""
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    texts = {"喜欢本田": (2, 4, "POS"), "讨厌丰田": (2, 4, "NEG")}
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": [entity]})
        for text, entity in texts.items()
    ]
    optimizer = nlp.initialize(lambda: examples * 2)
    optimizer.learn_rate = 0.02
    DocBin(docs=[example.reference for example in examples]).to_disk(tmp_path / "dev.spacy")
    nlp.to_disk(tmp_path / "untrained")
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "trained")
    return tmp_path


def _weights(path):
    return (path / "absa_gru/model").read_bytes()


def test_the_better_pipeline_is_kept_wherever_it_stands(absa, pipelines):
    for order in (("trained", "untrained"), ("untrained", "trained")):
        result = absa("select", *order, "final", "--dev", "dev.spacy")
        assert result.code == 0
        assert "kept trained" in result.out
        assert _weights(pipelines / "final") == _weights(pipelines / "trained")
    assert not list(pipelines.glob(".final*"))


def test_of_equals_the_first_is_kept(absa, pipelines):
    shutil.copytree(pipelines / "trained", pipelines / "twin")
    for order in (("trained", "twin"), ("twin", "trained")):
        result = absa("select", *order, "final", "--dev", "dev.spacy")
        assert f"kept {order[0]}" in result.out


@pytest.mark.parametrize(("macro", "kept"), [(0.49, "first"), (0.51, "second")])
def test_macro_decides_whatever_micro_says(absa, pipelines, monkeypatch, macro, kept):
    scores = {"first": (0.8, 0.5), "second": (0.9 if kept == "first" else 0.7, macro)}

    def load(path, lexicon, gpu_id):
        nlp = spacy.blank("zh")
        micro, macro = scores[path]
        shown = dict.fromkeys(select._SHOWN, 0.0)
        nlp.evaluate = lambda examples: {**shown, "absa_f": micro, "absa_macro_f": macro}
        return nlp

    monkeypatch.setattr(select, "load_pipeline", load)
    for name, saved in (("first", "trained"), ("second", "untrained")):
        (pipelines / saved).rename(pipelines / name)
    result = absa("select", "first", "second", "final", "--dev", "dev.spacy")
    assert f"kept {kept}" in result.out
    assert f"by {100 * (macro - 0.5):+.1f} points" in " ".join(result.out.split())
    assert _weights(pipelines / "final") == _weights(pipelines / kept)


def test_bad_input(refused, pipelines):
    assert "no such file" in refused("select", "trained", "trained", "f", "--dev", "x.spacy")
    assert "cannot be loaded" in refused("select", "nowhere", "trained", "f", "--dev", "dev.spacy")
