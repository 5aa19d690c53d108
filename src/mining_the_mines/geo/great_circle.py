"""Distances on a sphere, across the antimeridian and the poles as anywhere else."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from sklearn.cluster import AgglomerativeClustering

Degrees = npt.NDArray[np.float64]

#: Mean radius of the Earth in kilometres (IUGG).
EARTH_RADIUS: Final = 6371.0088


def cluster_by_distance(places: Degrees, kilometres: float) -> npt.NDArray[np.int64]:
    """Join points that are nearer to each other than a distance, directly or over other points (single linkage).

    Args:
        places: Longitude and latitude ``(N, 2)``; NaN where unknown.
        kilometres: The distance.

    Returns:
        Number of each point's cluster ``(N,)``, from 0; −1 where the point is unknown.
    """
    clusters = np.full(len(places), -1, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    if len(known) < 2:
        clusters[known] = 0
        return clusters
    linkage = AgglomerativeClustering(n_clusters=None, linkage="single", distance_threshold=_chord(kilometres))
    clusters[known] = linkage.fit_predict(_on_sphere(places[known]))
    return clusters


def neighbours(places: Degrees, kilometres: float) -> npt.NDArray[np.intp]:
    """Return all pairs ``(P, 2)`` of known points that are no farther from each other than a distance."""
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    pairs = KDTree(_on_sphere(places[known])).query_pairs(_chord(kilometres), output_type="ndarray")
    return known[pairs]


def nearest_distance(places: Degrees, others: Degrees) -> float:
    """Return the smallest distance in km between two sets of points; infinity where one has no known point."""
    vectors, rivals = (_on_sphere(points[np.isfinite(points).all(axis=1)]) for points in (places, others))
    if len(vectors) == 0 or len(rivals) == 0:
        return float("inf")
    chord = float(np.min(KDTree(rivals).query(vectors)[0]))
    return 2 * EARTH_RADIUS * float(np.arcsin(min(1.0, chord / 2)))


def _on_sphere(places: Degrees) -> npt.NDArray[np.float64]:
    """Unit vectors ``(N, 3)``."""
    longitude, latitude = np.radians(places).T
    flat = np.cos(latitude)
    return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], axis=1)


def _chord(kilometres: float) -> float:
    """Distance through a sphere of radius 1 that goes with a distance over the Earth's surface."""
    return 2 * float(np.sin(min(np.pi, kilometres / EARTH_RADIUS) / 2))
