"""Charts for reports: a declared chart as SVG that can stand inside a page.

Belongs here: the look that all charts share, and turning a chart into SVG without a browser or a
network. Stays out: what any chart shows.

Colours are told apart by people who see red and green alike (Okabe and Ito, 2008) and stand out on
white and on black; text and lines take the colour of the page.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import altair as alt

BLUE, SKY, GREEN, ORANGE, RED, PURPLE, GREY = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#8C8C8C",
)

_FONT = "system-ui, sans-serif"
_INK = "currentColor"
_ROOM = 14


def svg(chart: alt.Chart | alt.LayerChart, *, name: str, title: str, description: str) -> str:
    """``chart`` as an inline SVG that scales with its box and names itself to screen readers.

    Args:
        chart: what to draw.
        name: unique in the page; ids within the SVG begin with it.
        title: what is shown, in a line.
        description: what there is to see, in a sentence or two.
    """
    import altair as alt
    import vl_convert

    styled = (
        chart.configure(font=_FONT, background="transparent", padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            gridColor=_INK,
            domainColor=_INK,
            tickColor=_INK,
            gridOpacity=0.14,
            domainOpacity=0.4,
            tickOpacity=0.4,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            labelLimit=170,
        )
        .configure_text(color=_INK, fontSize=11)
    )
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    drawn: str = vl_convert.vegalite_to_svg(
        styled.to_dict(), vl_version=f"{major}.{minor}", allowed_base_urls=[]
    )
    return _inline(drawn, name, title, description)


def _inline(drawn: str, name: str, title: str, description: str) -> str:
    head, _, body = drawn.partition(">")
    box = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
    if box is None:
        raise ValueError(f"chart {name}: no viewBox in {head}")
    # Text is measured in one font and shown in the reader's: room for the difference.
    width, height = float(box[1]) + 2 * _ROOM, float(box[2])
    # What a screen reader needs is in title, description and the table beside the chart.
    body = re.sub(r' (?:role="graphics-[a-z]+"|aria-[a-z]+="[^"]*")', "", body)
    body = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{-_ROOM} 0 {width:g}'
        f' {height:g}" role="img"'
        f' aria-labelledby="{name}-title {name}-description">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>{body}'
    )


def stacked_bars(
    rows: list[dict[str, Any]],
    *,
    category: str,
    categories: list[str],
    series: dict[str, str],
    width: int = 210,
    step: int = 20,
) -> alt.Chart:
    """Horizontal bars of shares that add up, one bar a category.

    Args:
        rows: dicts with ``category``, ``series`` and ``share_pct``.
        category: name of the category's field.
        categories: categories, from the top.
        series: colour of each part, in order of the bar.
        width: of the plot, in pixels.
        step: height of a bar and the gap below it, in pixels.
    """
    import altair as alt

    order = {name: place for place, name in enumerate(series)}
    values = [{**row, "place": order[row["series"]]} for row in rows]
    drawn = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(height=step - 6)
        .encode(
            y=alt.Y(f"{category}:N", sort=categories, title=None).axis(
                ticks=False, domain=False, labelPadding=6
            ),
            x=alt.X("sum(share_pct):Q", title="percent", scale=alt.Scale(domain=[0, 100])).axis(
                tickCount=5
            ),
            color=_coloured(series),
            order=alt.Order("place:Q"),
        )
        .properties(width=width, height=step * len(categories))
    )
    return cast("alt.Chart", drawn)


def calibration(
    rows: list[dict[str, Any]], *, series: dict[str, str], width: int = 270
) -> alt.LayerChart:
    """Stated confidence against what was right, with the diagonal of perfect calibration.

    Args:
        rows: dicts with ``series``, ``mean_confidence``, ``right_share`` and ``title_count``.
        series: colour of each, in order.
        width: of the square plot, in pixels.
    """
    import altair as alt

    scale = alt.Scale(domain=[0, 1])
    ideal = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(color=_INK, opacity=0.45, strokeDash=[4, 4])
        .encode(
            x=alt.X("x:Q", scale=scale, title="stated confidence"),
            y=alt.Y("y:Q", scale=scale, title="share that was right"),
        )
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("mean_confidence:Q", scale=scale, title="stated confidence"),
        y=alt.Y("right_share:Q", scale=scale, title="share that was right"),
        color=_coloured(series),
    )
    points = base.mark_point(filled=True, opacity=0.9).encode(
        size=alt.Size("title_count:Q", scale=alt.Scale(range=[18, 150]), legend=None)
    )
    layers = alt.layer(ideal, base.mark_line(strokeWidth=1.2, opacity=0.6), points)
    return cast("alt.LayerChart", layers.properties(width=width, height=width))


def lines(
    rows: list[dict[str, Any]],
    *,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    series: dict[str, str],
    width: int = 270,
) -> alt.LayerChart:
    """Lines of ``y`` over ``x``, both shares, and a mark where a row ``is_marked``."""
    import altair as alt

    lowest = min((row[y] for row in rows), default=0.0)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(f"{x}:Q", scale=alt.Scale(domain=[0, 1]), title=x_title),
        y=alt.Y(
            f"{y}:Q",
            scale=alt.Scale(domain=[max(0.0, int(lowest * 10) / 10), 1], zero=False),
            title=y_title,
        ),
        color=_coloured(series),
    )
    marks = base.transform_filter("datum.is_marked").mark_point(filled=True, size=70)
    layers = alt.layer(base.mark_line(strokeWidth=1.8), marks)
    return cast("alt.LayerChart", layers.properties(width=width, height=int(width * 0.8)))


def _coloured(series: dict[str, str]) -> alt.Color:
    import altair as alt

    return alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(series), range=list(series.values())),
        legend=None,
    )


def legend(series: dict[str, str]) -> str:
    """What each colour stands for, as an HTML list that wraps where a drawing would not."""
    items = "".join(
        f'<li><span style="background:{colour}"></span>{escape(name)}</li>'
        for name, colour in series.items()
    )
    return f'<ul class="legend">{items}</ul>'
