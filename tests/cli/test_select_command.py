import shutil

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_absa.cli import select


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
    assert "no .spacy file" in refused("select", "trained", "trained", "f", "--dev", "x.spacy")
    DocBin(docs=[spacy.blank("zh")("今天")]).to_disk(pipelines / "bare.spacy")
    assert "no text in it is annotated" in refused(
        "select", "trained", "trained", "f", "--dev", "bare.spacy"
    )
    assert "cannot be loaded" in refused("select", "nowhere", "trained", "f", "--dev", "dev.spacy")
