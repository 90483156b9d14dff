"""Quotes as HTML, by displaCy: entities in colours, explanations underlined."""

from itertools import pairwise

from markupsafe import Markup
from spacy import displacy

from ..pipeline.annotations import DISPLACY_COLORS
from ..types import Fields

_TEMPLATE = '<mark class="{kind}" style="background: {bg}; {line}">{text}{note}</mark>'
# The label of characters that belong to an explanation but not to an entity
_PLAIN = "PLAIN"
_COLORS = {**DISPLACY_COLORS, _PLAIN: "none"}
_WIDEST = 3  # pixels
# Lines under characters that speak for the sentiment, and under those that speak against it
_FOR, _AGAINST = "solid #1d4ed8", "dotted #b45309"


def highlight(quote: Fields) -> Markup:
    """A quote of the report's summary; its text is escaped.

    The entity in question has a frame and its probability behind it. The widest line is under the
    characters that weigh most.
    """
    doc = {"text": quote["text"], "ents": _pieces(quote)}
    options = {"template": _TEMPLATE, "colors": _COLORS}
    html = displacy.render(doc, style="ent", manual=True, options=options, jupyter=False)
    return Markup(html)  # nosec B704 - displaCy escapes the text, the template the rest


def _pieces(quote: Fields) -> list[Fields]:
    """Entities and explanations may overlap: what displaCy marks is cut so that nothing does."""
    marks, runs = quote["marks"], quote["explanation"]
    widest = max((abs(run["weight"]) for run in runs), default=0.0)
    cuts = sorted({place for span in [*marks, *runs] for place in (span["start"], span["end"])})
    pieces = []
    for start, end in pairwise(cuts):
        mark, run = _covering(marks, start, end), _covering(runs, start, end)
        if mark or run:
            params = {
                "kind": "plain" if not mark else "subject" if mark["is_subject"] else "other",
                "line": _line(run["weight"] / widest) if run and widest else "",
                "note": _note(mark) if mark and mark["end"] == end else "",
            }
            label = mark["label"] if mark else _PLAIN
            pieces.append({"start": start, "end": end, "label": label, "params": params})
    return pieces


def _covering(spans: list[Fields], start: int, end: int) -> Fields | None:
    return next((s for s in spans if s["start"] <= start and end <= s["end"]), None)


def _line(weight: float) -> str:
    width = round(abs(weight) * _WIDEST)
    return f"border-bottom: {width}px {_FOR if weight > 0 else _AGAINST}" if width else ""


def _note(mark: Fields) -> str:
    # Cut, not rounded: nothing is certain.
    return f"<small>{int(100 * mark['score'])} %</small>" if mark["is_subject"] else ""
