"""The network that classifies chips: raw reflectance in, probability of a mine out."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.networks import ClassifierSpec
from mining_the_mines.models.pretrained import find_weights, start_from
from mining_the_mines.models.spectral_input import BandScale, SpectralInput
from mining_the_mines.models.weight_sources import Backbone, first_line

#: Most networks halve the picture five times; a multiple of this suits them all.
LARGEST_STRIDE = 32
#: Added to variances, whose root has no slope at 0.
SMALLEST_VARIANCE: Final = 1e-4


class ClassifierNetwork(nn.Module):
    """A spectral input layer, a resize and a timm network in one module.

    Args:
        spec: Which network, and what it is shown.
        scale: The C bands, and how they are distributed in the chips that it is trained on.
        chip_size: Edge of the chips in pixels.
    """

    prior: Tensor

    def __init__(self, spec: ClassifierSpec, scale: BandScale, chip_size: int) -> None:
        super().__init__()
        self.input_size = spec.input_size or chip_size
        first = find_weights(spec, classifier_backbone(spec, self.input_size))
        self.spectral_input = SpectralInput(first.shown(scale) if first else scale, spec.indices)
        network = build_classifier_backbone(spec, self.spectral_input.channels, self.input_size)
        if first is not None:
            start_from(network, first, (*scale.bands, *spec.indices))
        # Convolutions in the memory format channels_last are a quarter faster, on CPUs too.
        self.backbone = network.to(memory_format=torch.channels_last)
        self.register_buffer("prior", torch.tensor(0.0))

    def logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine, as the loss sees them: before ``prior`` is added.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B,)`` float.
        """
        return self.outputs(reflectance).squeeze(1)

    def outputs(self, reflectance: Tensor) -> Tensor:
        """Outputs of the network ``(B, O)``: one log-odds, or features where its head has been taken off."""
        channels = self.spectral_input(reflectance)
        if channels.shape[-2:] != (self.input_size, self.input_size):
            channels = functional.interpolate(
                channels, size=(self.input_size, self.input_size), mode="bilinear", antialias=True
            )
        outputs: Tensor = self.backbone(channels.contiguous(memory_format=torch.channels_last))
        return outputs

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, ``(B,)`` in 0–1, for ``(B, C, H, W)`` reflectance.

        Class weights show the network as many mines as other chips. ``prior``, the log-odds of a mine among the
        training chips, takes that back (M. Saerens et al., "Adjusting the outputs of a classifier to new a priori
        probabilities", Neural Computation 14, 2002), so that probabilities mean what they say.
        """
        return (self.logits(reflectance) + self.prior).sigmoid()


def build_classifier_backbone(spec: ClassifierSpec, channels: int, size: int) -> nn.Module:
    """Create the timm network that a specification names, with one output (the logit of "mine").

    Args:
        spec: What to build.
        channels: Number of input channels.
        size: Edge in pixels of its input.

    Raises:
        BadInputError: timm knows no such network or can't build it so.
    """
    network = _create(spec, channels, classifier_backbone(spec, size))
    if spec.pooling == "statistics":
        with _refusing_size(spec):
            return StageStatistics(network, channels, size, float(spec.options.get("drop_rate", 0.0)))
    if size % LARGEST_STRIDE:
        with _refusing_size(spec):
            _try_out(network, channels, size)
    return network


def classifier_backbone(spec: ClassifierSpec, size: int) -> Backbone:
    """Name and options of the network that a specification means, for inputs of a size.

    Raises:
        BadInputError: No library knows it.
    """
    options = spec.options
    if not timm.is_model(spec.architecture):
        if spec.architecture in smp.encoders.get_encoder_names():
            return Backbone(spec.architecture, from_timm=False, options=options)
        close = ", ".join(difflib.get_close_matches(spec.architecture, timm.list_models(), n=5))
        raise BadInputError(
            f"timm knows no network named {spec.architecture!r} (close: {close or 'none'}): "
            f"correct the parameter network.architecture."
        )
    published = timm.get_pretrained_cfg(spec.architecture)
    if published is not None and published.fixed_input_size:
        options.setdefault("img_size", size)  # attention windows and positions are laid out for one size
    return Backbone(spec.architecture, from_timm=True, options=options)


class PooledEncoder(nn.Module):
    """An encoder of segmentation-models-pytorch with a mean over all places and a linear head.

    Args:
        backbone: Which encoder.
        channels: Number of input channels.
    """

    def __init__(self, backbone: Backbone, channels: int) -> None:
        super().__init__()
        self.encoder = smp.encoders.get_encoder(backbone.name, in_channels=channels, weights=None, **backbone.options)
        width = int(self.encoder.out_channels[-1])
        self.deepest = nn.Identity()
        self.head: nn.Module = nn.Linear(width, 1)
        #: Where its features are, as timm says it.
        self.feature_info = [{"module": "deepest", "num_chs": width, "reduction": LARGEST_STRIDE}]

    def forward(self, channels: Tensor) -> Tensor:
        """Log-odds ``(B, 1)`` for ``(B, C, H, W)``."""
        features: Tensor = self.deepest(self.encoder(channels)[-1])
        logits: Tensor = self.head(features.mean(dim=(-2, -1)))
        return logits

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the head, or take it off if there are no classes, as timm's networks do."""
        width = int(self.encoder.out_channels[-1])
        self.head = nn.Linear(width, num_classes) if num_classes else nn.Identity()

    def prune_intermediate_layers(self, *_: object, **__: object) -> None:
        """Take the head off, as timm's networks do."""
        self.head = nn.Identity()

    def forward_intermediates(self, channels: Tensor, **_: object) -> list[Tensor]:
        """Feature maps of every stage, as timm's networks give them."""
        stages: list[Tensor] = self.encoder(channels)[1:]
        return [*stages[:-1], self.deepest(stages[-1])]


class StageStatistics(nn.Module):
    """A network whose decision is linear in the mean and the deviation of the feature maps of every stage.

    A few hundred chips are too few for the deepest stage to learn anew what shallow ones tell already: their mean and
    deviation over a chip describe its colours and textures.

    Args:
        encoder: A network of timm's, or one like it; its head is taken off.
        channels: Number of input channels.
        size: Edge of its input in pixels.
        drop_rate: Share of the statistics that are dropped at random in training.
    """

    encoder: Any

    def __init__(self, encoder: Any, channels: int, size: int, drop_rate: float) -> None:  # noqa: ANN401 - timm's
        super().__init__()
        self.encoder = encoder
        encoder.prune_intermediate_layers(None, prune_norm=True, prune_head=True)
        training = encoder.training
        with torch.no_grad():
            encoder.eval()
            width = self._statistics(torch.zeros(1, channels, size, size)).shape[1]
        encoder.train(training)
        self.head: nn.Module = nn.Sequential(nn.BatchNorm1d(width), nn.Dropout(drop_rate), nn.Linear(width, 1))
        #: Where the feature maps are, as timm says it.
        self.feature_info = [{**stage, "module": f"encoder.{stage['module']}"} for stage in encoder.feature_info]

    def forward(self, channels: Tensor) -> Tensor:
        """Log-odds ``(B, 1)`` for ``(B, C, H, W)``."""
        logits: Tensor = self.head(self._statistics(channels))
        return logits

    def _statistics(self, channels: Tensor) -> Tensor:
        stages = self.encoder.forward_intermediates(channels, intermediates_only=True)
        pairs = [torch.var_mean(stage, dim=(2, 3), correction=0) for stage in stages]
        return torch.cat(
            [part for spread, mean in pairs for part in (mean, (spread + SMALLEST_VARIANCE).sqrt())], dim=1
        )


def _try_out(network: nn.Module, channels: int, size: int) -> None:
    """Run the network on an empty chip, which shows whether it takes an unusual size."""
    training = network.training
    with torch.inference_mode():
        network.eval()(torch.zeros(1, channels, size, size))
    network.train(training)


@contextmanager
def _refusing_size(spec: ClassifierSpec) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, AssertionError, ZeroDivisionError) as error:
        raise _wrong_size(spec, error) from error


def _create(spec: ClassifierSpec, channels: int, backbone: Backbone) -> nn.Module:
    try:
        if not backbone.from_timm:
            return PooledEncoder(backbone, channels)
        network = timm.create_model(backbone.name, in_chans=channels, num_classes=1, **backbone.options)
    except (AssertionError, TypeError, ZeroDivisionError) as error:
        raise _wrong_size(spec, error) from error
    if not isinstance(network, nn.Module):
        raise TypeError(f"timm returned {type(network).__name__} for {spec.architecture}.")
    return network


def _wrong_size(spec: ClassifierSpec, error: BaseException) -> BadInputError:
    return BadInputError(
        f"timm can't build {spec.architecture} of input size {spec.input_size or 'of the chips'} with {spec.overrides} "
        f"({first_line(error)}): correct network.input_size (a multiple of 32 for MaxViT) or its overrides."
    )
