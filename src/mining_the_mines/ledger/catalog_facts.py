"""Facts about datasets that the catalog states under ``metadata: {mining_the_mines: {…}}``.

The ledger and the tracking of runs know no dataset by its name. They read these keys:

============== =======================================================================================================
``artifact``   ``true``: log the file to MLflow when it is saved.
``metrics``    ``true``: a table of scores, whose figures are logged to MLflow as metrics.
``networks``   ``true``: holds networks or what they computed, so a GPU may change the last digits.
``volatile``   ``true``: changes with every run (a work folder, checkpoints, the registry's champion); says nothing
               about staleness.
``carried``    ``true``: what earlier runs left, and a run goes on from (a register of ids). Its version and content are
               recorded, so that ``kedro reproduce`` starts from the same, and say nothing about staleness.
``index``      ``true``: the dataset is a JSON file that lists the results of the last run, in a folder that also keeps
               results of other runs. Only the index and the files that it names count; see
               :func:`mining_the_mines.ledger.states.read_index`. If the dataset is the folder, the name of the JSON
               file in it (``composites.json``).
``holds``      Trade word for the content, by which ``kedro lineage`` reports it: ``simulation`` (settings of a
               simulated archive), ``scenes`` (chosen STAC items), ``composites``, ``chips``, ``folds``, ``masks``,
               ``decision`` (chosen threshold), ``model``, ``maps`` or ``answers`` (judged places). Chips, folds and
               masks are training data, whose hashes become a tag of the run in MLflow.
============== =======================================================================================================
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_settings_errors

#: Key of this project below ``metadata``.
METADATA_KEY: Final = "mining_the_mines"

Content = Literal[
    "simulation", "scenes", "composites", "chips", "folds", "masks", "decision", "model", "maps", "answers"
]

_TRAINING_DATA: Final = ("chips", "folds", "masks")


class DatasetFacts(BaseModel):
    """Facts about a dataset; the module's docstring explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    artifact: bool = False
    metrics: bool = False
    networks: bool = False
    volatile: bool = False
    carried: bool = False
    index: str | bool = False
    holds: Content | None = None

    @property
    def training_data(self) -> Content | None:
        """The content if models are trained on it, else ``None``."""
        return self.holds if self.holds in _TRAINING_DATA else None


def read_facts(name: str, metadata: Any) -> DatasetFacts:  # noqa: ANN401 - as YAML has it
    """Read the facts of a catalog entry.

    Args:
        name: Name of the dataset, for the message.
        metadata: Its ``metadata``, or ``None``.

    Returns:
        The facts; defaults where the catalog says nothing.

    Raises:
        BadInputError: A key is unknown or has a value of another type.
    """
    stated = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    try:
        return DatasetFacts.model_validate(stated or {})
    except ValidationError as error:
        raise BadInputError(describe_settings_errors(error, f"metadata.{METADATA_KEY} of dataset {name}")) from None


def facts_of(name: str, dataset: object) -> DatasetFacts:
    """Read the facts of a dataset of a catalog; see :func:`read_facts`."""
    return read_facts(name, getattr(dataset, "metadata", None))
