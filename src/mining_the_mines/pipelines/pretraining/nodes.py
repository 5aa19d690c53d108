"""Nodes of pretraining. torch is imported by the nodes that use it."""

import logging
import shutil
import time
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mining_the_mines.core.epoch_events import EpochEvent, send_epoch
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.models.kinds import ReportEpoch
from mining_the_mines.pipelines.registration.nodes import run_tags
from mining_the_mines.pipelines.registration.registered_models import add_version
from mining_the_mines.pretraining.encoder import StoredEncoder, input_hashes, training_code
from mining_the_mines.pretraining.settings import PretrainingSettings
from mining_the_mines.registry.card import shorten
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.tracking.registry import Registration

logger = logging.getLogger(__name__)

_SHOWN: Final = ("training_loss", "validation_loss", "validation_iou", "validation_auc", "inpainting_loss")


def pretrain_encoder(
    pretraining: PretrainingSettings, checkpoints: Path, drafts: Path
) -> tuple[StoredEncoder, pd.DataFrame]:
    """Train an encoder on simulated regions, and on images without labels if a folder of them is named.

    The log tells each epoch's figures and the minutes left.

    Args:
        pretraining: The regions, the images, the network and how it learns.
        checkpoints: Work folder; an interrupted training of the same settings and code goes on from it.
        drafts: Folder for the encoder until its dataset adopts it.

    Returns:
        The encoder, in a folder of its own below ``drafts``; and learning curves, one row per epoch.

    Raises:
        BadInputError: The network can't be built, the encoder to go on from doesn't fit it, or the images can't be
            used.
    """
    from mining_the_mines.pretraining.encoder import store_encoder, take_encoder
    from mining_the_mines.pretraining.training import fit_encoder

    facts = [result_parameters(pretraining), *training_code(), *input_hashes(pretraining), version("torch")]
    _check_network(pretraining)
    folder = _clear(checkpoints, hash_values(facts))
    network, rows = fit_encoder(pretraining, folder, _epoch_logger(pretraining))
    send_epoch(EpochEvent(pretraining.name, pretraining.all_epochs, finished=True))
    encoder = take_encoder(network, pretraining, rows)
    stored = store_encoder(encoder, drafts / f"{pretraining.name}.{uuid.uuid4().hex[:8]}")
    shutil.rmtree(folder, ignore_errors=True)
    return stored, pd.DataFrame(rows)


def _check_network(settings: PretrainingSettings) -> None:
    """Build the network, and one that starts from its encoder, before any region is simulated."""
    from mining_the_mines.models.classifier_network import build_classifier_backbone
    from mining_the_mines.models.encoder import load_encoder
    from mining_the_mines.models.networks import ClassifierSpec
    from mining_the_mines.models.pretrained import start_from
    from mining_the_mines.models.spectral_input import empty_scale
    from mining_the_mines.models.weight_sources import IMAGENET, FirstWeights, file_of_weights, first_line
    from mining_the_mines.pretraining.network import PretrainingNetwork

    try:
        network = PretrainingNetwork(settings, empty_scale(COMPETITION_BANDS))
    except BadInputError:
        raise
    except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise BadInputError(
            f"The network of pretraining.architecture {settings.architecture} with {settings.overrides} can't be built "
            f"({first_line(error)}): name a network of timm that has features at several scales, and its overrides."
        ) from error
    channels = (*COMPETITION_BANDS, *settings.indices)
    spec = ClassifierSpec(architecture=settings.architecture, overrides=settings.overrides, indices=settings.indices)
    taker = build_classifier_backbone(spec, len(channels), settings.windows.size)
    try:
        start_from(taker, FirstWeights(IMAGENET, channels, network.encoder_weights()), channels)
    except BadInputError as error:
        raise BadInputError(
            f"No classifier could start from this encoder, whose stages are the {len(settings.decoder_channels)} of "
            f"pretraining.decoder_channels: give one number for each stage of {settings.architecture}, or take another "
            f"network."
        ) from error
    if settings.encoder is not None:
        network.start_from(load_encoder(file_of_weights(settings.encoder)))


def _clear(checkpoints: Path, fingerprint: str) -> Path:
    """Remove checkpoints of other settings or other code."""
    kept = checkpoints / fingerprint[:16]
    for folder in checkpoints.iterdir():
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)
    return kept


def _epoch_logger(settings: PretrainingSettings) -> ReportEpoch:
    """Log each epoch with its figures, and the time that those of this run let expect.

    The reporter raises a BadInputError where nothing was hidden that could be filled in.
    """
    start, first = time.monotonic(), -1

    def report(epoch: int, figures: Mapping[str, float]) -> None:
        nonlocal first
        if not figures.get("inpainting_loss", 1):
            raise BadInputError(
                f"The windows of the images in {settings.unlabelled} hold no data: take images without data away."
            )
        first = epoch if first < 0 else first
        minutes = (time.monotonic() - start) / 60 / (epoch - first + 1) * (settings.all_epochs - epoch - 1)
        shown = ", ".join(f"{name.replace('_', ' ')} {figures[name]:.3f}" for name in _SHOWN if name in figures)
        logger.info("Epoch %d of %d: %s; about %.0f minutes left.", epoch + 1, settings.all_epochs, shown, minutes)
        send_epoch(EpochEvent(settings.name, epoch, figures))

    return report


def register_encoder(encoder: StoredEncoder, run_facts: dict[str, str]) -> dict[str, Any]:
    """Register an encoder as a challenger: models that start from it are compared, not the encoder by itself.

    Args:
        encoder: The encoder.
        run_facts: The run and the code that made it.

    Returns:
        As of :func:`~mining_the_mines.pipelines.registration.registered_models.add_version`.
    """
    about = encoder.encoder.description
    wanted = Registration(
        name=about.name,
        folder=encoder.folder,
        content_hash=encoder.content_hash,
        description=shorten(encoder.card),
        tags={
            "task": "pretraining",
            "architecture": about.architecture,
            "bands": ",".join(about.bands),
            "data_hash": about.data,
            **run_tags(run_facts),
        },
        decision={},
        becomes_champion=False,
        champion_version="",
    )
    return add_version(about.name, encoder.folder, lambda: wanted)
