"""The feature table of packed chips; importing this loads no torch.

The figures themselves are computed by :mod:`mining_the_mines.chips.feature_program`, for the table and for exported
models alike.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES, check_indices

if TYPE_CHECKING:
    from torch import nn

Family = Literal["moments", "percentiles", "texture", "patchiness", "cover", "embedding"]
#: Bands that tell land covers apart, see :mod:`mining_the_mines.chips.cover`.
COVER_BANDS: Final = ("B2", "B3", "B4", "B8", "B11")
#: Pixels of all planes that are computed at once; more do not fit into a core's cache.
_PIXELS_AT_ONCE: Final = 2**15


class FeatureSettings(BaseModel):
    """Which features are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    indices: tuple[str, ...] = Field(
        DEFAULT_INDICES, description="Spectral indices, by their names in spyndex, or ENDMI."
    )
    pairwise_differences: bool = Field(
        False, description="Whether to add the normalised difference of every pair of bands."
    )
    families: tuple[Family, ...] = Field(
        ("moments", "percentiles", "texture", "patchiness", "cover"),
        min_length=1,
        description=(
            "Kinds of figures. All but cover and embedding are computed of each band and index; cover measures which "
            "land covers lie beside each other, embedding is the features of an encoder."
        ),
    )
    encoder: str | None = Field(
        None,
        description=(
            "Encoder of the family embedding: simulated, imagenet, csmask, csmask4, or a local file, as for pretrained "
            "of networks. Of imagenet (EfficientNet-Lite0) features are mean and deviation over the chip at every "
            "stage, on pictures in natural and false colours; of others, the mean of the deepest ones. A file must "
            "stay where it is for models in their native format; exported ones contain it."
        ),
    )
    percentiles: tuple[float, ...] = Field(
        (2, 10, 25, 50, 75, 90, 98), description="Percentiles of the family of that name, 0 to 100."
    )

    @model_validator(mode="after")
    def _name_the_encoder(self) -> Self:
        if "embedding" in self.families and self.encoder is None:
            raise ValueError("the family embedding needs features.encoder, such as simulated")
        return self

    def without_embedding(self) -> Self:
        """The same features but those of the family embedding."""
        return self.model_copy(update={"families": tuple(one for one in self.families if one != "embedding")})


def check_features(settings: FeatureSettings, bands: Sequence[str]) -> None:
    """Check that the bands suffice for the features.

    Args:
        settings: Which features.
        bands: Names of the chips' bands.

    Raises:
        BadInputError: An index is unknown, or an index or the family cover needs a band that the chips lack.
    """
    check_indices(settings.indices, bands)
    missing = [band for band in COVER_BANDS if band not in bands]
    if missing and "cover" in settings.families:
        raise BadInputError(
            f"The feature family cover needs {', '.join(missing)}, which the chips lack: take it out of the parameter "
            f"features.families, or add the bands to imagery.bands."
        )


def extract_features(
    packed: PackedChips,
    settings: FeatureSettings,
    progress: Progress = silent,
    embedding: "nn.Module | None" = None,
) -> pd.DataFrame:
    """Compute the feature table of packed chips.

    Args:
        packed: The chips.
        settings: Which features.
        progress: Shows how far it has come.
        embedding: Encoder of the family embedding, see :mod:`mining_the_mines.models.embedding`.

    Returns:
        float32 table, one row a chip, indexed by ``filename``; columns such as ``B4_mean`` and ``NDVI_p98``.

    Raises:
        BadInputError: An index is unknown, or an index or a family needs a band that the chips lack.
    """
    import torch

    from mining_the_mines.chips.feature_program import FeatureProgram
    from mining_the_mines.core.threads import one_thread

    program = FeatureProgram(packed.bands, settings, packed.array.shape[-1], embedding)
    at_once = max(1, _PIXELS_AT_ONCE // int(np.prod(packed.array.shape[-2:])))
    rows: list[NDArray[np.float32]] = []
    with one_thread(), torch.inference_mode():
        for start in progress(range(0, len(packed), at_once), "Extracting features"):
            chips = [packed.reflectance(row) for row in range(start, min(start + at_once, len(packed)))]
            rows.append(program(torch.from_numpy(np.stack(chips))).float().numpy())
    table = np.concatenate(rows) if rows else np.empty((0, len(program.names)), np.float32)
    return pd.DataFrame(
        table, index=pd.Index(packed.filenames, name="filename", dtype="str"), columns=list(program.names)
    )
