"""Addresses and messages without passwords and signatures."""

import logging
import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: Parts of a query that let whoever holds them in: shared access signatures of Azure, signed URLs of Amazon and Google,
#: and keys by their usual names.
_SECRETS: Final = frozenset({"sig", "signature", "token", "access_token", "api_key", "apikey", "subscription-key"})
_SIGNED: Final = ("x-amz-", "x-goog-", "awsaccesskeyid")
#: The rest of a shared access signature, of no use without its ``sig``.
_SHARED_ACCESS: Final = frozenset(
    {"sv", "se", "st", "sp", "sr", "spr", "ske", "skoid", "sks", "skt", "sktid", "skv", "si"}
)
_ADDRESS: Final = re.compile(r"""https?://[^\s'"<>]+""", re.IGNORECASE)
#: GDAL also tells the end of an address alone: ``B02.tif?sig=…, band 1: IReadBlock failed``.
_SECRET_PART: Final = re.compile(
    rf"""[?&](?:{"|".join(sorted(_SECRETS))}|(?:x-amz-|x-goog-|awsaccesskeyid)[\w-]*)=[^\s&'"<>,]*""", re.IGNORECASE
)


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


def conceal(text: str) -> str:
    """Take passwords and signatures out of all addresses in a text, and out of parts of addresses.

    Args:
        text: Such as the message of a library's error.

    Returns:
        The text, fit to be shown and written down.
    """
    return _SECRET_PART.sub("", _ADDRESS.sub(lambda found: without_secrets(found[0]), text))


class Discretion(logging.Filter):
    """Conceals secrets in what a library logs: GDAL's warnings name the signed address that failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message.

        Args:
            record: What is about to be logged.

        Returns:
            True: it is logged.
        """
        message = record.getMessage()
        discreet = conceal(message)
        if discreet != message:
            record.msg, record.args = discreet, ()
        return True


# These say which address they had trouble with. Set once: a filter belongs to a logger that all threads share.
for _name in ("rasterio._env", "rasterio._err", "rasterio._io", "rasterio._base", "odc.loader._rio"):
    _logger = logging.getLogger(_name)
    if not any(isinstance(known, Discretion) for known in _logger.filters):
        _logger.addFilter(Discretion())
