"""One network on two processes: the weights of one process."""

from pathlib import Path

import pytest
import torch

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.kinds import ignore_epochs
from support.segmentation_data import masked_chips, outlined_chips, quick_outline_settings
from support.training_data import BATCH_NORM, quick_settings, separable_chips

CLASSIFIER = quick_settings(
    epochs=2, average_decay=0.7, accumulate_batches=2, augmentation={"mix_up": 0.2, "band_dropout": 0.1}
)
TWO = {"devices": 2}


def test_classifier(tmp_path: Path) -> None:
    chips = separable_chips().labelled()
    (one,) = CLASSIFIER.fit(chips, 0, tmp_path / "one", ignore_epochs).members
    heard: list[int] = []
    kind = CLASSIFIER.model_copy(update=TWO)
    (two,) = kind.fit(chips, 0, tmp_path / "two", lambda epoch, _: heard.append(epoch)).members
    torch.testing.assert_close(two, one, rtol=0, atol=1e-5)
    assert heard == [0, 1]


def test_segmenter(tmp_path: Path) -> None:
    network = {
        "encoder": "tu-test_convnext",
        "indices": ["NDVI"],
        "overrides": {"encoder_depth": 2, "decoder_channels": [16, 8], "decoder_use_norm": False},
    }
    kind = quick_outline_settings(epochs=2, network=network, loss="bce_dice")
    chips = masked_chips(outlined_chips())
    (one,) = kind.fit(chips, 0, tmp_path / "one", ignore_epochs).members
    (two,) = kind.model_copy(update=TWO).fit(chips, 0, tmp_path / "two", ignore_epochs).members
    torch.testing.assert_close(two, one, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": BATCH_NORM}, "torch can't share batch norm between CPU processes: set devices to 1"),
        ({"batch_size": 9}, "A batch of 9 can't be shared by 2 devices: set batch_size to a multiple"),
    ],
    ids=["batch norm", "batch size"],
)
def test_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    kind = quick_settings(devices=2, epochs=1, **changes)
    with pytest.raises(BadInputError, match=message):
        kind.fit(separable_chips().labelled(), 0, tmp_path, ignore_epochs)
