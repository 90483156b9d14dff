import shutil

import numpy
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra [transformer]")
from transformers import AutoModel

from spacy_absa.errors import InputError
from spacy_absa.models import teacher
from spacy_absa.models.teacher import Projection, TransformerTeacher, per_character
from tests.tiny_transformer import SPECIAL, save_transformer

VOCAB = [*SPECIAL, *"我喜欢不本田丰错，", "key", "##board"]
PIECES = 12
TEXTS = ["我喜欢本田，不喜欢丰田", "不错", "丰田 Keyboard", "本", "我 喜欢\n丰田"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_transformer(tmp_path_factory.mktemp("transformer"), VOCAB, PIECES)


def make(folder, layers=(1, 2), width=4):
    return TransformerTeacher(folder, TEXTS, layers=layers, width=width, mixed_precision=False)


def test_a_character_gets_the_mean_of_the_pieces_that_cover_it():
    states = numpy.array([[9, 9], [1, 10], [3, 20], [5, 30], [9, 9]], dtype="float32")
    offsets = [(0, 0), (0, 2), (1, 3), (4, 5), (0, 0)]  # the first and the last are special
    hints = per_character(states, offsets, 6)
    assert hints.known.tolist() == [True, True, True, False, True, False]
    assert hints.vectors[hints.known].tolist() == [[1, 10], [2, 15], [3, 20], [5, 30]]


def test_the_projection_by_hand():
    """Two standardised columns with the correlation r have the variances 1 + r and 1 - r."""
    vectors = numpy.array([[1, 40], [3, 20], [3, 40], [1, 20], [3, 40], [1, 20]], dtype="float32")
    r = 1 / 3
    both = Projection.fit([vectors[:2], vectors[2:]], width=5)
    assert both.mean.tolist() == [2, 30]
    assert both.deviation == pytest.approx([1, 10])
    assert both(vectors).var(0) == pytest.approx([1 + r, 1 - r])
    first = Projection.fit([vectors], width=1)
    assert first.components == pytest.approx(
        numpy.sign(first.components[0]) * numpy.full((2, 1), 0.5**0.5 / (1 + r) ** 0.5)
    )
    assert first(vectors).var() == pytest.approx(1)


def test_components_have_mean_0_no_correlation_falling_variances_and_1_on_average():
    rng = numpy.random.default_rng(0)
    vectors = (rng.normal(size=(500, 7)) @ rng.normal(size=(7, 7)) + 100).astype("float32")
    vectors[:, 2] = 5  # what never varies
    projected = Projection.fit(numpy.split(vectors, 5), width=3)(vectors)
    covariance = numpy.cov(projected.T, bias=True)
    assert projected.mean(0) == pytest.approx(numpy.zeros(3), abs=1e-4)
    assert covariance == pytest.approx(numpy.diag(covariance.diagonal()), abs=1e-4)
    assert (numpy.diff(covariance.diagonal()) < 0).all()
    assert covariance.trace() / 3 == pytest.approx(1, rel=1e-4)


def test_states_of_the_layers_side_by_side(folder):
    ((_, hints),) = make(folder)._read(["丰田 Keyboard"])
    ids = [VOCAB.index(piece) for piece in ("[CLS]", "丰", "田", "key", "##board", "[SEP]")]
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder).eval()(
            input_ids=torch.tensor([ids]), output_hidden_states=True
        )
    both = torch.cat(states.hidden_states[1:], dim=-1)[0].numpy()
    rows = [1, 2, *[3] * 3, *[4] * 5]
    assert hints.known.tolist() == [True] * 2 + [False] + [True] * 8
    assert hints.vectors[hints.known] == pytest.approx(both[rows], abs=1e-5)


def test_hints_of_the_sample_have_variance_1_on_average(folder):
    hints = make(folder)(TEXTS)
    assert [hint.vectors.shape for hint in hints] == [(len(text), 4) for text in TEXTS]
    vectors = numpy.concatenate([hint.vectors[hint.known] for hint in hints])
    assert vectors.mean(0) == pytest.approx(numpy.zeros(4), abs=1e-4)
    assert vectors.var(0).mean() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("limit", [1, 20, 10_000])
def test_batch_mates_do_not_matter(folder, monkeypatch, limit):
    made = make(folder)
    expected = [made([text])[0] for text in TEXTS]
    monkeypatch.setattr(teacher, "BATCH_TOKENS", limit)
    for hint, alone in zip(made(TEXTS), expected, strict=True):
        assert hint.known.tolist() == alone.known.tolist()
        assert hint.vectors[hint.known] == pytest.approx(alone.vectors[alone.known], abs=1e-4)


def test_what_is_too_long_for_the_transformer_has_no_hint(folder):
    (hint,) = make(folder)(["本" * 50])
    assert hint.known.tolist() == [True] * (PIECES - 2) + [False] * (50 - PIECES + 2)


def test_layers_that_are_not_there_are_refused(folder):
    with pytest.raises(InputError, match=r"has 2 layers; .* are 1, 3"):
        make(folder, layers=[1, 3])


@pytest.mark.parametrize(("name", "reason"), [("config.json", "model"), ("tokenizer.json", "EOF")])
def test_a_damaged_folder_is_refused_in_one_line(folder, tmp_path, name, reason):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_text("{" if name == "tokenizer.json" else "{}", encoding="utf8")
    with pytest.raises(InputError, match=reason) as refusal:
        make(str(tmp_path))
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path}: cannot be read as a transformer: ")
    assert "\n" not in message


@pytest.mark.parametrize("path", [None, "empty"])
def test_what_is_no_transformer_is_refused(path, tmp_path):
    with pytest.raises(InputError, match=r"TransformerHints\.v1 takes a folder"):
        make(path and str(tmp_path))
