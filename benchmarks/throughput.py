"""Characters per second: the whole pipeline, and what it can be held against."""

from ._report import Row
from ._subjects import Subjects


def run(subjects: Subjects) -> list[Row]:
    """The pipeline against spaCy's `ner`, the component against its bare forward passes."""
    nlp, ner, texts = subjects.nlp, subjects.ner, subjects.texts
    component, batches = subjects.component, subjects.batches

    def annotate() -> None:
        for docs in batches:
            component.set_annotations(docs, component.predict(docs))

    timings = subjects.compare(
        {
            "nlp.pipe": lambda: list(nlp.pipe(texts)),
            "spaCy ner, nlp.pipe": lambda: list(ner.pipe(texts)),
            "component": annotate,
            "bare forward pass": subjects.forward,
            "bare forward pass in 32 bits": subjects.forward_in_floats,
            "tokenizer": lambda: [nlp.make_doc(text) for text in texts],
        }
    )
    against = {
        "nlp.pipe": ("spaCy ner, nlp.pipe", "≥ 3"),
        "component": ("bare forward pass", "≥ 0.8"),
    }
    rows = []
    for name, timing in timings.items():
        other, bar = against.get(name, ("", ""))
        ratio = timings[other].median / timing.median if other else None
        speed = subjects.n_chars / timing.median
        rows.append(
            Row("throughput", name, speed, "characters/s", timing.spread, ratio, other, bar)
        )
    return rows
