"""Rows of the extract against objects of the same range of UUIDs in Weaviate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CountComparison:
    """Rows and objects of one partition."""

    rows: int
    objects: int

    @property
    def passed(self) -> bool:
        """Whether there are as many objects as rows."""
        return self.rows == self.objects

    def to_text(self) -> str:
        """One sentence: what was compared, and what to do where it differs."""
        if self.passed:
            return f"{self.rows} rows in the extract, as many objects in Weaviate."
        what = f"{self.rows - self.objects} are missing" if self.objects < self.rows else "there are too many"
        return (
            f"{self.rows} rows in the extract, {self.objects} objects in Weaviate: {what}. "
            "Refused rows are in the quarantine, with reasons; materializing the partition again repairs the rest."
        )
