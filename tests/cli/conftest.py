import shutil

import pytest
import spacy
from spacy.cli._util import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import fix_random_seed
from typer.testing import CliRunner

import spacy_absa.cli  # noqa: F401  (spaCy does this through the entry point)


@pytest.fixture(scope="session")
def tiny():
    """The config of a tagger that is made in no time."""
    return {
        "@architectures": "spacy_absa.CharTagger.v1",
        "charlm": {"@architectures": "spacy_absa.CharLM.v1", "vector_width": 8, "width": 8},
        "encoder": {"@architectures": "spacy_absa.BiGRUEncoder.v1", "width": 8},
        "output": {"@architectures": "spacy_absa.CRF.v1"},
    }


@pytest.fixture(scope="session")
def saved_pipelines(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    fix_random_seed(0)
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": tiny})
    texts = {"喜欢本田": (2, 4, "POS"), "讨厌丰田": (2, 4, "NEG")}
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": [entity]})
        for text, entity in texts.items()
    ]
    optimizer = nlp.initialize(lambda: examples * 2)
    optimizer.learn_rate = 0.02
    DocBin(docs=[example.reference for example in examples]).to_disk(folder / "dev.spacy")
    nlp.to_disk(folder / "untrained")
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(folder / "trained")
    return folder


@pytest.fixture
def pipelines(saved_pipelines, tmp_path):
    """Two pipelines on disk, `trained` and `untrained`, and their gold data `dev.spacy`."""
    shutil.copytree(saved_pipelines, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def configure(pipelines):
    """Change a setting in the config of a saved pipeline."""

    def change(name, before, after):
        path = pipelines / name / "config.cfg"
        config = path.read_text(encoding="utf8")
        assert before in config
        path.write_text(config.replace(before, after), encoding="utf8")

    return change


class Result:
    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr
        assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.fixture
def absa(tmp_path, monkeypatch):
    """Run ``spacy absa …`` in a fresh folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return Result(CliRunner().invoke(app, ["absa", *map(str, arguments)]))

    return run


@pytest.fixture
def refused(absa, tmp_path):
    """Run a command that must fail: one line of error, exit code 1, no new files."""

    def run(*arguments):
        before = sorted(tmp_path.rglob("*"))
        result = absa(*arguments)
        assert result.code == 1
        assert len(result.err.strip().splitlines()) == 1
        assert sorted(tmp_path.rglob("*")) == before
        return result.err

    return run


class FixedTagger:
    """Stands in for absa_gru: a name that is in its lexicon gets the sentiment noted there."""

    def __init__(self):
        self.lexicon = {"本田": ("POS", 0.95), "丰田": ("NEG", 0.9), "日产": ("NEU", 0.6)}

    def set_lexicon(self, lexicon):
        self.lexicon = {entry.pattern: ("POS", 0.5) for entry in lexicon.entries}

    def __call__(self, doc):
        doc._.absa = [
            {
                "text": name,
                "start": doc.text.index(name),
                "end": doc.text.index(name) + len(name),
                "label": label,
                "sentiment": {"POS": "positive", "NEU": "neutral", "NEG": "negative"}[label],
                "scores": {label: score},
                "score": score,
                "id": "honda" if name == "本田" else "",
            }
            for name, (label, score) in self.lexicon.items()
            if name in doc.text
        ]
        return doc


@pytest.fixture
def pipeline(monkeypatch):
    """The name of a pipeline whose absa_gru is a ``FixedTagger``."""
    if not Doc.has_extension("absa"):
        Doc.set_extension("absa", default=None)
    Language.component("fixed_tagger", func=FixedTagger())
    nlp = spacy.blank("zh")
    nlp.add_pipe("fixed_tagger", name="absa_gru")
    monkeypatch.setattr(spacy, "load", {"fixed": nlp}.__getitem__)
    return "fixed"
