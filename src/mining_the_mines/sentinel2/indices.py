"""Spectral indices by name, for NumPy arrays and PyTorch tensors alike.

The formulas come from spyndex, the Python face of the Awesome Spectral Indices catalogue (Montero et al., 2023,
https://doi.org/10.1038/s41597-023-02096-0). One index is our own:

    ENDMI = ((B8 + B8A) − (B11 + B12)) / ((B8 + B8A) + (B11 + B12))

an "enhanced" NDMI over both near infrared and both short-wave infrared bands, low over dry bare ground.

A formula is walked, not handed to ``eval``: nothing but arithmetic can be in it, each division can be guarded, and the
same walk traces under ``torch.export`` without this package knowing of torch.
"""

import ast
import itertools
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from mining_the_mines.core.errors import BadInputError

Array = TypeVar("Array")

#: Vegetation, open and turbid water, moisture, bare soil and dryness: what sets a mine apart from its surroundings.
DEFAULT_INDICES: Final = ("NDVI", "NDWI", "MNDWI", "NDMI", "EVI", "BI", "NBR", "MSI", "ENDMI")

#: An index is clipped to ±this. Normalised differences lie within ±1; ratios run away over shadow and water.
LIMIT: Final = 2.0
#: A divisor closer to zero than this is no measurement: reflectance is known to 0.0001 at best.
SMALLEST_DIVISOR: Final = 1e-6

_OWN_FORMULAS: Final = MappingProxyType({"ENDMI": "((N+N2)-(S1+S2))/((N+N2)+(S1+S2))"})

_PLAIN_OPERATIONS: Final[Mapping[type[ast.AST], Callable[..., Any]]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.UAdd: operator.pos,
        ast.USub: operator.neg,
    }
)


@dataclass(frozen=True)
class IndexFormula:
    """A spectral index, ready to be computed.

    Attributes:
        name: The index' short name in spyndex, such as ``NDVI``.
        long_name: What it stands for.
        tree: The parsed formula over spyndex' band letters.
        bands: Sentinel-2 band of each band letter.
        constants: Value of each constant of the formula.
    """

    name: str
    long_name: str
    tree: ast.expr
    bands: Mapping[str, str]
    constants: Mapping[str, float]

    def __call__(self, bands: Mapping[str, Array]) -> Array:
        """Compute the index.

        Args:
            bands: Reflectance (0 to 1) by Sentinel-2 band name; arrays or tensors of one shape.

        Returns:
            The index, of the bands' shape, clipped to ±2; 0 where a divisor vanishes, NaN where a band is NaN.
        """
        values: dict[str, Any] = dict(self.constants)
        for letter, band in self.bands.items():
            values[letter] = bands[band]
        result: Any = _evaluate(self.tree, values)
        clipped: Array = result.clip(-LIMIT, LIMIT)
        return clipped


def required_bands(index: str) -> tuple[str, ...]:
    """List the Sentinel-2 bands that an index needs.

    Args:
        index: Short name, such as ``NDVI``.

    Returns:
        Band names, such as ``("B8", "B4")``.

    Raises:
        BadInputError: If there is no such index.
    """
    return tuple(index_formula(index).bands.values())


def available_indices(bands: Collection[str]) -> tuple[str, ...]:
    """List the indices that can be computed from a set of bands.

    Args:
        bands: Sentinel-2 band names.

    Returns:
        Short names in alphabetical order.
    """
    have = set(bands)
    return tuple(name for name, formula in _formulas().items() if have.issuperset(formula.bands.values()))


def check_indices(indices: Collection[str], bands: Collection[str]) -> None:
    """Make sure that indices exist and that the bands suffice for them.

    Args:
        indices: Short names of indices.
        bands: Sentinel-2 bands at hand.

    Raises:
        BadInputError: If an index is unknown, or needs a band that is not there; the message lists what can be had.
    """
    for name in indices:
        missing = [band for band in required_bands(name) if band not in bands]
        if missing:
            possible = [index for index in DEFAULT_INDICES if index in available_indices(bands)] or [
                "none of the usual"
            ]
            raise BadInputError(
                f"The index {name} needs {', '.join(missing)}, but the bands are {', '.join(bands)}: "
                f"leave it out, or choose among those that they allow: {', '.join(possible)}."
            )


def compute_index(name: str, bands: Mapping[str, Array]) -> Array:
    """Compute one spectral index.

    Args:
        name: Short name, such as ``NDVI``.
        bands: Reflectance (0 to 1) by Sentinel-2 band name; NumPy arrays or torch tensors of one floating dtype.

    Returns:
        The index, of the bands' shape and dtype, clipped to ±2; 0 where a divisor vanishes, NaN where a band is NaN.

    Raises:
        BadInputError: If the index is unknown or a band is missing.
    """
    formula = index_formula(name)
    if any(band not in bands for band in formula.bands.values()):
        check_indices((name,), tuple(bands))
    return formula(bands)


def normalised_difference(first: Array, second: Array) -> Array:
    """Compute ``(first − second) / (first + second)``, clipped to ±2 and 0 where the sum vanishes.

    Args:
        first: Reflectance, an array or a tensor.
        second: Reflectance of the same shape.

    Returns:
        The normalised difference, of the same shape.
    """
    one: Any = first
    other: Any = second
    result: Array = _divide(one - other, one + other).clip(-LIMIT, LIMIT)
    return result


def all_normalised_differences(bands: Mapping[str, Array]) -> dict[str, Array]:
    """Compute the normalised difference of every pair of bands.

    Args:
        bands: Reflectance by band name.

    Returns:
        ``ND_<first>_<second>`` → normalised difference, each pair once, in the order of the bands.
    """
    return {
        f"ND_{first}_{second}": normalised_difference(bands[first], bands[second])
        for first, second in itertools.combinations(bands, 2)
    }


def index_formula(name: str) -> IndexFormula:
    """Look up an index.

    Args:
        name: Short name, such as ``NDVI``.

    Returns:
        Its formula, which can be called on bands.

    Raises:
        BadInputError: If there is no such index; the message lists the usual ones.
    """
    try:
        return _formulas()[name]
    except KeyError:
        raise BadInputError(
            f"There is no spectral index {name!r} for Sentinel-2: the usual ones are {', '.join(DEFAULT_INDICES)}; "
            "spyndex' documentation lists the rest."
        ) from None


@cache
def _formulas() -> Mapping[str, IndexFormula]:
    # Reading spyndex' catalogue takes about a second, so it waits until somebody asks for an index.
    import spyndex

    letters = {letter: band.sentinel2a.band for letter, band in spyndex.bands.items() if hasattr(band, "sentinel2a")}
    constants = {name: constant.default for name, constant in spyndex.constants.items() if constant.default is not None}
    described = {name: (index.formula, index.long_name) for name, index in spyndex.indices.items()}
    described |= {name: (text, "Enhanced Normalized Difference Moisture Index") for name, text in _OWN_FORMULAS.items()}
    formulas: dict[str, IndexFormula] = {}
    for name, (text, long_name) in sorted(described.items()):
        tree = ast.parse(text, mode="eval").body
        symbols = list(dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)))
        if not any(symbol in letters for symbol in symbols):
            continue  # a radar index
        if all(symbol in letters or symbol in constants for symbol in symbols):
            formulas[name] = IndexFormula(
                name=name,
                long_name=long_name,
                tree=tree,
                bands={symbol: letters[symbol] for symbol in symbols if symbol in letters},
                constants={symbol: float(constants[symbol]) for symbol in symbols if symbol not in letters},
            )
    return MappingProxyType(formulas)


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an array, a tensor or a number
    match node:
        case ast.Constant(value=(int() | float()) as number):
            return number
        case ast.Name(id=symbol):
            return values[symbol]
        case ast.UnaryOp(op=operation, operand=operand):
            return _plain(operation)(_evaluate(operand, values))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _divide(_evaluate(left, values), _evaluate(right, values))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_evaluate(left, values), _evaluate(right, values))
        case ast.BinOp(left=left, op=operation, right=right):
            return _plain(operation)(_evaluate(left, values), _evaluate(right, values))
    raise TypeError(f"A spectral index holds arithmetic only, not {ast.unparse(node)!r}.")


def _plain(operation: ast.operator | ast.unaryop) -> Callable[..., Any]:
    return _PLAIN_OPERATIONS[type(operation)]


def _divide(numerator: Any, denominator: Any) -> Any:  # noqa: ANN401
    if isinstance(denominator, int | float):
        return numerator / denominator
    # Comparisons used as numbers need neither numpy.where nor torch.where.
    vanishing = abs(denominator) < SMALLEST_DIVISOR
    return numerator / (denominator + vanishing) * ~vanishing


def _power(base: Any, exponent: Any) -> Any:  # noqa: ANN401
    whole = isinstance(exponent, int | float) and float(exponent).is_integer()
    if whole or isinstance(base, int | float):
        return base**exponent
    # The root of a slightly negative reflectance would be NaN, and NaN means "no data".
    return base.clip(0) ** exponent
