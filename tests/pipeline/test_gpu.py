"""The same answers on a GPU as on a CPU. Skipped where torch has no CUDA or thinc no CuPy."""

import numpy
import pytest
import spacy
from spacy.training import Example
from thinc.api import require_cpu, require_gpu, set_gpu_allocator
from thinc.compat import has_cupy_gpu

from .conftest import GOLD, TINY, examples_of, train

pytestmark = pytest.mark.skipif(not has_cupy_gpu, reason="needs a GPU, torch with CUDA and CuPy")


@pytest.fixture
def gpu():
    require_gpu()
    set_gpu_allocator("pytorch")
    yield
    require_cpu()


def answers(nlp):
    return [[(m["start"], m["end"], m["label"]) for m in doc._.absa] for doc in nlp.pipe(GOLD)]


def test_a_pipeline_trained_on_the_cpu_runs_on_the_gpu(trained, gpu):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    nlp.from_bytes(trained.to_bytes())
    assert nlp.get_pipe("absa_gru").model.layers[0].ops.name == "cupy"
    assert answers(nlp) == [[tuple(span) for span in spans] for spans in GOLD.values()]


def test_a_tagger_trained_on_the_gpu_runs_on_the_cpu(gpu):
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    train(nlp, examples_of(nlp), 80)
    on_gpu, data = answers(nlp), nlp.to_bytes()
    require_cpu()
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    assert answers(nlp.from_bytes(data)) == on_gpu != [[]] * len(GOLD)


def test_the_language_model_learns_on_the_gpu(gpu):
    nlp = spacy.blank("zh")
    pipe = nlp.add_pipe("char_lm")
    examples = [Example(doc, doc) for doc in map(nlp.make_doc, GOLD)]
    optimizer = nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=optimizer)[pipe.name] for _ in range(30)]
    assert numpy.isfinite(losses).all()
    assert losses[-1] < losses[0] / 2
