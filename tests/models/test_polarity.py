import math

import numpy
import pytest
import torch

from spacy_absa.models import polarity
from spacy_absa.models.charlm import build_char_lm, set_alphabet
from spacy_absa.models.features import build_char_features
from spacy_absa.models.polarity import MARK_WIDTH, around, build_polarity_reader, marks
from spacy_absa.models.tagger import build_bigru_encoder
from spacy_absa.models.torch.polarity import TargetHead
from spacy_absa.models.types import Targets

TEXTS = [
    Targets("我喜欢本田，我不喜欢丰田", [(3, 5), (10, 12)]),
    Targets("今天", []),
    Targets("丰田不错，真的很不错，我喜欢", [(0, 2)]),
    Targets("本", [(0, 1)]),
]


@pytest.fixture
def reader():
    torch.manual_seed(0)
    charlm = build_char_lm(vector_width=8, width=8)
    set_alphabet(charlm, "我喜欢本田，不丰错真的很今天")
    encoder = build_bigru_encoder(width=8)
    model = build_polarity_reader(charlm, encoder, build_char_features(), width=8, context=6)
    model.get_ref("head").set_dim("nO", 3)
    model.initialize()
    return model


def test_pooling_by_hand():
    head = TargetHead(1, 2, 3)
    torch.nn.init.constant_(head.query.weight, 0.5)
    # Two texts of 3 and 2 characters; the target is the second character, and the first.
    x = torch.tensor([[1.0, 2.0], [2.0, -4.0], [-3.0, 9.0]]).unsqueeze(-1)
    in_target = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    # Queries 2 / 2 and 2 / 2: a character weighs e to its value.
    e = math.e
    expected = [
        [2, (e + 2 * e**2 - 3 * e**-3) / (e + e**2 + e**-3), 2],
        [2, (2 * e**2 - 4 * e**-4) / (e**2 + e**-4), 2],
    ]
    pooled = head.pool(x, in_target, torch.tensor([3, 2]))
    assert pooled.tolist() == [pytest.approx(row) for row in expected]
    both = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    assert head.pool(x, both, torch.tensor([3, 2]))[:, 0].tolist() == [1.5, -1.0]


def test_the_window_around_a_target_and_its_rivals():
    first, second = around(Targets("0123456789", [(1, 3), (6, 8)]), 4)
    assert first[:3] == ("0123456", 1, 3)
    assert first.rivals.tolist() == [False] * 6 + [True]
    assert second[:3] == ("23456789", 4, 6)
    assert second.rivals.tolist() == [True] + [False] * 7
    inner, outer = around(Targets("0123", [(1, 2), (0, 3)]), 4)
    assert inner.rivals.tolist() == [True, True, True, False]
    assert outer.rivals.tolist() == [False, True, False, False]


def test_marks_are_padded():
    windows = [*around(Targets("01234", [(1, 2), (3, 5)]), 9), *around(Targets("01", [(0, 1)]), 9)]
    batch = marks(windows)
    assert batch.lengths.tolist() == [5, 5, 2]
    target, rival = batch.data[..., :MARK_WIDTH], batch.data[..., MARK_WIDTH:]
    for columns, expected in (
        (target, ["01000", "00011", "10000"]),
        (rival, ["00011", "01000", "00000"]),
    ):
        for column in range(MARK_WIDTH):
            rows = columns[..., column].T.astype(int)
            assert ["".join(map(str, row)) for row in rows] == expected


@pytest.mark.parametrize("limit", [1, 20, 10_000])
def test_batch_mates_do_not_matter(reader, monkeypatch, limit):
    monkeypatch.setattr(polarity, "BATCH_CHARS", limit)
    together = reader.predict(TEXTS)
    alone = [reader.predict([text]) for text in TEXTS if text.places]
    assert together.shape == (4, 3)
    assert numpy.abs(together - numpy.concatenate(alone)).max() < 1e-5
    trained, _ = reader.begin_update(TEXTS)  # without dropout, the same
    assert numpy.abs(together - trained).max() < 0.05  # of 8 bits
    assert numpy.abs(together[0] - together[1]).max() > 1e-3


def test_rivals_and_what_is_near_are_seen_alone(reader):
    text = "我喜欢本田，我不喜欢丰田"
    (alone,) = reader.predict([Targets(text, [(3, 5)])])
    beside = reader.predict([Targets(text, [(3, 5), (10, 11)])])[0]
    assert numpy.abs(alone - beside).max() > 1e-4
    far = reader.predict([Targets(text, [(3, 5), (11, 12)])])[0]
    assert numpy.abs(alone - far).max() < 1e-5


def test_every_weight_gets_a_gradient(reader):
    scores, backprop = reader.begin_update(TEXTS)
    weights = numpy.arange(scores.size, dtype="float32").reshape(scores.shape)
    backprop(weights)
    modules = [shim.module for node in reader.walk() for shim in node.shims]
    assert len(modules) == 3
    for module in modules:
        for name, parameter in module.named_parameters():
            assert parameter.grad.abs().max() > 0, name


def test_nothing_in_nothing_out(reader):
    assert len(reader.predict([])) == len(reader.predict([Targets("今天", [])])) == 0
