"""What a pipeline says of texts, with each request's own settings, as plain data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from threading import Lock
from typing import Any

from spacy import displacy
from spacy.language import Language

from ..decoding.viterbi import Mode
from ..lexicon import Lexicon
from ..pipeline.absa_gru import AbsaGRU
from ..pipeline.char_pipe import pipes_with_lexicon
from ..pipeline.explain import explain
from ..pipeline.judges import final_judge
from ..types import CharSpan

Result = dict[str, Any]


class Analyser:
    """A pipeline that several threads may ask, one at a time.

    What a request sets is undone before the next one is let in.
    """

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp
        self.pipe: AbsaGRU = nlp.get_pipe("absa_gru")
        # Of the pipeline itself, whatever a request sets meanwhile.
        self.lexicon = self.pipe.lexicon
        self._lexicons = [(pipe, pipe.lexicon) for pipe in pipes_with_lexicon(nlp)]
        self.mode: Mode = self.pipe.lexicon_mode
        self._lock = Lock()

    def analyse(
        self,
        texts: Sequence[str],
        *,
        lexicon: Lexicon | None = None,
        mode: Mode | None = None,
        n_readings: int = 0,
        explained: bool = False,
        html: bool = False,
    ) -> list[Result]:
        """The `text` and `entities` of each text, as in `doc._.absa`; on request more.

        lexicon, mode: instead of the pipeline's own. n_readings: the best `readings` of the tagger,
        each with its `probability` and `entities`. explained: an `explanation` in each entity.
        html: displaCy's markup of the text and of each reading, all text escaped.
        """
        with self._lock, self._settings(lexicon, mode), self.nlp.memory_zone():
            docs = list(self.nlp.pipe(texts))
            if explained:
                explain(final_judge(self.nlp), docs)
            results: list[Result] = [
                {"text": doc.text, "entities": doc._.absa or []} for doc in docs
            ]
            if n_readings:
                found = self.pipe.readings(docs, n_readings)
                for result, readings in zip(results, found, strict=True):
                    result["readings"] = [_reading(result["text"], *one) for one in readings]
        if html:
            for result in results:
                for part in (result, *result.get("readings", [])):
                    part["html"] = _render(result["text"], part["entities"])
        return results

    @contextmanager
    def _settings(self, lexicon: Lexicon | None, mode: Mode | None) -> Iterator[None]:
        if lexicon is not None:
            for pipe, _ in self._lexicons:
                pipe.set_lexicon(lexicon)
        self.pipe.lexicon_mode = mode or self.mode
        try:
            yield
        finally:
            for pipe, own in self._lexicons:
                pipe.set_lexicon(own)
            self.pipe.lexicon_mode = self.mode


def _reading(text: str, entities: list[CharSpan], probability: float) -> dict[str, Any]:
    return {"probability": probability, "entities": [_entity(text, *span) for span in entities]}


def _entity(text: str, start: int, end: int, label: str) -> dict[str, Any]:
    return {"text": text[start:end], "start": start, "end": end, "label": label}


def _render(text: str, entities: list[dict[str, Any]]) -> str:
    """displaCy's markup; it escapes the text, but not the labels."""
    ents = [
        {"start": entity["start"], "end": entity["end"], "label": escape(entity["label"])}
        for entity in entities
    ]
    return displacy.render({"text": text, "ents": ents}, style="ent", manual=True, jupyter=False)
