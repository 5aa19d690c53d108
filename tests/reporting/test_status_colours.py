"""Colours of sites by status."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from mining_the_mines.monitoring.site_table import SiteStatus
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES

#: Linear red, green and blue as people see them who lack one kind of cone: G. M. Machado, M. M. Oliveira and
#: L. A. F. Fernandes, *A physiologically-based model for simulation of color vision deficiency* (2009).
SIGHT = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: tuple[int, int, int], sight: list[list[float]]) -> NDArray[np.float64]:
    """A colour as somebody sees it, in CIELAB."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(np.array(sight) @ linear, 0.01, 1) / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_status_has_a_colour_of_its_own_and_a_title() -> None:
    assert set(STATUS_COLOURS) == set(STATUS_TITLES) == set(SiteStatus)
    assert len(set(STATUS_COLOURS.values())) == len(SiteStatus)


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_people_tell_statuses_apart(sight: str) -> None:
    seen = [lab(colour, SIGHT[sight]) for colour in STATUS_COLOURS.values()]
    # Two colours that lie side by side are told apart from a distance of about 2.
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 15
