"""Charts as SVG, to be put into a page: no file of its own, nothing that is loaded from elsewhere."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from weaviate_migration.monitoring.report.document import Bars, Chart, Lines, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches of 72 points: a page on a telephone is hardly wider, and there the letters keep their size.
_WIDTH = 5.0
_BAR_HEIGHT = 0.3
_LINES_HEIGHT = 2.3
_BLUE = "#1f5f99"
# Told apart in grey and by people who see few colours (the palette of Okabe and Ito, without its yellow).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#5b5b5b", "#e69f00")


def svg(chart: Chart, name: str) -> str:
    """The chart as an `<svg>` element.

    Args:
        name: no other chart of the page has it: ids inside the picture begin with it.
    """
    if isinstance(chart, Bars):
        return _drawn(name, 0.5 + _BAR_HEIGHT * len(chart.values), lambda axes: _draw_bars(axes, chart))
    return _drawn(name, _LINES_HEIGHT, lambda axes: _draw_lines(axes, chart))


def _drawn(name: str, height: float, draw: Callable[["Axes"], None]) -> str:
    # Imported only now: it takes a second, and every other command would wait for it.
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9, "text.parse_math": False}
    ):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _for_a_page(file.getvalue(), name)


def _draw_bars(axes: "Axes", chart: Bars) -> None:
    bars = axes.barh(list(chart.values), list(chart.values.values()), color=_BLUE)
    axes.bar_label(bars, [shown(value) for value in chart.values.values()], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set_xlabel(chart.unit)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")


def _draw_lines(axes: "Axes", chart: Lines) -> None:
    for colour, (name, line) in zip(_COLOURS * len(chart.lines), chart.lines.items(), strict=False):
        seconds, values = zip(*line, strict=True)
        axes.plot(seconds, values, label=name, color=colour, marker="." if len(line) < 3 else "")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds since the beginning")
    axes.set_ylabel(chart.unit)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
    if len(chart.lines) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _for_a_page(document: str, name: str) -> str:
    """The element alone, scaled by the page, with ids that no other picture has."""
    element = document[document.index("<svg") :]
    element = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", element)
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return re.sub(r'^<svg xmlns:xlink="([^"]*)" width="[^"]*" height="[^"]*"', r'<svg xmlns:xlink="\1"', element)
