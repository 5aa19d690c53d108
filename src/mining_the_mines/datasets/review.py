"""Answers of reviewers as the catalog sees them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.datasets.previews import TablePreview, table_preview, where_there_are_data

if TYPE_CHECKING:
    import pandas as pd


class ReviewAnswersDataset(AbstractDataset[None, "pd.DataFrame"]):
    """Answers of reviewers, an input: ``kedro review`` appends to their file, and pipelines read them.

    Args:
        filepath: The file, JSON Lines; an environment without it has no answers yet.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    @property
    def path(self) -> Path:
        """The file."""
        return self._filepath

    def load(self) -> "pd.DataFrame":
        """Read the answers that count; see :data:`mining_the_mines.review.answer_table.ANSWER_COLUMNS`."""
        from mining_the_mines.review.answer_log import AnswerLog
        from mining_the_mines.review.answer_table import answer_table, standing_answers

        standing = standing_answers(AnswerLog(self._filepath).entries())
        return answer_table([answer.model_dump() for answer in standing])

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: answers belong to their reviewers."""
        raise DatasetError(f"{self._filepath} is read only: kedro review appends answers to it.")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first answers, for Kedro-Viz."""
        return table_preview(self.load())

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
