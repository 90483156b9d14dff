import numpy
import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_absa.lexicon import Lexicon, LexiconEntry

TEXT = "喜欢本田"


@pytest.fixture
def make(tiny, tmp_path):
    def make(name, label="POS", **config):
        fix_random_seed(len(name))
        nlp = spacy.blank("zh")
        nlp.add_pipe("absa_gru", config={"model": tiny, **config})
        example = Example.from_dict(nlp.make_doc(TEXT), {"entities": [(2, 4, label)]})
        nlp.initialize(lambda: [example])
        pipe = nlp.get_pipe("absa_gru")
        pipe.model.get_ref("output").get_param("transitions")[:] = len(name)
        pipe.set_lexicon(Lexicon([LexiconEntry(name, "")]))
        nlp.to_disk(tmp_path / name)
        return nlp

    return make


def emissions(nlp):
    return nlp.get_pipe("absa_gru").model.predict([nlp.make_doc(TEXT)])


def test_the_mean_of_emissions_and_transitions(absa, make, tmp_path):
    members = [emissions(make(name)) for name in ("a", "bb", "ccc")]
    assert absa("ensemble", "a", "bb", "ccc", "out/joint").code == 0
    nlp = spacy.load(tmp_path / "out/joint")
    joint = emissions(nlp)
    mean = numpy.mean([member.scores[0] for member in members], axis=0)
    assert joint.scores[0] == pytest.approx(mean, abs=1e-6)
    assert numpy.unique(joint.transitions).tolist() == [2]
    pipe = nlp.get_pipe("absa_gru")
    assert (pipe.labels, pipe.lexicon.entries[0].pattern) == (("POS",), "a")
    # Made once more it may take the place of the first one.
    assert absa("ensemble", "a", "bb", "out/joint").code == 0


def test_weights_can_be_rounded_to_16_bits(absa, make, tmp_path):
    for name in ("a", "bb"):
        make(name)
    absa("ensemble", "a", "bb", "joint")
    absa("ensemble", "a", "bb", "half", "--half")
    joint, half = (emissions(spacy.load(tmp_path / name)).scores[0] for name in ("joint", "half"))
    assert half == pytest.approx(joint, abs=1e-2)
    sizes = [(tmp_path / name / "absa_gru/model").stat().st_size for name in ("joint", "half")]
    assert sizes[1] < 0.7 * sizes[0]


def test_an_ensemble_can_be_trained_on(absa, make, tmp_path):
    for name in ("a", "bb"):
        make(name)
    absa("ensemble", "a", "bb", "joint")
    nlp = spacy.load(tmp_path / "joint")
    example = Example.from_dict(nlp.make_doc(TEXT), {"entities": [(2, 4, "POS")]})
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update([example], sgd=optimizer)
    assert [ent.text for ent in nlp(TEXT).ents] == ["本田"]


def test_an_ensemble_can_learn_another_label(absa, make, tmp_path):
    for name in ("a", "bb"):
        make(name)
    absa("ensemble", "a", "bb", "joint")
    pipe = spacy.load(tmp_path / "joint").get_pipe("absa_gru")
    doc = spacy.blank("zh").make_doc(TEXT)
    before = pipe.model.predict([doc])
    assert pipe.add_label("NEG") == 1
    after = pipe.model.predict([doc])
    assert after.scores[0].shape[1] == len(pipe.scheme.tags) > before.scores[0].shape[1]
    assert after.scores[0][:, :3] == pytest.approx(before.scores[0])
    assert after.transitions.shape == pipe.scheme.legal.shape


def test_one_alone_and_unlike_ones_are_refused(make, refused, tmp_path):
    make("a")
    make("bb", label="NEG")
    make("ccc", scheme="io")
    assert "two pipelines or more" in refused("ensemble", "a", "out")
    assert "bb: labels NEG" in refused("ensemble", "a", "bb", "out")
    assert "scheme io" in refused("ensemble", "a", "ccc", "out")
    for folder, text in (("odd", "[nlp]\nlang = 1\n"), ("text", "no config\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.cfg").write_text(text)
        assert "exists already" in refused("ensemble", "a", "bb", folder)
    assert "bb: exists already and is no ensemble" in refused("ensemble", "a", "a", "bb")
    assert "nowhere: cannot be loaded" in refused("ensemble", "a", "nowhere", "out")
