"""The encoder that pretraining leaves: its file, and a card for people. Importing this loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_file, hash_folder, hash_values
from mining_the_mines.pretraining.settings import PretrainingSettings

if TYPE_CHECKING:
    from mining_the_mines.models.encoder import Encoder, EncoderDescription
    from mining_the_mines.models.training import Rows
    from mining_the_mines.pretraining.network import PretrainingNetwork

FILE: Final = "encoder.safetensors"
CARD: Final = "README.md"
_LICENCE: Final = "Apache-2.0"
#: Packages that can't change an encoder.
_NO_EFFECT: Final = ("mining_the_mines.core",)


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder on disk.

    Attributes:
        folder: Holds the encoder and its card.
    """

    folder: Path

    @cached_property
    def encoder(self) -> "Encoder":
        """Description and weights."""
        from mining_the_mines.models.encoder import load_encoder

        return load_encoder(self.folder / FILE)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the encoder's file."""
        return hash_file(self.folder / FILE)

    @property
    def card(self) -> str:
        """The card, Markdown."""
        return (self.folder / CARD).read_text(encoding="utf-8")


def training_code() -> tuple[str, str]:
    """Hashes of the code that trains an encoder, and of the code that simulates its ground."""
    return code_hash(f"{__package__}.training", _NO_EFFECT), code_hash(f"{__package__}.regions", _NO_EFFECT)


def input_hashes(settings: PretrainingSettings) -> list[str]:
    """Hashes of the files that an encoder learns from: the encoder to go on from, and images without labels.

    Raises:
        BadInputError: The encoder is not there.
    """
    from mining_the_mines.models.weight_sources import file_of_weights

    found: list[str] = []
    if settings.encoder is not None:
        start = file_of_weights(settings.encoder)
        if not start.is_file():
            raise BadInputError(f"There is no encoder {start}: correct pretraining.encoder.")
        found.append(hash_file(start))
    if settings.unlabelled is not None:
        found.append(hash_folder(Path(settings.unlabelled)))
    return found


def take_encoder(network: "PretrainingNetwork", settings: PretrainingSettings, rows: "Rows") -> "Encoder":
    """Take the encoder out of a trained network.

    Args:
        network: The network in evaluation mode.
        settings: How it was trained.
        rows: Figures of its epochs.
    """
    from mining_the_mines.models.encoder import MISSING, Encoder, EncoderDescription

    scale, (code, ground) = network.scale, training_code()
    scored = next((row for row in reversed(rows) if "inpainting_loss" not in row), {})
    figures: dict[str, int | float | str] = {
        "regions": settings.epochs * settings.regions_per_epoch,
        "windows": settings.epochs * settings.regions_per_epoch * settings.windows.per_region,
        "epochs": settings.epochs,
        **{name: round(value, 4) for name, value in scored.items() if name.startswith("validation")},
    }
    if settings.encoder is not None:
        figures["goes on from"] = Path(settings.encoder).name
    if settings.unlabelled is not None:
        wanted = settings.inpainting
        loss = round(rows[-1]["inpainting_loss"], 4)
        figures |= {"unlabelled windows": wanted.epochs * wanted.windows, "inpainting_loss": loss}
    description = EncoderDescription(
        name=settings.name,
        architecture=settings.architecture,
        overrides=settings.options,
        bands=scale.bands,
        low=scale.low,
        high=scale.high,
        indices=settings.indices,
        licence=_LICENCE,
        code=code,
        data=hash_values([settings.regions.model_dump(mode="json"), ground, *input_hashes(settings)]),
        training=figures,
    )
    return Encoder(description, {**network.encoder_weights(), MISSING: network.stem.missing.detach()})


def store_encoder(encoder: "Encoder", folder: Path) -> StoredEncoder:
    """Write an encoder and its card into a new folder."""
    from mining_the_mines.models.encoder import save_encoder

    with whole_folder(folder) as draft:
        save_encoder(encoder, draft / FILE)
        (draft / CARD).write_text(_write_card(encoder.description), encoding="utf-8")
    return StoredEncoder(folder)


def _write_card(about: "EncoderDescription") -> str:
    figures = _table({"architecture": about.architecture, "licence": about.licence, **about.training})
    bands = _table(
        {band: f"{low:.4f} to {high:.4f}" for band, low, high in zip(about.bands, about.low, about.high, strict=True)}
    )
    learnt = "It learnt on simulated ground, by painting land cover, materials and mines, with random sets of bands."
    if "unlabelled windows" in about.training:
        learnt += " It went on to learn from images without labels, by filling in what was hidden of them."
    return f"""# {about.name}

An encoder of Sentinel-2 images. {learnt} It is no model of mines by itself: a classifier or segmenter starts from it
with the parameter `network.pretrained`.

{figures}

Indices that it takes: {", ".join(about.indices) or "none"}. Bands and the reflectance that 5 % and 95 % of their pixels
don't exceed:

{bands}

Code {about.code[:12]}, ground {about.data[:12]}.
"""


def _table(rows: Mapping[str, object]) -> str:
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
