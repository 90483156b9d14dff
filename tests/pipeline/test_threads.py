import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Event

import pytest
import spacy
import torch

from spacy_absa.lexicon import Lexicon, LexiconEntry

from .conftest import GOLD, examples_of

TEXTS = [*GOLD, "店里有宝马和本田", "丰田" * 300]
LEXICONS = [
    Lexicon([LexiconEntry("宝马", "bmw"), LexiconEntry("本田", "honda")]),
    Lexicon([LexiconEntry(name, "car") for name in ("本田", "丰田")]),
]


def test_threads_find_what_one_finds(trained):
    expected = [trained(text)._.absa for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        runs = pool.map(lambda _: [trained(text)._.absa for text in TEXTS], range(24))
        piped = pool.map(
            lambda _: [doc._.absa for doc in trained.pipe(TEXTS, batch_size=1)], range(24)
        )
        assert all(run == expected for run in (*runs, *piped))


def test_a_batch_is_read_with_one_lexicon_while_others_set_another(with_config):
    nlp = with_config(lexicon_mode="force")
    tagger = nlp.get_pipe("absa_gru")
    expected = []
    for lexicon in LEXICONS:
        tagger.set_lexicon(lexicon)
        expected.append([nlp(text)._.absa for text in TEXTS])
    done = Event()

    def swap():
        while not done.is_set():
            for lexicon in LEXICONS:
                tagger.set_lexicon(lexicon)
                time.sleep(0.0005)  # or the others wait 5 ms for each turn

    with ThreadPoolExecutor(4) as pool:
        swapping = pool.submit(swap)
        try:
            runs = pool.map(lambda _: [nlp(text)._.absa for text in TEXTS], range(30))
            found = list(runs)
        finally:
            done.set()
        swapping.result()
    for run in found:
        for answer, *allowed in zip(run, *expected, strict=True):
            assert answer in allowed


def test_the_layers_read_the_lexicon_that_decodes(with_config, monkeypatch):
    """The exchange at the worst moment: between the two readings."""
    nlp = with_config(lexicon_mode="force")
    tagger = nlp.get_pipe("absa_gru")
    tagger.set_lexicon(LEXICONS[0])
    expected = nlp("店里有宝马和本田")._.absa
    begin = type(tagger.model).predict

    def exchange(model, docs):
        tagger.set_lexicon(LEXICONS[1])
        return begin(model, docs)

    monkeypatch.setattr(type(tagger.model), "predict", exchange)
    assert nlp("店里有宝马和本田")._.absa == expected
    assert tagger.lexicon is LEXICONS[1]


@pytest.mark.parametrize("lexicon", LEXICONS)
def test_a_component_can_be_sent_to_a_spawned_worker(with_config, lexicon):
    nlp = with_config()
    nlp.get_pipe("absa_gru").set_lexicon(lexicon)
    tagger = pickle.loads(pickle.dumps(nlp.get_pipe("absa_gru")))
    for text in TEXTS:
        assert tagger(nlp.make_doc(text))._.absa == nlp(text)._.absa


@pytest.mark.parametrize("name", ["absa_gru", "absa_polarity", "char_lm"])
def test_what_is_unpickled_brings_its_attributes(name, tmp_path):
    """As in a worker process that has made no such component itself."""
    nlp = spacy.blank("zh")
    nlp.add_pipe(name)
    (tmp_path / "nlp").write_bytes(pickle.dumps(nlp))
    code = (
        "import pickle, sys; from spacy.tokens import Doc, Span; "
        "pickle.load(open(sys.argv[1], 'rb')); "
        "print(Doc.has_extension(sys.argv[2]) or Span.has_extension(sys.argv[2]))"
    )
    attribute = "perplexity" if name == "char_lm" else "sentiment_scores"
    command = [sys.executable, "-c", code, str(tmp_path / "nlp"), attribute]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize("copy", [deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_a_pipeline_copied_in_inference_mode_predicts_outside_of_it(trained, copy):
    with torch.inference_mode():
        nlp = copy(trained)
        inside = nlp(TEXTS[0])._.absa
    assert inside == nlp(TEXTS[0])._.absa == trained(TEXTS[0])._.absa


def test_a_pipeline_loaded_in_inference_mode_learns_outside_of_it(trained, tmp_path):
    trained.to_disk(tmp_path)
    with torch.inference_mode():
        nlp = spacy.load(tmp_path)
    assert nlp(TEXTS[0])._.absa == trained(TEXTS[0])._.absa
    assert nlp.update(examples_of(nlp), sgd=nlp.resume_training())["absa_gru"]
