"""Where the time goes, stage by stage."""

from ._report import Row
from ._subjects import Subjects


def run(subjects: Subjects) -> list[Row]:
    """Each stage's time as a multiple of that of the bare forward pass.

    The stages are the differences of what can be run on its own: `model.predict` is the forward
    pass and the making of its inputs, `predict` is `model.predict` and decoding.
    """
    nlp, component, batches = subjects.nlp, subjects.component, subjects.batches
    lexicon = component.lexicon
    mentions = [component.predict(docs) for docs in batches]
    by_batch = [[doc.text for doc in docs] for docs in batches]

    def annotate() -> None:
        for docs, found in zip(batches, mentions, strict=True):
            component.set_annotations(docs, found)

    timings = subjects.compare(
        {
            "tokenise": lambda: [nlp.make_doc(text) for text in subjects.texts],
            "forward": subjects.forward,
            "model": lambda: [component.model.predict(docs) for docs in batches],
            "predict": lambda: [component.predict(docs) for docs in batches],
            "annotate": annotate,
            "lexicon": lambda: [lexicon.find_all(texts) for texts in by_batch],
        }
    )
    seconds = {name: timing.median for name, timing in timings.items()}
    stages = {
        "tokenise": seconds["tokenise"],
        "featurise": seconds["model"] - seconds["forward"],
        "  of which lexicon": seconds["lexicon"],
        "forward": seconds["forward"],
        "decode": seconds["predict"] - seconds["model"],
        "annotate": seconds["annotate"],
    }
    stages["featurise + decode + annotate"] = (
        stages["featurise"] + stages["decode"] + stages["annotate"]
    )
    return [
        Row(
            "stages",
            name,
            1e6 * time / subjects.n_chars,
            "µs/character",
            ratio=time / stages["forward"],
            against="forward",
            bar="≤ 0.25" if "+" in name else "",
        )
        for name, time in stages.items()
    ]
