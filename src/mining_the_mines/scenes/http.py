"""Patience with servers: time limits, retries with back-off, and addresses without secrets."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

#: Answers that may be different a little later: too many requests, and faults of the server itself.
PASSING_FAULTS: Final = (429, 500, 502, 503, 504)
#: No wait between two attempts is longer, whatever the back-off or the server says.
LONGEST_WAIT_SECONDS: Final = 60
#: A transfer that is slower than this for as long as the time limit counts as hanging.
_CRAWLING_BYTES_A_SECOND: Final = 1_000
#: Parts of a query that let whoever holds them in: shared access signatures of Azure, signed URLs of Amazon and Google,
#: and keys by their usual names.
_SECRETS: Final = frozenset(
    {"sig", "signature", "token", "access_token", "api_key", "apikey", "key", "subscription-key"}
)
_SIGNED: Final = ("x-amz-", "x-goog-", "awsaccesskeyid")
#: The rest of a shared access signature, of no use without its ``sig``.
_SHARED_ACCESS: Final = frozenset(
    {"sv", "se", "st", "sp", "sr", "spr", "ske", "skoid", "sks", "skt", "sktid", "skv", "si"}
)


class AccessSettings(BaseModel):
    """Where scenes come from, how long to wait for a server, and how often to ask again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        "earth-search",
        description="Where scenes are found: earth-search, planetary-computer, the address of another STAC API, or a "
        "static STAC catalog, by its address or the path of its catalog.json.",
    )
    timeout_seconds: float = Field(
        30, gt=0, description="An answer that has not come after this long counts as failed; so does one that crawls."
    )
    retries: int = Field(5, ge=0, description="How often a failed request is sent again.")
    back_off: float = Field(
        0.5,
        ge=0,
        description="Seconds before the second retry; each further one waits twice as long, at most a minute. Some "
        "chance is added, so that many clients don't come back at once.",
    )


def gdal_options(settings: AccessSettings) -> dict[str, str]:
    """Say the same to GDAL, for rasters that are read over HTTP.

    Args:
        settings: Time limit, retries and back-off.

    Returns:
        Configuration options, for ``rasterio.Env(**options)`` or Dask workers; see GDAL's page on ``/vsicurl/``.
    """
    seconds = f"{settings.timeout_seconds:g}"
    return {
        "GDAL_HTTP_TIMEOUT": seconds,
        "GDAL_HTTP_CONNECTTIMEOUT": seconds,
        "GDAL_HTTP_LOW_SPEED_TIME": f"{max(1, round(settings.timeout_seconds))}",
        "GDAL_HTTP_LOW_SPEED_LIMIT": str(_CRAWLING_BYTES_A_SECOND),
        "GDAL_HTTP_MAX_RETRY": str(settings.retries),
        "GDAL_HTTP_RETRY_DELAY": f"{settings.back_off:g}",
        "GDAL_HTTP_RETRY_CODES": ",".join(str(code) for code in PASSING_FAULTS),
        # One request for a header, none for files that might lie beside it.
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
        "GDAL_HTTP_MULTIPLEX": "YES",
        "GDAL_HTTP_VERSION": "2TLS",
        "VSI_CACHE": "TRUE",
    }


def without_secrets(address: str) -> str:
    """Take passwords and signatures out of an address.

    Args:
        address: A URL, or a path, which stays as it is.

    Returns:
        The address without user, password, fragment, and those parts of the query that grant access; fit to be
        written down.
    """
    parts = urlsplit(address)
    if not parts.scheme or not parts.netloc:
        return address
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = {name.lower() for name, _ in query}
    secret = _SECRETS | (_SHARED_ACCESS if "sig" in names else frozenset())
    kept = [(name, value) for name, value in query if not _grants_access(name.lower(), secret)]
    text = parts.query if len(kept) == len(query) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, text, ""))


def _grants_access(name: str, secret: frozenset[str]) -> bool:
    return name in secret or name.startswith(_SIGNED)
