"""Files of strangers: loading them executes nothing, and what we write is safe to open."""

import io
import pickle
from pathlib import Path

import numpy
import pytest
import spacy
import srsly
import torch

from spacy_absa.data.tables import neutralise

from .pipeline.conftest import TINY, examples_of

BILSTM = {
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 8,
        "attrs": ["NORM"],
        "rows": [50],
        "include_static_vectors": False,
    },
    "encode": {
        "@architectures": "spacy.TorchBiLSTMEncoder.v1",
        "width": 8,
        "depth": 1,
        "dropout": 0.1,
    },
}


class Payload:
    """What is unpickled from this touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def trap(tmp_path):
    """A file that must not come to be, and what would make it if it were unpickled."""
    path = tmp_path / "executed"
    data = pickle.dumps(Payload(path))
    pickle.loads(data)
    path.unlink()
    yield data
    assert not path.exists()


@pytest.fixture
def pipeline(tmp_path):
    """A saved pipeline whose weights are in layers of ours and in one of thinc's."""
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": {**TINY, "words": BILSTM}})
    nlp.initialize(lambda: examples_of(nlp))
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def replace_weights(pipeline, replace):
    """Put what `replace` makes of each message of weights into its place; returns how many."""
    path = pipeline / "absa_gru" / "model"
    model = srsly.msgpack_loads(path.read_bytes())
    count = 0
    for shims in model["shims"]:
        for i, data in enumerate(shims):
            replaced = replace(srsly.msgpack_loads(data))
            if replaced is not None:
                shims[i] = srsly.msgpack_dumps(replaced)
                count += 1
    path.write_bytes(srsly.msgpack_dumps(model))
    return count


def test_a_pickled_model_is_not_loaded(pipeline, trap):
    (pipeline / "absa_gru" / "model").write_bytes(trap)
    with pytest.raises(Exception):  # noqa: B017 - msgpack has many
        spacy.load(pipeline)


@pytest.mark.parametrize("kind", [b"", b"O"])
def test_pickled_arrays_are_not_loaded(pipeline, trap, kind):
    array = {b"nd": True, b"type": "|O", b"kind": kind, b"shape": (1,), b"data": trap}

    def replace(message):
        if message.get("state") and isinstance(message["state"], dict):
            return {**message, "state": dict.fromkeys(message["state"], array)}

    assert replace_weights(pipeline, replace)
    with pytest.raises(ValueError, match="OBJECT array"):
        spacy.load(pipeline)


@pytest.mark.parametrize("is_zip", [True, False])
def test_pickled_weights_of_other_layers_are_not_loaded(pipeline, trap, tmp_path, is_zip):
    file = io.BytesIO()
    payload = Payload(tmp_path / "executed")
    torch.save(payload, file, _use_new_zipfile_serialization=is_zip)

    def replace(message):
        return {**message, "state": file.getvalue()} if "config" in message else None

    assert replace_weights(pipeline, replace) == 1
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        spacy.load(pipeline)


def test_pickled_vectors_are_not_loaded(pipeline, trap, tmp_path):
    vectors = numpy.array([Payload(tmp_path / "executed")], dtype=object)
    numpy.save(pipeline / "vocab" / "vectors.npy", vectors, allow_pickle=True)
    (pipeline / "vocab" / "vectors.npy").rename(pipeline / "vocab" / "vectors")
    with pytest.raises(ValueError, match="allow_pickle=False"):
        spacy.load(pipeline)


def test_no_field_is_a_formula():
    for formula in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert neutralise(formula) == f"'{formula}"
    for field in ("", "本田", "a=b", "'", "1-2"):
        assert neutralise(field) == field
