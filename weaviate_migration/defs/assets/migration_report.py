"""The report: what became of the migration, for the person who hands it over."""

import logging
from collections.abc import Iterator, Sequence

import dagster as dg

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring.report import MigrationReport, html_page, markdown_page, migration_report
from weaviate_migration.runs.checks import AssetGraph, graph_of
from weaviate_migration.runs.jobs import CUTOVER, MIGRATION_REPORT
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.storage import write_whole

logger = logging.getLogger(__name__)


def build_migration_report_asset(
    mapping: Mapping, names: DagsterNames, proven_by: Sequence[dg.AssetsDefinition]
) -> dg.AssetsDefinition:
    """The asset `migration_report`, after the cutover.

    Args:
        proven_by: the assets and checks of the mapping, which it tells of.
    """
    graph = graph_of(proven_by)

    @dg.asset(
        key=names.asset(MIGRATION_REPORT),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.CLEANUP),
        kinds={"html", "markdown"},
        owners=groups.OWNERS,
        tags=groups.stage("report"),
        deps=[names.asset(CUTOVER)],
        output_required=False,
        description=(
            "What became of the migration, as one HTML page and as Markdown in the work folder: times, rows, errors, "
            "what the audit found, checks, certificate, lag, the switch, and who has to do what next. A report that "
            "cannot be made fails nothing: the log says why. Of a migration that failed `weaviate-migration report` "
            "makes it."
        ),
    )
    @with_resources_of(names)
    def report(
        context: dg.AssetExecutionContext,
        weaviate: dg.ResourceParam[TargetServer],
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> Iterator[dg.MaterializeResult[None]]:
        try:
            metadata = _written(context.instance, names, graph, mapping, work_folder, weaviate.url)
        except Exception:
            logger.exception("The report could not be made; nothing else is affected")
            return
        yield dg.MaterializeResult(metadata=metadata)

    return report


def _written(
    instance: dg.DagsterInstance,
    names: DagsterNames,
    graph: AssetGraph,
    mapping: Mapping,
    work_folder: WorkFolder,
    target: str,
) -> dict[str, dg.MetadataValue | int]:
    """Writes both files, and returns what the asset shows of them."""
    found = migration_report(instance, names, graph, mapping, work_folder, target)
    markdown = markdown_page(found)
    page, text = work_folder.report_path, work_folder.report_path.with_suffix(".md")
    scratch = work_folder.ensure_scratch()
    write_whole(page, html_page(found), scratch)
    write_whole(text, markdown, scratch)
    return {
        "report": dg.MetadataValue.md(markdown),
        "page": dg.MetadataValue.path(str(page)),
        "markdown": dg.MetadataValue.path(str(text)),
        **_report_counts(found),
    }


def _report_counts(found: MigrationReport) -> dict[str, int]:
    return {
        "rows": sum(each.tally.rows for each in found.collections),
        "quarantined": found.refused,
        "checks": len(found.checks.outcomes),
        "failed_steps": len(found.failures),
    }
