"""How a checklist is shown on the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from weaviate_migration.work_folder.checklist import Checklist

_STYLES = {"passed": "green", "warned": "yellow", "failed": "red", "skipped": "dim"}


def show_checklist(checklist: Checklist, console: Console) -> None:
    """A line for each item, then what to do about those that are not well, and the verdict."""
    table = Table(title=checklist.kind.capitalize(), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("item", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("figure", overflow="fold")
    for each in checklist.items:
        table.add_row(each.name, each.verdict, each.figure, style=_STYLES[each.verdict])
    console.print(table)
    for each in checklist.items:
        if each.remedy:
            console.print(f"{each.name}: {each.remedy}", style=_STYLES[each.verdict], soft_wrap=True)
    console.print(_closing_line(checklist), soft_wrap=True)


def _closing_line(checklist: Checklist) -> str:
    counts = ((verdict, len(checklist.having(verdict))) for verdict in ("passed", "warned", "failed", "skipped"))
    return ", ".join(f"{number} {verdict}" for verdict, number in counts if number) + "."
