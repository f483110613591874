"""What docs/init.md says of how types are found, held to the code."""

import re

from weaviate_migration.phases.preflight.inference import finding, text_guess, vector_guess
from weaviate_migration_tests.documentation import PAGES

SECTION = PAGES["init.md"].split("## How types are found\n", 1)[1].split("\n## ", 1)[0]


def test_the_figures() -> None:
    assert finding.NEARLY_ALL == 0.9
    assert "nine in ten" in SECTION
    assert text_guess.REPEATED == 4
    assert "each text four times or more" in SECTION
    for figure, after in (
        (vector_guess.SHORTEST, "JSON arrays of"),
        (text_guess.LONGEST_INDEXED, "more than"),
        (text_guess.LONGEST_CHOICE, "four times or more, up to"),
        (text_guess.LONGEST_WHOLE, "single words, up to"),
    ):
        assert re.search(rf"{after} {figure:,}\b", SECTION), f"{after} {figure:,}"
