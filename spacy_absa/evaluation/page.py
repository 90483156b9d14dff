"""The evaluation report as one HTML page that needs nothing but itself."""

from markupsafe import Markup, escape
from plotly import graph_objects as go
from spacy import displacy

from ..pages import FONT, embed, render
from ..pipeline.annotations import DISPLACY_COLORS
from ..types import Fields

_CONFIG = {"displayModeBar": False}
_CHARTS = {
    "absa_score": "absa_score: the entity is right",
    "sentiment_scores": "sentiment_scores: the label of an entity found is right",
}


def render_page(figures: Fields) -> str:
    """The page of `figures.evaluation_figures`, with `pipeline`, `gold`, `train` and `comparison`.

    All that comes from the data is escaped; the page's own policy forbids it to load anything.
    """
    charts = (
        (name, reliability_diagram(figures["calibration"][name], title))
        for name, title in _CHARTS.items()
    )
    return render(
        "spacy_absa.evaluation",
        "evaluation.html.jinja",
        {"score": _score, "signed": _signed, "highlight": _highlight},
        **figures,
        others=_others(figures["scores"]),
        charts=[embed(chart, f"chart-{name}", _CONFIG) for name, chart in charts],
    )


def reliability_diagram(figures: Fields, title: str) -> go.Figure:
    """How often entities are right, by their probability; bars are their shares of all entities."""
    bins = figures["bins"]
    diagram = go.Figure(layout={"title": title, "template": "plotly_white", "barmode": "overlay"})
    diagram.add_bar(
        x=[(b["from"] + b["to"]) / 2 for b in bins],
        y=[b["n"] / figures["n"] for b in bins],
        width=0.098,
        marker_color="#e2e8f0",
        name="share of entities",
        hoverinfo="skip",
    )
    diagram.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": "#64748b"},
        name="as often right as they say",
        hoverinfo="skip",
    )
    diagram.add_scatter(
        x=[b["probability"] for b in bins],
        y=[b["right"] for b in bins],
        mode="lines+markers",
        line={"color": "#2563eb"},
        marker={"size": [6 + 14 * (b["n"] / figures["n"]) ** 0.5 for b in bins]},
        name="this pipeline",
        customdata=[b["n"] for b in bins],
        hovertemplate="probability %{x:.2f}, right %{y:.0%} of %{customdata}<extra></extra>",
    )
    diagram.update_xaxes(range=[0, 1.02], title="Probability", dtick=0.2)
    diagram.update_yaxes(range=[0, 1.02], title="Share that is right", dtick=0.2)
    diagram.update_layout(
        width=520,
        height=480,
        margin={"l": 60, "r": 20, "t": 50, "b": 100},
        font={"family": FONT, "color": "#334155", "size": 13},
        title_font_size=15,
        legend={"orientation": "h", "y": -0.18},
    )
    return diagram


def _others(scores: Fields) -> Fields:
    """What `spacy evaluate` gives besides the scores of the component."""
    return {
        name: value
        for name, value in scores.items()
        if not name.startswith("absa_") and isinstance(value, int | float)
    }


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _highlight(text: str, entities: list[Fields]) -> Markup:
    """Entities marked by displaCy, with their scores where they have one."""
    named = [{**entity, "label": _label(entity)} for entity in entities]
    colors = {
        ent["label"]: DISPLACY_COLORS.get(entity["label"], "#ddd")
        for ent, entity in zip(named, entities, strict=True)
    }
    html = displacy.render(
        {"text": text, "ents": named, "title": None},
        manual=True,
        style="ent",
        page=False,
        jupyter=False,
        options={"colors": colors},
    )
    return Markup(html)  # nosec B704 - displaCy escapes the text, labels are escaped before


def _label(entity: Fields) -> str:
    # displaCy escapes texts, but not labels
    label = str(escape(entity["label"]))
    return label if entity["score"] is None else f"{label} {entity['score']:.2f}"
