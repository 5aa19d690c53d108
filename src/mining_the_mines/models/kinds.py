"""Kinds of models: the interface of a class that is trained, scored, blended, stored and exported.

A kind is a pydantic class whose fields are its parameters. Its ``fit`` returns plain weights, and its ``assemble``
turns weights into a torch module. Storage and export follow from these two, so a new kind needs no code for them.
Importing this loads no torch; kinds import it inside their methods.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ImportString,
    RootModel,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.core.parameter_errors import describe_settings_errors

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Tensors of one fitted member by name, as a state dict.
Weights = dict[str, "Tensor"]
#: Called after each epoch with its number, from 0, and its figures.
ReportEpoch = Callable[[int, Mapping[str, float]], None]

#: Key of a parameter that names the class of its kind.
CLASS: Final = "class"
#: Name of the blend of all models; no model may have it.
BLEND: Final = "blend"
_NAME: Final = re.compile("[a-z][a-z0-9_]*")


def ignore_epochs(epoch: int, figures: Mapping[str, float]) -> None:
    """Report nothing."""


class ChipLayout(BaseModel):
    """The input that a model was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: tuple[str, ...]
    chip_size: int
    features: FeatureSettings = FeatureSettings()


@dataclass(frozen=True)
class LabelledChips:
    """The chips of the training split.

    Attributes:
        packed: Their pixels, among others.
        folds: Columns ``filename``, ``label``, ``place``, ``split`` and ``fold``; one row per chip.
        statistics: By fold, of the bands of the chips outside it.
        features: Feature table, indexed by file name; may be empty for kinds that look at pixels.
    """

    packed: PackedChips
    folds: pd.DataFrame
    statistics: Mapping[str, BandStatistics]
    features: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def content_hashes(self) -> list[str]:
        """Hashes of everything that the weights depend on, beside the parameters."""
        statistics = {fold: figures.model_dump(mode="json") for fold, figures in self.statistics.items()}
        return [
            self.packed.content_hash,
            _hash_text(self.folds.to_csv(index=False)),
            _hash_text(json.dumps(statistics, sort_keys=True)),
            hash_bytes(self.features.to_numpy().tobytes()),
        ]

    def inside(self, fold: int) -> pd.DataFrame:
        """Rows of a fold."""
        return self.folds[self.folds["fold"] == fold]

    def outside(self, fold: int) -> pd.DataFrame:
        """Rows of all other folds."""
        return self.folds[self.folds["fold"] != fold]


@dataclass(frozen=True)
class MaskedChips(LabelledChips):
    """Chips of the training split with masks.

    Attributes:
        masks: True masks.
        windows: What may be cut out of which chip: ``filename``, ``row``, ``column``, ``size`` and ``kind``.
        cutting: How windows become crops.
    """

    masks: PackedPlanes = field(kw_only=True)
    windows: pd.DataFrame = field(kw_only=True)
    cutting: WindowSettings = field(default_factory=WindowSettings, kw_only=True)

    @property
    def content_hashes(self) -> list[str]:
        """Hashes of labelled chips, masks and windows."""
        windows = self.windows.to_csv(index=False) + self.cutting.model_dump_json()
        return [*super().content_hashes, self.masks.content_hash, _hash_text(windows)]


def _hash_text(text: str) -> str:
    return hash_bytes(text.encode())


@dataclass(frozen=True)
class FoldFit:
    """A fold's training.

    Attributes:
        members: Weights of its fitted members, one or more.
        probabilities: Of the fold's own chips in the order of its rows, ``(N,)``, or ``(N, H, W)`` for their pixels.
        curves: One row per epoch: ``epoch`` and figures.
        importances: Loss of ROC AUC when a family of features is shuffled, by family; empty for other kinds.
    """

    members: list[Weights]
    probabilities: NDArray[np.floating[Any]]
    curves: list[dict[str, float]] = field(default_factory=list)
    importances: dict[str, float] = field(default_factory=dict)


class ModelKind(BaseModel, ABC):
    """A kind of model; its fields are the parameters of its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The kind in a few words, for model cards.
    title: ClassVar[str] = "model"

    class_path: str = Field("", alias=CLASS, description="Import path of the class of the model.")

    @model_validator(mode="before")
    @classmethod
    def _state_class(cls, stated: Any) -> Any:  # noqa: ANN401 - as configured
        return {**stated, CLASS: f"{cls.__module__}.{cls.__qualname__}"} if isinstance(stated, Mapping) else stated

    @property
    def epochs_a_fold(self) -> int:
        """Number of epochs that ``fit`` reports."""
        return 1

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the weights depend on, beside the data."""
        return ()

    def split(self) -> "Sequence[ModelKind]":
        """Kinds that train the members of a fold one by one; the mean of their predictions is the fold's."""
        return (self,)

    @abstractmethod
    def fit(self, data: Any, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:  # noqa: ANN401 - of its task
        """Train on all folds but one and predict that one.

        Args:
            data: Labelled chips.
            fold: The fold that is held out.
            folder: Where checkpoints may be kept; training goes on from those that are there.
            report: Called after each epoch.
        """

    @abstractmethod
    def assemble(self, members: Sequence[Weights], layout: ChipLayout) -> "nn.Module":
        """Build the module that averages the members of all folds.

        Args:
            members: Weights as ``fit`` returned them.
            layout: Input of the module.

        Returns:
            Reflectance float32 ``(B, C, H, W)``, NaN for nodata → probability ``(B,)``, or ``(B, H, W)``.
        """


@dataclass(frozen=True)
class TrainedModel:
    """A kind with the weights of all folds.

    Attributes:
        kind: How it was trained.
        layout: Its input.
        members: Weights of the members of all folds.
    """

    kind: ModelKind
    layout: ChipLayout
    members: tuple[Weights, ...]

    @cached_property
    def module(self) -> "nn.Module":
        """Reflectance to probability, on the CPU, in evaluation mode."""
        return self.kind.assemble(self.members, self.layout).eval()


class ModelKinds(RootModel[dict[str, Any]]):
    """Models to train, by name; each has a ``class`` (its import path) and the parameters of that class.

    A model that is ``null`` is left out, so that an environment can drop one that ``conf/base`` names.
    """

    @field_validator("root", mode="after")
    @classmethod
    def _instantiate(cls, root: dict[str, Any]) -> dict[str, Any]:
        wrong = [name for name in root if name == BLEND or not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"a model can't be named {wrong[0]!r}: take small letters, digits and _, and not {BLEND}")
        return {name: _read(name, stated) for name, stated in root.items() if stated is not None}

    @property
    def kinds(self) -> dict[str, ModelKind]:
        """The models by name."""
        return self.root


def _read(name: str, stated: Any) -> ModelKind:  # noqa: ANN401 - as configured
    try:
        return read_kind(stated)
    except ValidationError as error:
        raise ValueError(describe_settings_errors(error, f"the model {name}")) from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def read_kind(stated: Any) -> ModelKind:  # noqa: ANN401 - as configured
    """Build a kind from its class path and parameters.

    Args:
        stated: Mapping with the key ``class``, or a kind already.

    Raises:
        ValueError: The class does not exist or is no kind of model.
        ValidationError: It does not take these parameters.
    """
    if isinstance(stated, ModelKind):
        return stated
    if not isinstance(stated, Mapping) or CLASS not in stated:
        raise ValueError(f"a model needs the key {CLASS} with the import path of its class")
    path = stated[CLASS]
    try:
        kind = TypeAdapter(ImportString).validate_python(path)
    except ValidationError:
        raise ValueError(f"there is no class {path}") from None
    if not (isinstance(kind, type) and issubclass(kind, ModelKind)):
        raise ValueError(f"{path} is no kind of model, that is, no subclass of {__name__}.{ModelKind.__name__}")
    return kind.model_validate(stated)


def state_kind(kind: ModelKind) -> dict[str, Any]:
    """Class path and parameters of a kind, as :func:`read_kind` takes them."""
    return kind.model_dump(mode="json", by_alias=True)


class CrossValidationSettings(BaseModel):
    """How the folds of a training are run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int | None = Field(
        None,
        ge=1,
        description="Networks trained at the same time on this machine, each in a process of its own; null takes one "
        "more than CPU cores, or one where there is a GPU. Unused with dask.address, whose workers train then. The "
        "results do not depend on it.",
        json_schema_extra=EXECUTION_ONLY,
    )
