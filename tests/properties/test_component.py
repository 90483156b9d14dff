"""The component on any text: what it promises holds, and it neither fails nor hangs."""

import math
import random

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.util import filter_spans, fix_random_seed

from spacy_absa.folding import fold
from spacy_absa.lexicon import Lexicon, LexiconEntry

from .. import strategies as s
from ..pipeline.conftest import READER, TINY, examples_of

LEXICON = Lexicon([LexiconEntry(name, f"id-{fold(name)}") for name in s.NAMES])
# Every scheme, mode of the lexicon, way of aligning and place to write to; words and characters.
CONFIGS = {
    "plain": ("zh", {}),
    "io, force": ("zh", {"scheme": "io", "lexicon_mode": "force"}),
    "biluo, prefer": ("zh", {"scheme": "biluo", "lexicon_mode": "prefer", "lexicon_bonus": 5.0}),
    "words, expand": ("en", {"scheme": "biluo", "alignment_mode": "expand"}),
    "words, contract": ("en", {"alignment_mode": "contract", "label_bonus": {"NEG": 3.0}}),
    "words, strict, force": ("en", {"alignment_mode": "strict", "lexicon_mode": "force"}),
    "spans, threshold": ("zh", {"spans_key": "absa", "threshold": 0.2}),
    "softmax": ("zh", {"model": {**TINY, "output": {"@architectures": "spacy_absa.Softmax.v1"}}}),
    "short windows": ("zh", {"model": {**TINY, "max_length": 8}}),
    "second reading": ("zh", {}, {"model": {**READER, "context": 6}}),
    "words, second reading": ("en", {"lexicon_mode": "prefer"}, {"model": READER, "share": 0.9}),
}
# Weights ten times as large as trained ones make as much more of rounding in float32.
NUMBERS = {"abs": 1e-4, "nan_ok": False}


def wild(lang, config, reader=None):
    """A pipeline whose weights are large and random: it finds much, of any shape, everywhere.

    reader: the config of an `absa_polarity` behind the tagger.
    """
    nlp = spacy.blank(lang)
    nlp.add_pipe("absa_gru", config={"model": TINY, **config})
    if reader:
        nlp.add_pipe("absa_polarity", config=reader)
    for name in nlp.pipe_names:
        nlp.config["initialize"]["components"][name] = {"labels": ["NEG", "NEU", "POS"]}
    examples = examples_of(spacy.blank("zh"))
    fix_random_seed(1)
    nlp.initialize(lambda: examples)
    rng = numpy.random.default_rng(1)
    for _, pipe in nlp.pipeline:
        pipe.set_lexicon(LEXICON)
        for shim in (shim for node in pipe.model.walk() for shim in node.shims if shim.is_built):
            noise = {name: rng.normal(0, 1, value.shape) for name, value in shim.state().items()}
            shim.load_state({name: value.astype("float32") for name, value in noise.items()})
    return nlp


@pytest.fixture(scope="session")
def pipelines():
    return {name: wild(*config) for name, config in CONFIGS.items()}


def spans_of(doc):
    return doc.spans.get("absa", doc.ents)


def check(nlp, text, doc):
    pipe = nlp.get_pipe("absa_gru")
    spans = list(spans_of(doc))
    assert doc.text == text
    assert filter_spans(spans) == spans
    for span, entry in zip(spans, doc._.absa, strict=True):
        assert 0 <= entry["start"] < entry["end"] <= len(text)
        assert text[entry["start"] : entry["end"]] == entry["text"]
        assert entry["label"] == span.label_
        assert entry["label"] in pipe.labels
        assert list(entry["scores"]) == list(pipe.labels)
        probabilities = [*entry["scores"].values(), entry["score"]]
        assert all(math.isfinite(p) and 0 <= p <= 1 + 1e-9 for p in probabilities)
        assert sum(entry["scores"].values()) == pytest.approx(1)
        assert pipe.threshold <= entry["score"]
        if pipe.lexicon_mode == "force":
            assert fold(entry["text"]) in {fold(name) for name in s.NAMES}
            assert entry["id"] == f"id-{fold(entry['text'])}"
        if pipe.alignment_mode == "strict":
            assert span.text == entry["text"]


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert {**one, "scores": 0, "score": 0} == {**other, "scores": 0, "score": 0}
        assert one["scores"] == pytest.approx(other["scores"], **NUMBERS)
        assert one["score"] == pytest.approx(other["score"], **NUMBERS)


@given(text=s.texts, name=st.sampled_from(sorted(CONFIGS)))
def test_what_is_found_is_in_the_text(pipelines, text, name):
    check(pipelines[name], text, pipelines[name](text))


@given(text=s.strings, name=st.sampled_from(sorted(CONFIGS)))
def test_spacy_refuses_unpaired_surrogates(pipelines, text, name):
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
            pipelines[name](text)
    else:
        check(pipelines[name], text, pipelines[name](text))


@settings(max_examples=max(10, settings().max_examples // 10))
@given(
    texts=st.lists(s.texts, max_size=6),
    name=st.sampled_from(sorted(CONFIGS)),
    batch_size=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_company_and_order_do_not_matter(pipelines, texts, name, batch_size, seed):
    nlp = pipelines[name]
    alone = [nlp(text)._.absa for text in texts]
    order = random.Random(seed).sample(range(len(texts)), len(texts))
    piped = nlp.pipe([texts[i] for i in order], batch_size=batch_size)
    for i, doc in zip(order, piped, strict=True):
        same(doc._.absa, alone[i])


@pytest.mark.parametrize("name", ["biluo, prefer", "words, expand", "second reading"])
def test_processes_and_saving_do_not_matter(pipelines, tmp_path, name):
    nlp, path, rng = pipelines[name], tmp_path / "pipeline", random.Random(0)
    texts = ["".join(rng.choices(s.PIECES, k=rng.randrange(12))) for _ in range(60)]
    nlp.to_disk(path)
    expected = [nlp(text)._.absa for text in texts]
    assert sum(map(len, expected)) > 10
    in_two = [doc._.absa for doc in nlp.pipe(texts, n_process=2, batch_size=20)]
    loaded = [doc._.absa for doc in spacy.load(path).pipe(texts, batch_size=5)]
    for found in (in_two, loaded):
        for mine, other in zip(found, expected, strict=True):
            same(mine, other)


@pytest.mark.parametrize("name", ["plain", "words, strict, force"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t\u3000" * 9,
        "\u0301" * 999,
        "👨\u200d" * 500,
        "\u202e本田\u202c" * 99,
        "本" * 20_000,
    ],
    ids=["empty", "blank", "blanks", "marks", "joiners", "bidi", "long"],
)
def test_extremes(pipelines, name, text):
    check(pipelines[name], text, pipelines[name](text))
