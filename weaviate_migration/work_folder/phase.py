"""The phases of a migration, in their order, and what the next command is in each."""

from enum import StrEnum

from weaviate_migration.work_folder.record import MigrationRecord


class Phase(StrEnum):
    """How far a migration is."""

    NOT_BEGUN = "not begun"
    SCHEMA = "schema"
    HISTORY = "history"
    DUAL_WRITE = "dual write"
    VALIDATION = "validation"
    SWITCHING = "switching"
    CUT_OVER = "cut over"
    ROLLED_BACK = "rolled back"
    CLEANED_UP = "cleaned up"


def phase_of(record: MigrationRecord, *, loaded: bool, lag: int) -> Phase:
    """The phase that a migration is in.

    Args:
        loaded: every partition of every collection was loaded.
        lag: changes of the source that are not applied yet.
    """
    if record.state == "cut over":
        return Phase.CUT_OVER
    if record.state == "cleaned up":
        return Phase.CLEANED_UP
    if record.state != "unfinished":
        return Phase.ROLLED_BACK
    if record.is_half_switched:
        return Phase.SWITCHING
    if record.snapshot is None:
        return Phase.SCHEMA
    if not loaded:
        return Phase.HISTORY
    return Phase.DUAL_WRITE if lag else Phase.VALIDATION


_GO_ON = "`weaviate-migration migrate` goes on with it."
_NEXT = {
    Phase.NOT_BEGUN: "`weaviate-migration migrate` begins one.",
    Phase.SCHEMA: _GO_ON,
    Phase.HISTORY: _GO_ON,
    Phase.DUAL_WRITE: "`weaviate-migration sync` applies what was changed since; `cutover` does that too.",
    Phase.VALIDATION: "The aliases are not moved yet: `weaviate-migration cutover` moves them.",
    Phase.SWITCHING: "Some aliases are moved and some are not: `weaviate-migration cutover` completes the switch.",
    Phase.CUT_OVER: (
        "Readers find the new collections under the aliases. `weaviate-migration rollback` leads back; "
        "`weaviate-migration cleanup` removes what is needed only for that."
    ),
    Phase.ROLLED_BACK: (
        "`weaviate-migration migrate` begins another one; `weaviate-migration rollback --discard` removes what this "
        "one made."
    ),
    Phase.CLEANED_UP: "Nothing is left to do. `weaviate-migration migrate` begins another one.",
}
_UNPROVEN = (
    "The aliases are not moved. `weaviate-migration migrate` goes on: it runs the checks that have not run, and moves "
    "the aliases once all has passed. `checks` shows what has failed, and `verify --repair` mends what differs."
)


# Those in which the objects are to follow the rows, so that what is wrong with capture is mended before anything else.
_FOLLOWING = (Phase.DUAL_WRITE, Phase.VALIDATION, Phase.CUT_OVER)


def next_step(phase: Phase, *, proven: bool = True, capture_remedy: str = "") -> str:
    """What to do now, in one or two sentences.

    Args:
        proven: every blocking check passed, no row is in the quarantine, and no object lacks a vector.
        capture_remedy: what to do about capture, where it is damaged or has missed changes.
    """
    if capture_remedy and phase in _FOLLOWING:
        return capture_remedy
    return _UNPROVEN if phase is Phase.VALIDATION and not proven else _NEXT[phase]
