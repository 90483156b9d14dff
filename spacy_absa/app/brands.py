"""What many texts say of each brand: counts, and a chart of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from plotly.graph_objects import Bar, Figure

from ..pipeline.annotations import SENTIMENT_COLORS
from ..report.counting import Key, entity_key

# The brands that fit in a chart.
MAX_BARS = 20


def count_brands(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The `name` of each brand, its `mentions` and how many of each sentiment, most named first.

    Names of one id are one brand, called as it is most often.
    """
    names: dict[Key, Counter[str]] = defaultdict(Counter)
    sentiments: dict[Key, Counter[str]] = defaultdict(Counter)
    for entity in (entity for result in results for entity in result["entities"]):
        brand = entity_key(entity["id"], entity["text"])
        names[brand][entity["text"]] += 1
        sentiments[brand][entity["sentiment"]] += 1
    brands = [
        {
            "name": names[brand].most_common(1)[0][0],
            "mentions": counts.total(),
            "sentiments": dict(counts),
        }
        for brand, counts in sentiments.items()
    ]
    return sorted(brands, key=lambda brand: (-brand["mentions"], brand["name"]))


def brand_chart(brands: list[dict[str, Any]]) -> dict[str, Any]:
    """A Plotly figure, as plain data: a bar for each of the brands that are named most."""
    shown = brands[:MAX_BARS]
    seen = {sentiment for brand in shown for sentiment in brand["sentiments"]}
    order = [*SENTIMENT_COLORS, *sorted(seen - SENTIMENT_COLORS.keys())]
    figure = Figure(
        [
            Bar(
                name=sentiment,
                y=[brand["name"] for brand in shown],
                x=[brand["sentiments"].get(sentiment, 0) for brand in shown],
                orientation="h",
                marker_color=SENTIMENT_COLORS.get(sentiment),
            )
            for sentiment in order
            if sentiment in seen
        ]
    )
    figure.update_layout(
        barmode="stack",
        template="plotly_white",
        height=120 + 26 * len(shown),
        margin={"l": 10, "r": 10, "t": 40, "b": 40},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": "mentions", "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
    )
    return figure.to_plotly_json()
