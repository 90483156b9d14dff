"""The charts of the page, with plotly (the extra ``report``).

A hollow marker is a figure from few mentions; bars through markers are 95 % intervals. Plotly reads
some HTML in its labels, so that all names are escaped here.
"""

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import Any

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from ..pages import FONT
from ..pipeline.annotations import SENTIMENT_COLORS
from ..types import Fields

_INK = "#334155"
_GRID = "#e5e7eb"
_LINES = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#65a30d", "#9f1239")
_MAX_NAME = 18
_NET_RANGE = [-1.05, 1.05]
# Lines that are drawn at first; the legend adds the others.
_N_LINES = 4
_ROW = 30  # pixels

# What stands for a period without mentions: lines break there.
_NOTHING: Fields = {
    "mentions": 0,
    "small": True,
    "net": {"value": None, "low": None, "high": None},
    **{sentiment: {"mentions": 0} for sentiment in SENTIMENT_COLORS},
}


def chart_labels(entities: Iterable[Fields]) -> list[str]:
    """A short name of each, in HTML; those that would be the same are told apart."""
    names = [
        name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
        for name in (entity["name"] for entity in entities)
    ]
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(escape(name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return labels


def comparison(entities: list[Fields]) -> go.Figure:
    """Shares of the sentiments and net sentiment, an entity a row."""
    labels = [
        f"{label}  n = {entity['mentions']:,}"
        for label, entity in zip(chart_labels(entities), entities, strict=True)
    ]
    figure = make_subplots(
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.06,
        subplot_titles=("Share of mentions", "Net sentiment"),
    )
    for sentiment, color in SENTIMENT_COLORS.items():
        parts = [entity[sentiment] for entity in entities]
        figure.add_bar(
            row=1,
            col=1,
            orientation="h",
            y=labels,
            x=[part["value"] for part in parts],
            name=sentiment,
            marker_color=color,
            customdata=[
                [part["mentions"], entity["mentions"], part["low"], part["high"]]
                for part, entity in zip(parts, entities, strict=True)
            ],
            hovertemplate="%{y}: %{x:.0%} " + sentiment + " (%{customdata[0]} of %{customdata[1]})"
            "<br>95 % interval %{customdata[2]:.0%} to %{customdata[3]:.0%}<extra></extra>",
        )
    figure.add_scatter(row=1, col=2, y=labels, **_net(entities, "x", "%{y}", _INK))
    figure.add_vline(x=0, row=1, col=2, line_color=_INK, line_width=1)
    figure.update_xaxes(col=1, tickformat=".0%", range=[0, 1])
    figure.update_xaxes(col=2, range=_NET_RANGE, tickformat="+.1f", zeroline=False)
    figure.update_yaxes(type="category", autorange="reversed", ticksuffix=" ")
    return _styled(figure, 130 + _ROW * len(entities), barmode="stack")


def by_group(entities: list[Fields], groups: list[str]) -> go.Figure:
    """Net sentiment of each entity in each group."""
    figure = go.Figure()
    labels = chart_labels(entities)
    for group, color in zip(groups, _LINES, strict=False):
        there = [
            (label, entity["groups"][group])
            for label, entity in zip(labels, entities, strict=True)
            if group in entity["groups"]
        ]
        style = _net([figures for _, figures in there], "x", "%{y}, %{fullData.name}", color)
        style |= {
            "name": escape(group),
            "offsetgroup": group,
            "orientation": "h",
            "showlegend": True,
        }
        figure.add_scatter(y=[label for label, _ in there], **style)
    figure.update_xaxes(range=_NET_RANGE, tickformat="+.1f", title="Net sentiment")
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels,
        autorange="reversed",
        ticksuffix=" ",
    )
    row = max(_ROW, 14 * len(groups))
    return _styled(figure, 150 + row * len(entities), scattermode="group")


def trends(entities: list[Fields], starts: list[str]) -> go.Figure:
    """Net sentiment over time, a line for each entity; without mentions the line breaks."""
    figure = go.Figure()
    for i, (label, entity) in enumerate(zip(chart_labels(entities), entities, strict=True)):
        style = _net(
            _at(entity, starts), "y", "%{fullData.name}, %{x|%Y-%m-%d}", _LINES[i % len(_LINES)]
        )
        style |= {
            "name": label,
            "mode": "lines+markers",
            "showlegend": True,
            "error_y": None,
            "visible": True if i < _N_LINES else "legendonly",
        }
        figure.add_scatter(x=starts, **style)
    figure.update_xaxes(type="date")
    figure.update_yaxes(range=_NET_RANGE, tickformat="+.1f", title="Net sentiment")
    return _styled(figure, 420)


def trend(entity: Fields, starts: list[str]) -> go.Figure:
    """Net sentiment and mentions of one entity over time."""
    figures = _at(entity, starts)
    chart = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.6, 0.4])
    chart.add_scatter(row=1, col=1, x=starts, **_net(figures, "y", "%{x|%Y-%m-%d}", _INK))
    for sentiment, color in SENTIMENT_COLORS.items():
        chart.add_bar(
            row=2,
            col=1,
            x=starts,
            y=[one[sentiment]["mentions"] for one in figures],
            name=sentiment,
            marker_color=color,
            hovertemplate="%{x|%Y-%m-%d}: %{y} " + sentiment + "<extra></extra>",
        )
    chart.update_xaxes(type="date")
    chart.update_yaxes(row=1, range=_NET_RANGE, title="net", tickformat="+.1f")
    chart.update_yaxes(row=2, title="mentions", rangemode="tozero")
    return _styled(chart, 290, barmode="stack", showlegend=False)


def _at(entity: Fields, starts: list[str]) -> list[Fields]:
    """The figures of each period; where there is no mention, none."""
    by_start = {figures["start"]: figures for figures in entity["trend"]}
    return [by_start.get(start, _NOTHING) for start in starts]


def _net(figures: list[Fields], axis: str, title: str, color: str) -> Fields:
    """A trace of net sentiment along an axis, with intervals."""
    nets = [one["net"] for one in figures]
    return {
        axis: [net["value"] for net in nets],
        f"error_{axis}": {
            "array": [_distance(net["value"], net["high"]) for net in nets],
            "arrayminus": [_distance(net["low"], net["value"]) for net in nets],
            "thickness": 1.5,
            "width": 0,
            "color": color,
        },
        "mode": "markers",
        "showlegend": False,
        "line": {"color": color, "width": 2},
        "marker": {
            "color": color,
            "size": 8,
            "symbol": ["circle-open" if one["small"] else "circle" for one in figures],
        },
        "customdata": [
            [net["low"], net["high"], one["mentions"]]
            for net, one in zip(nets, figures, strict=True)
        ],
        "hovertemplate": f"{title}: %{{{axis}:+.2f}} (n = %{{customdata[2]}})"
        "<br>95 % interval %{customdata[0]:+.2f} to %{customdata[1]:+.2f}<extra></extra>",
    }


def _distance(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low


def _styled(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 20, "t": 60, "b": 40},
        font={"family": FONT, "color": _INK, "size": 13},
        # Above the names of the panels
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "yref": "container",
            "y": 1,
            "yanchor": "top",
        },
        **layout,
    )
    figure.update_xaxes(automargin=True, gridcolor=_GRID)
    figure.update_yaxes(automargin=True, gridcolor=_GRID)
    return figure
