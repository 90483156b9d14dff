import pytest
import spacy
from spacy.training import Example
from spacy.util import fix_random_seed

TINY = {
    "@architectures": "spacy_absa.CharTagger.v1",
    "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 16, "width": 16},
    "features": {"@architectures": "spacy_absa.CharFeatures.v1", "entry_dropout": 0.2},
    "encoder": {"@architectures": "spacy_absa.BiGRUEncoder.v1", "width": 16},
    "output": {"@architectures": "spacy_absa.CRF.v1"},
}
READER = {
    "@architectures": "spacy_absa.PolarityReader.v1",
    "charlm": TINY["charlm"],
    "features": TINY["features"],
    "encoder": TINY["encoder"],
    "width": 16,
}
GOLD = {
    "我喜欢本田，我不喜欢丰田": [(3, 5, "POS"), (10, 12, "NEG")],
    "丰田不错": [(0, 2, "POS")],
    "今天天气好": [],
    "店里有宝马": [(3, 5, "NEU")],
}


def examples_of(nlp, gold=GOLD):
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": spans}) for text, spans in gold.items()
    ]


def train(nlp, examples, steps, seed=0, drop=0.0, **kwargs):
    """Train with Adam at a high rate; returns the losses of the last step."""
    fix_random_seed(seed)
    optimizer = nlp.initialize(lambda: examples, **kwargs)
    optimizer.learn_rate = 0.02
    for _ in range(steps):
        losses = nlp.update(examples, sgd=optimizer, drop=drop)
    return losses


@pytest.fixture(scope="session")
def trained():
    """Knows its four training texts by heart. Tests must leave it as it is."""
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    train(nlp, examples_of(nlp), 80)
    return nlp


@pytest.fixture
def with_config(trained):
    """Makes a copy of the trained pipeline, with other settings."""

    def copy(**config):
        nlp = spacy.blank("zh")
        nlp.add_pipe("absa_gru", config={"model": TINY, **config})
        return nlp.from_bytes(trained.to_bytes())

    return copy
