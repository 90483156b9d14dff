"""The report as one HTML page that needs nothing but itself."""

import json
from collections.abc import Callable
from datetime import date

from markupsafe import Markup
from plotly.graph_objects import Figure

from ..pages import embed, render
from ..pipeline.annotations import SENTIMENT_COLORS
from ..types import Fields
from . import charts
from .dates import Period, period_starts
from .highlight import highlight
from .quotes import SAMPLE_SIZE

# Groups and entities of a chart, beyond which it cannot be read
_MAX_GROUPS = 6
_MAX_LINES = 8
# No button that would send a chart to plotly's servers
_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    "showSendToCloud": False,
}


def render_page(summary: Fields, top: int) -> str:
    """The page of a summary, with its first ``top`` entities.

    All that comes from texts is escaped; the page's own policy forbids it to load anything.
    """
    entities = summary["entities"][:top]
    by_key = {entity["key"]: entity for entity in summary["entities"] if not entity["id"]}
    starts = _starts(summary["time"])
    groups = list(summary["group"]["texts"])[:_MAX_GROUPS] if summary["group"] else []
    return render(
        "spacy_absa.report",
        "report.html.jinja",
        _FILTERS,
        summary=summary,
        entities=entities,
        outside=[by_key[key] for key in summary["worth_adding"]][:top],
        warnings=_warnings(summary),
        sample_size=SAMPLE_SIZE,
        has_explanation=_has_explanation(entities),
        groups=groups,
        colors=SENTIMENT_COLORS,
        comparison=_div(charts.comparison(entities), "comparison"),
        trends=_div(charts.trends(entities[:_MAX_LINES], starts), "trends") if starts else "",
        by_group=_div(charts.by_group(entities, groups), "by-group") if groups else "",
        cards=[
            (entity, _div(charts.trend(entity, starts), f"trend-{i}") if starts else "")
            for i, entity in enumerate(entities)
        ],
    )


def _has_explanation(entities: list[Fields]) -> bool:
    quotes = (q for entity in entities for those in entity["quotes"].values() for q in those)
    return any(quote["explanation"] for quote in quotes)


def _pattern(entity: Fields) -> str:
    """A line of an entity list in JSONL."""
    return json.dumps({"pattern": entity["name"], "id": entity["name"]}, ensure_ascii=False)


_FILTERS: dict[str, Callable] = {
    "count": lambda n: f"{n:,}",
    "percent": lambda x: f"{100 * x:.0f} %",
    "precise": lambda x: f"{100 * x:.1f} %",
    "signed": lambda x: f"{x:+.2f}".replace("-", "−"),
    "highlight": highlight,
    "pattern": _pattern,
}


def _div(figure: Figure, name: str) -> Markup:
    return embed(figure, name, _CONFIG)


def _starts(time: Fields | None) -> list[str]:
    if time is None:
        return []
    first, last = date.fromisoformat(time["first"]), date.fromisoformat(time["last"])
    return [start.isoformat() for start in period_starts(first, last, Period(time["period"]))]


def _warnings(summary: Fields) -> list[str]:
    """What a reader has to know before trusting a figure."""
    sources = summary["sources"]
    small = sum(entity["small"] for entity in summary["entities"])
    pipelines = {source["pipeline"]["sha256"] for source in sources if "pipeline" in source}
    lexicons = {source["lexicon"]["sha256"] for source in sources if "lexicon" in source}
    unknown = sum("pipeline" not in source for source in sources)
    quarantined = sum(source.get("quarantined", 0) for source in sources)
    time, group = summary["time"], summary["group"]
    warnings = [
        (
            small,
            f"{small:,} of {len(summary['entities']):,} entities have fewer than "
            f"{summary['small']} mentions: their shares are little more than anecdotes.",
        ),
        (
            len(pipelines) > 1,
            "The sources were annotated by different pipelines: differences between them may be "
            "the pipelines'.",
        ),
        (len(lexicons) > 1, "The sources were annotated with different entity lists."),
        (
            unknown,
            "Single files do not tell which pipeline annotated them, or how many texts it could "
            f"not read: {unknown} of {len(sources)} sources.",
        ),
        (quarantined, f"{quarantined:,} rows could not be annotated and are in no figure."),
        (
            not any(entity["id"] for entity in summary["entities"]),
            "No entity has an id: the pipeline had no entity list, so other names of an entity "
            "are counted apart.",
        ),
    ]
    if time:
        example = f" (such as {time['unread']})" if time["unread"] else ""
        text = (
            f"{time['missing']:,} texts have no readable date at {time['column']!r}{example}: they "
            "are in every figure but the trends."
        )
        warnings.append((time["missing"], text))
    if group:
        text = (
            f"{group['missing']:,} texts have no value at {group['column']!r}: they are in every "
            "figure but the comparison of groups."
        )
        warnings.append((group["missing"], text))
    return [text for applies, text in warnings if applies]
