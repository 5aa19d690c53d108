"""Tables between pipelines: their columns, types and ranges, checked whenever one is read or written.

The catalog names a schema as an entry's ``validator:``. Columns that a schema does not name are allowed.
"""

from typing import Final

import numpy as np
from pandera.pandas import Check, Column, DataFrameSchema, Index

from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus

_FILENAME: Final = Column(unique=True)
_LABEL: Final = Column("Int64", Check.isin([0, 1]), nullable=True, coerce=True)
_PROBABILITY: Final = Column(float, Check.in_range(0, 1), coerce=True)
_SPLIT: Final = Column(None, Check.isin(["train", "test"]))
_FOLD: Final = Column("Int64", Check.ge(0), nullable=True, coerce=True)
_PLACE: Final = Column()
_DEGREES: Final = {
    "longitude": Column(float, Check.in_range(-180, 180), nullable=True, coerce=True),
    "latitude": Column(float, Check.in_range(-90, 90), nullable=True, coerce=True),
}

#: Test chips have no fold, training chips have one.
_FOLDED: Final = Check(
    lambda table: table["fold"].isna() == (table["split"] == "test"),
    name="training chips have a fold, test chips have none",
)
#: No place is in two folds, or in a fold and the test split.
_KEPT_TOGETHER: Final = Check(
    lambda table: len(table[["place", "split", "fold"]].drop_duplicates()) == table["place"].nunique(),
    name="chips of one place are in one fold",
)
_CHIP: Final = {"label": _LABEL, **_DEGREES, "place": _PLACE, "split": _SPLIT, "fold": _FOLD}

#: One row per chip: its label, place and quality, and whether it is used. Labels may name a rejected chip twice.
MANIFEST: Final = DataFrameSchema(
    {
        "filename": Column(nullable=True),
        "sha256": Column(None, Check.str_matches(r"^[0-9a-f]{64}$"), nullable=True),
        "label": _LABEL,
        **_DEGREES,
        "nodata_share": Column(float, Check.in_range(0, 1), nullable=True, coerce=True),
        "verdict": Column(None, Check.isin(["accepted", "rejected"])),
    },
    checks=[
        Check(
            lambda table: (table["verdict"] == "accepted") | table["reason"].notna(),
            name="rejected chips have a reason",
        ),
        Check(
            lambda table: table.loc[table["verdict"] == "accepted", "filename"].is_unique,
            name="accepted chips have names of their own",
        ),
    ],
)
#: One row an accepted chip: its place, and its split and fold.
FOLDS: Final = DataFrameSchema({"filename": _FILENAME, **_CHIP}, checks=[_FOLDED, _KEPT_TOGETHER])
#: One row per chip, one column per feature; a feature that a chip does not have is NaN.
FEATURES: Final = DataFrameSchema(
    index=Index(None, unique=True, name="filename"),
    checks=[
        Check(lambda table: bool((table.dtypes == "float32").all()), name="features are float32"),
        Check(lambda table: not np.isinf(table.to_numpy()).any(), name="features are finite or NaN"),
    ],
)
#: One row per chip and model.
PREDICTIONS: Final = DataFrameSchema(
    {"filename": Column(), "model": Column(), "probability": _PROBABILITY, **_CHIP},
    checks=_FOLDED,
    unique=["filename", "model"],
)
#: One row per segmented chip: pixels and hectares by truth and prediction.
CHIP_SCORES: Final = DataFrameSchema(
    {
        "filename": _FILENAME,
        **{
            name: Column(int, Check.ge(0), coerce=True)
            for name in ("true_positive", "false_positive", "false_negative", "true_negative")
        },
        "iou": Column(float, Check.in_range(0, 1), nullable=True, coerce=True),
        "true_hectares": Column(float, Check.ge(0), coerce=True),
        "predicted_hectares": Column(float, Check.ge(0), coerce=True),
        **_CHIP,
    },
    checks=_FOLDED,
)
#: One row per probability, out of fold.
PROBABILITIES: Final = DataFrameSchema({"filename": _FILENAME, "probability": _PROBABILITY})
_DAY: Final = Column("datetime64[ms]", nullable=True, coerce=True)
_HECTARES: Final = Column(float, Check.ge(0), nullable=True, coerce=True)
_SHARE: Final = Column(float, Check.in_range(0, 1), nullable=True, coerce=True)
#: One row per site and period; see :mod:`mining_the_mines.monitoring.site_table`.
SITES: Final = DataFrameSchema(
    {
        "site_id": Column(None, Check.str_matches(r"^.+-\d{4,}$")),
        "status": Column(None, Check.isin([*SiteStatus])),
        "confirmation": Column(None, Check.isin([*Confirmation])),
        **dict.fromkeys(("start", "end", "first_date", "last_date", "onset_after", "onset_by"), _DAY),
        **dict.fromkeys(("hectares", "outside_concessions_ha", "protected_ha"), _HECTARES),
        **dict.fromkeys(("probability", "peak_probability", "clear_share"), _SHARE),
    },
    checks=[
        Check(
            lambda table: table["hectares"].isna() == (table["status"] == SiteStatus.NOT_SEEN),
            name="sites that were seen have hectares, others have none",
        ),
        Check(
            lambda table: (table["confirmed_by"] == "") == (table["confirmation"] == Confirmation.PROVISIONAL),
            name="confirmed sites have a reason, provisional ones have none",
        ),
        Check(lambda table: ~(table["onset_after"] >= table["onset_by"]), name="onset begins before it ends"),
    ],
    unique=["site_id", "period"],
)
#: One row per id of a site.
SITE_REGISTER: Final = DataFrameSchema(
    {"site_id": Column(unique=True), "number": Column(int, Check.ge(1)), "founded": Column()},
    unique=["region", "number"],
)
