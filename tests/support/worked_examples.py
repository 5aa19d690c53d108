"""Worked examples of the papers that the estimators are from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mining_the_mines.assessment.estimators import StratifiedSample


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """Strata, map classes and reference classes of the places of a sample."""

    classes: tuple[str, ...]
    sample: StratifiedSample
    mapped: npt.NDArray[np.str_]
    reference: npt.NDArray[np.str_]

    @property
    def agrees(self) -> npt.NDArray[np.bool_]:
        """Whether the map is right."""
        return np.asarray(self.mapped == self.reference)


def _olofsson() -> WorkedExample:
    """Tables 8 and 9 of Olofsson et al. (2014, doi 10.1016/j.rse.2014.02.015): strata are the map's classes."""
    classes = ("deforestation", "gain", "forest", "other")
    matrix = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    pixels = dict(zip(classes, (200_000.0, 150_000.0, 3_200_000.0, 6_450_000.0), strict=True))
    rows, columns = np.indices(matrix.shape)
    mapped = np.array(classes)[np.repeat(rows.ravel(), matrix.ravel())]
    reference = np.array(classes)[np.repeat(columns.ravel(), matrix.ravel())]
    return WorkedExample(classes, StratifiedSample.of(mapped.tolist(), pixels), mapped, reference)


def _stehman() -> WorkedExample:
    """Table 2 of Stehman (2014, doi 10.1080/01431161.2014.930207), as in the R package mapaccuracy."""
    classes = ("A", "B", "C", "D")
    areas = dict(zip(classes, (40_000.0, 30_000.0, 20_000.0, 10_000.0), strict=True))
    mapped = np.array(list("AAAAAAABBBABBBBBBBBBBBCCCCCCBBDDDDDDDDDD"))
    reference = np.array(list("AAAAACBABCABBBBBAABBCCCCCDDBBADDDDDDDCCB"))
    return WorkedExample(
        classes, StratifiedSample.of(list("A" * 10 + "B" * 10 + "C" * 10 + "D" * 10), areas), mapped, reference
    )


OLOFSSON = _olofsson()
STEHMAN = _stehman()
