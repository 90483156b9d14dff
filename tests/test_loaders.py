import numpy
import pytest
import spacy
from spacy.training import Example

from spacy_absa import loaders
from spacy_absa.data.alphabet import write_alphabet
from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon
from spacy_absa.loaders import create_alphabet_loader, create_charlm_loader, create_lexicon_loader
from spacy_absa.models.charlm import build_char_lm
from spacy_absa.models.types import Hints


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    nlp = spacy.blank("zh")
    nlp.add_pipe("char_lm", config={"model": lm_config(vector_width=6, width=5)})
    doc = nlp.make_doc("我喜欢本田")
    nlp.initialize(lambda: [Example(doc, doc)])
    path = tmp_path_factory.mktemp("char_lm")
    nlp.to_disk(path)
    return nlp, path


def lm_config(**sizes):
    return {
        "@architectures": "spacy_absa.CharLanguageModel.v1",
        "charlm": {"@architectures": "spacy_absa.CharLM.v1", **sizes},
    }


@pytest.mark.parametrize("use", ["states", "vectors"])
def test_the_tagger_gets_alphabet_and_weights_of_the_language_model(language_model, use):
    nlp, path = language_model
    source = nlp.get_pipe("char_lm").model.get_ref("charlm")
    target = build_char_lm(vector_width=6, width=5, use=use)
    create_charlm_loader(path)(target)
    states, vectors = source.predict(["我喜"]).data, target.predict(["我喜"]).data
    if use == "states":
        assert vectors.tolist() == states.tolist()
    else:
        table = source.get_ref("vectors").shims[0].state()["embedding.weight"]
        numbers = source.get_ref("symbols").predict(["我喜"]).symbols[1:-1, 0]
        assert vectors[:, 0].tolist() == table[numbers].tolist()


def test_other_sizes_other_components_and_nothing_there_are_refused(language_model, tmp_path):
    _, path = language_model
    with pytest.raises(InputError, match="use the sizes"):
        create_charlm_loader(path)(build_char_lm(vector_width=7, width=5))
    with pytest.raises(InputError, match="no component 'lm'; it has char_lm"):
        create_charlm_loader(path, "lm")(build_char_lm(vector_width=6, width=5))
    with pytest.raises(InputError, match="no trained pipeline"):
        create_charlm_loader(tmp_path / "nowhere")(build_char_lm(vector_width=6, width=5))


def test_alphabet_and_lexicon_are_read_when_asked_for(tmp_path):
    load_alphabet = create_alphabet_loader(tmp_path / "a.json")
    load_lexicon = create_lexicon_loader(tmp_path / "l.txt")
    write_alphabet(tmp_path / "a.json", "我喜")
    (tmp_path / "l.txt").write_text("本田\thonda\n", encoding="utf8")
    assert load_alphabet() == "我喜"
    assert load_lexicon().find("去本田")[0].id == "honda"


def test_the_transformer_reads_what_is_kept_once(monkeypatch):
    read = []

    def create_teacher(path, sample, **settings):
        def teach(texts):
            read.extend(texts)
            return [Hints(numpy.zeros((len(t), 2), "f"), numpy.ones(len(t), bool)) for t in texts]

        return teach

    monkeypatch.setattr(loaders, "TransformerTeacher", create_teacher)
    teacher = loaders.create_transformer_hints("folder", cache_chars=3)(["abc"])
    for _ in range(2):
        teacher(["abc", "de"])
    assert read == ["abc", "de", "de"]


def test_what_the_config_leaves_open_is_named_but_a_lexicon_may_be_missing(language_model):
    assert create_lexicon_loader(None)().entries == Lexicon([]).entries
    with pytest.raises(InputError, match=r"give --paths\.alphabet"):
        create_alphabet_loader(None)()
    with pytest.raises(InputError, match=r"give --paths\.char_lm"):
        create_charlm_loader(None)(build_char_lm(vector_width=6, width=5))
