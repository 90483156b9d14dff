"""What must not change: weights from run to run, answers from version to version."""

import json
from pathlib import Path

import pytest
import spacy

from spacy_absa.lexicon import Lexicon, LexiconEntry
from spacy_absa.pipeline.char_pipe import FORMAT

from .conftest import TINY, examples_of, train

# A pipeline of each format that was ever released, and what it found then.
RELEASED = sorted((Path(__file__).parents[1] / "fixtures").glob("format_*"))


def weights(seed):
    nlp = spacy.blank("zh")
    language_model = {"@architectures": "spacy_absa.CharLanguageModel.v1"}
    language_model["charlm"] = TINY["charlm"]
    nlp.add_pipe("char_lm", config={"model": language_model})
    nlp.add_pipe("absa_gru", config={"model": TINY})
    nlp.get_pipe("absa_gru").set_lexicon(Lexicon([LexiconEntry("宝马", "bmw")]))
    train(nlp, examples_of(nlp), 5, seed=seed, drop=0.4)
    return [nlp.get_pipe(name).model.to_bytes() for name in nlp.pipe_names]


def test_one_seed_gives_the_same_weights_twice():
    first = weights(0)
    assert first == weights(0)
    assert all(a != b for a, b in zip(first, weights(1), strict=True))


@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
def test_pipelines_of_released_versions_find_what_they_found(folder, tmp_path):
    old = spacy.load(folder / "pipeline")
    old.to_disk(tmp_path)
    for nlp in (old, spacy.load(tmp_path)):
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        docs = nlp.pipe(entry["text"] for entry in expected)
        for doc, entry in zip(docs, expected, strict=True):
            assert doc._.perplexity == pytest.approx(entry["perplexity"], rel=1e-4)
            assert len(doc._.absa) == len(entry["absa"])
            for found, then in zip(doc._.absa, entry["absa"], strict=True):
                # What was saved is from 32 bits; where the CPU can, 8 are used.
                assert found.pop("scores") == pytest.approx(then.pop("scores"), abs=0.01)
                assert found.pop("score") == pytest.approx(then.pop("score"), abs=0.01)
                assert found == then


def test_every_format_has_a_pipeline():
    assert [folder.name for folder in RELEASED] == [f"format_{n}" for n in range(1, FORMAT + 1)]
