"""The report as one HTML page, with all that it needs inside."""

import re
from typing import TYPE_CHECKING

from weaviate_migration.base.redaction import redacted
from weaviate_migration.base.texts import printable
from weaviate_migration.monitoring.report.document import Cell, Verdict, shown
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.pictures import svg
from weaviate_migration.monitoring.report.sections import document_of

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATE = "page.html"
# A text of so many characters is not broken but at its spaces.
_SHORT_TEXT = 28
_CODE = re.compile("`([^`]+)`")


def html_page(report: MigrationReport) -> str:
    """The page; whatever the source's values hold is text in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "cell_class": _cell_class, "prose": _prose}
    environment.globals["svg"] = svg
    return environment.get_template(_TEMPLATE).render(document=document_of(report))


def _cleaned(value: object) -> object:
    """Text without secrets, and without what no terminal and no page takes; what is markup already stays."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else printable(redacted(value))


def _prose(text: str) -> "Markup":
    """The text, escaped; what is between backticks is shown as code."""
    from markupsafe import Markup, escape

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(_cleaned(text)))))


def _cell_class(value: Cell) -> str:
    """How a cell is laid out: numbers to the right, verdicts in colour, a number beside its unit, long texts broken."""
    if isinstance(value, Verdict):
        return value.tone
    if isinstance(value, str):
        return "text" if len(value) > _SHORT_TEXT else "figure" if value[:1].isdigit() else ""
    return "number" if value is not None else ""
