"""What HTML pages that need nothing but themselves share: templates that escape, and charts."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

FONT = "system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"


def render(package: str, template: str, filters: dict[str, Callable], **values: Any) -> str:
    """Fill a template of a package, with `plotly` as the library that its charts need.

    All values are escaped but those that are markup already.
    """
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    library = Markup(get_plotlyjs())  # nosec B704 - as plotly ships it
    return environment.get_template(template).render(**values, plotly=library)


def embed(figure: Figure, div_id: str, config: dict[str, Any]) -> Markup:
    """A chart for a page that holds the library. Plotly reads some HTML in names: escape them.

    In its JSON it writes <, > and / as escapes, so that no text can end the script.
    """
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        config=config,
        div_id=div_id,
    )
    return Markup(html)  # nosec B704 - plotly escapes, names are escaped before
