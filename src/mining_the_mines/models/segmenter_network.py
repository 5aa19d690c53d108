"""The network that segments chips: raw reflectance in, probability of a mine for each pixel out."""

import difflib
import inspect
import math

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.networks import SegmenterSpec
from mining_the_mines.models.pretrained import find_weights, start_from
from mining_the_mines.models.spectral_input import BandScale, SpectralInput
from mining_the_mines.models.weight_sources import Backbone, first_line

#: Encoders halve the picture up to five times, and some (MaxViT, Swin) cut the rest into windows of equal size.
MULTIPLES = (32, 64, 128, 224, 256, 384, 448, 512)
#: Share of pixels that a network expects to be mine before it has seen any.
PRIOR = 0.05
#: Prefix of encoders that timm builds, in segmentation-models-pytorch.
_TIMM = "tu-"


class SegmenterNetwork(nn.Module):
    """A spectral input layer and a segmentation network in one module, for pictures of any size.

    Args:
        spec: Which network, and at which scale it sees the ground.
        scale: The C bands, and how they are distributed in the chips that it is trained on.
    """

    def __init__(self, spec: SegmenterSpec, scale: BandScale) -> None:
        super().__init__()
        self.resolution = spec.resolution
        first = find_weights(spec, encoder_backbone(spec))
        self.spectral_input = SpectralInput(first.shown(scale) if first else scale, spec.indices)
        # Convolutions in the memory format channels_last are a quarter faster, on CPUs too.
        network = build_segmenter_backbone(spec, self.spectral_input.channels)
        if first is not None:
            start_from(network.get_submodule("encoder"), first, (*scale.bands, *spec.indices))
        self.backbone = network.to(memory_format=torch.channels_last)
        self.multiple = smallest_multiple(self.backbone, self.spectral_input.channels)

    def rescale(self, images: Tensor) -> Tensor:
        """Bring images ``(B, C, H, W)`` to the scale at which the network sees them.

        NaN spreads to every pixel that it has a part in.
        """
        if self.resolution == 1:
            return images
        size = [max(1, round(edge * self.resolution)) for edge in images.shape[-2:]]
        if self.resolution < 1:
            return functional.interpolate(images, size=size, mode="area")
        return functional.interpolate(images, size=size, mode="bilinear")

    def rescaled_logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine at the network's own scale.

        Args:
            reflectance: ``(B, C, h, w)`` float, as :meth:`rescale` gives it; NaN marks nodata.

        Returns:
            ``(B, h, w)`` float.
        """
        channels = self.spectral_input(reflectance)
        height, width = channels.shape[-2:]
        top, left = _margin(height, self.multiple), _margin(width, self.multiple)
        padded = pad_by_reflection(channels, self.multiple).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.backbone(padded)
        return logits[:, 0, top : top + height, left : left + width]

    def logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine, ``(B, H, W)``, for ``(B, C, H, W)`` reflectance."""
        logits = self.rescaled_logits(self.rescale(reflectance))
        if logits.shape[-2:] == reflectance.shape[-2:]:
            return logits
        enlarged = functional.interpolate(logits.unsqueeze(1), size=reflectance.shape[-2:], mode="bilinear")
        return enlarged.squeeze(1)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B, H, W)`` in 0–1; NaN where a pixel lacks a band.
        """
        probability = self.logits(reflectance).float().sigmoid()  # bfloat16 would leave two digits
        known = reflectance.sum(dim=1).isfinite()  # cheaper than a test of each band
        return torch.where(known, probability, torch.nan)


def pad_by_reflection(images: Tensor, multiple: int) -> Tensor:
    """Continue images as mirrors at their rims would, however small they are.

    Args:
        images: ``(B, C, H, W)``.
        multiple: Of what both edges are to be multiples.

    Returns:
        ``(B, C, H', W')`` with the image in the middle.
    """
    for axis in (-2, -1):
        edge = images.shape[axis]
        margin, wanted = _margin(edge, multiple), _padded(edge, multiple)
        if wanted == edge:
            continue
        # torch's own reflection refuses margins wider than the image.
        place = torch.arange(-margin, wanted - margin, device=images.device)
        period = max(1, 2 * (edge - 1))
        place = place.remainder(period)
        images = images.index_select(axis, torch.minimum(place, period - place).clamp(max=edge - 1))
    return images


def _padded(edge: int, multiple: int) -> int:
    return -(-edge // multiple) * multiple


def _margin(edge: int, multiple: int) -> int:
    return (_padded(edge, multiple) - edge) // 2


def build_segmenter_backbone(spec: SegmenterSpec, channels: int) -> nn.Module:
    """Create the network that a specification names, with one output channel (the logit of "mine").

    Args:
        spec: What to build.
        channels: Number of input channels.

    Raises:
        BadInputError: There is no such architecture or encoder, or it can't be built so.
    """
    known = _decoder_options(spec)
    encoder = _encoder_name(spec.encoder)
    unknown = [name for name in spec.options if name not in known]
    if unknown and not encoder.startswith(_TIMM):  # timm complains itself; other encoders would pass over it
        raise BadInputError(
            f"{spec.architecture} on {spec.encoder} takes no {', '.join(unknown)} (it takes {', '.join(known)}): "
            f"correct network.overrides."
        )
    try:
        network: nn.Module = smp.create_model(
            spec.architecture, encoder, encoder_weights=None, in_channels=channels, classes=1, **spec.options
        )
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"segmentation-models-pytorch can't build {spec.architecture} on {spec.encoder} with {spec.overrides} "
            f"({first_line(error)}): correct network.encoder or its overrides."
        ) from error
    _expect_few_mines(network)
    return network


def encoder_backbone(spec: SegmenterSpec) -> Backbone:
    """Name and options of the encoder that a specification means.

    Raises:
        BadInputError: There is no such architecture or encoder.
    """
    known = _decoder_options(spec)
    name = _encoder_name(spec.encoder)
    options = {key: value for key, value in spec.options.items() if key not in known}
    return Backbone(name.removeprefix(_TIMM), name.startswith(_TIMM), options)


def _decoder_options(spec: SegmenterSpec) -> tuple[str, ...]:
    """Arguments of the whole network; all others go to its encoder."""
    architectures = smp.MODEL_ARCHITECTURES_MAPPING
    if spec.architecture not in architectures:
        raise BadInputError(
            f"segmentation-models-pytorch knows no architecture named {spec.architecture!r} (there are "
            f"{', '.join(architectures)}): correct the parameter network.architecture."
        )
    return tuple(inspect.signature(architectures[spec.architecture]).parameters)


def smallest_multiple(network: nn.Module, channels: int) -> int:
    """Find out by trying of what the edges of pictures must be multiples.

    Args:
        network: As :func:`build_segmenter_backbone` made it; its mode is kept.
        channels: Number of its input channels.

    Raises:
        BadInputError: It takes none of the usual sizes.
    """
    training = network.training
    network.eval()
    failure: Exception | None = None
    for multiple in MULTIPLES:
        try:
            with torch.inference_mode():
                network(torch.zeros(1, channels, multiple, multiple))
        except (RuntimeError, AssertionError, ValueError, ZeroDivisionError) as error:
            failure = error
        else:
            network.train(training)
            return multiple
    raise BadInputError(
        f"The network takes pictures of none of the sizes {', '.join(map(str, MULTIPLES))} "
        f"({first_line(failure or ValueError())}): correct network.encoder or its overrides."
    )


def _encoder_name(name: str) -> str:
    known = smp.encoders.get_encoder_names()
    if name in known:
        return name
    plain = name.removeprefix(_TIMM)
    if timm.is_model(plain):
        return _TIMM + plain
    close = difflib.get_close_matches(plain, [*known, *timm.list_models()], n=5)
    raise BadInputError(
        f"Neither segmentation-models-pytorch nor timm knows an encoder named {name!r} "
        f"(close: {', '.join(close) or 'none'}): correct the parameter network.encoder."
    )


def _expect_few_mines(network: nn.Module) -> None:
    """Let the network begin with the share of mines that is to be expected.

    Where all features of the last layer are zero, its bias alone is the answer. Left at zero, it can come to stand for
    a mine: then no pixel is ever more certain than the bias, and two networks of five were seen to stop at 0.63. Lin
    et al. 2017 (arXiv 1708.02002, section 4.1) set it for rare objects in the same way.
    """
    head = next(layer for layer in network.get_submodule("segmentation_head").modules() if isinstance(layer, nn.Conv2d))
    if head.bias is not None:
        nn.init.constant_(head.bias, math.log(PRIOR / (1 - PRIOR)))
