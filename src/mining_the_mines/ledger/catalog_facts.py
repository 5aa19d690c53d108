"""Facts about datasets that the catalog states under ``metadata: {mining_the_mines: {…}}``.

The ledger and the tracking of runs know no dataset by its name. They read these keys:

============== =======================================================================================================
``artifact``   ``true``: log the file to MLflow when it is saved.
``metrics``    ``true``: a table of scores, whose figures are logged to MLflow as metrics.
``data``       ``chips``, ``folds`` or ``masks``: training data, whose hash becomes a tag of the run in MLflow.
``networks``   ``true``: holds networks or what they computed, so a GPU may change the last digits.
``volatile``   ``true``: changes with every run (a work folder, checkpoints, the registry's champion); says nothing
               about staleness.
``index``      Name of the JSON file that lists what belongs to the last run, in a folder that also keeps results of
               other runs (``composites.json``). Without a name before the suffix, as ``index: true``, the dataset's
               own file is the index. Only the index and the files that it names count; see
               :func:`mining_the_mines.ledger.states.index_files`.
``holds``      Trade word for the content, by which ``kedro lineage`` reports it: ``simulation`` (a simulated
               archive), ``scenes`` (chosen STAC items), ``composites``, ``chips``, ``folds``, ``decision`` (chosen
               threshold), ``model`` or ``maps``.
============== =======================================================================================================
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_settings_errors

#: Key of this project below ``metadata``.
METADATA_KEY: Final = "mining_the_mines"

Content = Literal["simulation", "scenes", "composites", "chips", "folds", "decision", "model", "maps"]


class DatasetFacts(BaseModel):
    """Facts about a dataset; the module's docstring explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    artifact: bool = False
    metrics: bool = False
    data: Literal["chips", "folds", "masks"] | None = None
    networks: bool = False
    volatile: bool = False
    index: str | bool = False
    holds: Content | None = None


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
