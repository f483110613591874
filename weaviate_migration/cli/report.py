"""`report`: what became of a migration, to be handed over."""

from pathlib import Path
from typing import Any

import click

from weaviate_migration.api.report import read_migration_report
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.document import STANDARD_OUTPUT, write_document
from weaviate_migration.cli.show.options import (
    EPILOG,
    MARKDOWN_OPTION,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell
from weaviate_migration.monitoring.report import html_page, markdown_page
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.storage import local_path, url_of, write_whole


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option("--html", metavar="FILE", help="Write one HTML page; default: report.html in the storage.")
@MARKDOWN_OPTION
def report(as_json: bool, html: str | None, markdown: str | None, **options: Any) -> int:
    """Write the report of the newest migration. It may have finished or failed; a FILE may be - for standard output."""
    if sum([as_json, html == STANDARD_OUTPUT, markdown == STANDARD_OUTPUT]) > 1:
        raise click.UsageError("Only one of --json, --html - and --markdown - can have standard output.")
    config = config_with_optional_source(**options)
    found = read_migration_report(config)
    if html is None and markdown is None and not as_json:
        kept = WorkFolder.of(config).report_path
        if local_path(kept) is None:
            write_whole(kept, html_page(found))
            tell(f"Report: {url_of(kept)}")
            return 0
        html = str(kept)
    if html is not None:
        write_document("--html", html, html_page(found))
    if markdown is not None:
        write_document("--markdown", markdown, markdown_page(found))
    if as_json:
        print_json(found.to_dict())
    elif STANDARD_OUTPUT not in (html, markdown):
        _print_paths([html, markdown])
    return 0


def _print_paths(files: list[str | None]) -> None:
    for file in files:
        if file is not None:
            tell(f"Report: {Path(file).absolute()}")
