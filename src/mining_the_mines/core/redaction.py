"""Redact passwords and signatures in addresses, messages and parameters."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: Query parameters that grant access: shared access signatures of Azure, signed URLs of Amazon and Google, and keys by
#: their usual names, without hyphens and underscores.
_SECRETS: Final = frozenset(
    {"accesskey", "accesstoken", "apikey", "auth", "authorization", "authtoken", "clientsecret", "code", "credential"}
    | {"credentials", "jwt", "key", "pass", "passphrase", "passwd", "password", "privatekey", "pwd", "refreshtoken"}
    | {"secret", "secretaccesskey", "secretkey", "sessiontoken", "sig", "signature", "subscriptionkey", "token"}
    | {"xapikey"}
)
#: Outside of addresses these names are harmless, such as a projection's code in PROJJSON, or an orbit's pass.
_HARMLESS: Final = frozenset({"code", "key", "pass"})
_SIGNED_NAMES: Final = ("awssecret", "awssession")
#: Names that end in one of these words name a secret, whatever comes before: ``db_password``, ``X-Api-Token``.
_LAST_WORDS: Final = (
    *("apikey", "auth", "authorization", "cookie", "credential", "credentials", "jwt", "passphrase", "passwd"),
    *("password", "pwd", "secret", "secrets", "token"),
)
#: The same for these even where no hyphen or capital letter sets them off.
_ENDINGS: Final = ("apikey", "passphrase", "passwd", "password")
#: Words before ``key`` that make it a secret; other keys sort and join tables.
_KEYS_TO: Final = ("access", "account", "api", "auth", "encryption", "private", "secret", "signing", "subscription")
#: Words before ``pass`` that make it a password and no pass of an orbit.
_PASSES_OF: Final = ("admin", "database", "db", "login", "proxy", "user")
_WORD: Final = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Replaces the value of a parameter whose name says that it is a secret.
_REDACTED: Final = "…"
_SIGNED: Final = ("xamz", "xgoog", "awsaccesskeyid")
#: The rest of a shared access signature, of no use without its ``sig``.
_SHARED_ACCESS: Final = frozenset(
    {"sv", "se", "st", "sp", "sr", "spr", "ske", "skoid", "sks", "skt", "sktid", "skv", "si"}
)
_ADDRESS: Final = re.compile(r"""https?://[^\s'"<>]+""", re.IGNORECASE)
#: The names as people write them, with or without hyphens and underscores.
_WRITTEN: Final = "|".join(
    [
        *("[-_.]?".join(name) for name in sorted(_SECRETS)),
        rf"[\w.-]*[-_.](?:{'|'.join(_LAST_WORDS)})",
        rf"[\w.-]*(?:{'|'.join(_ENDINGS)})",
        rf"[\w.-]*[-_.](?:{'|'.join(_KEYS_TO)})[-_.]?key",
    ]
)
#: GDAL also reports the end of an address alone: ``B02.tif?sig=…, band 1: IReadBlock failed``; and an address within
#: an address is escaped: ``%3Fsig%3D…``.
_SECRET_PART: Final = re.compile(
    rf"""(?:[?&]|%3F|%26)(?:{_WRITTEN}|(?:x-amz-|x-goog-|awsaccesskeyid)[\w-]*)"""
    r"""(?:=[^\s&'"<>,]*|%3D(?:(?!%26)[^\s&'"<>,])*)""",
    re.IGNORECASE,
)
#: User and password before a host, in any scheme.
_USER: Final = re.compile(r"""(?<=//)[^\s/?#'"<>]*@""")


def without_secrets(address: str) -> str:
    """Remove passwords and signatures from an address.

    Args:
        address: A URL, or a path, which stays as it is.

    Returns:
        The address without user, password, fragment, and query parameters that grant access.
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that hold no address of the Internet
        return _without_parts(address)
    if not parts.scheme or not parts.netloc:
        return _without_parts(address) if parts.netloc else address
    query = parse_qsl(parts.query, keep_blank_values=True)
    signed = any(_plain(name) == "sig" for name, _ in query)
    kept = [
        (name, value)
        for name, value in query
        if not _grants_access(name) and not (signed and name.lower() in _SHARED_ACCESS)
    ]
    text = parts.query if len(kept) == len(query) else urlencode(kept)
    return _without_parts(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, text, "")))


def _grants_access(name: str) -> bool:
    plain = _plain(name)
    return plain in _SECRETS or plain.startswith(_SIGNED) or _ends_like_a_secret(name)


def _plain(name: str) -> str:
    """Normalise a name: ``api-key``, ``api_key`` and ``apiKey`` are one; ``sig=`` was escaped."""
    return re.sub("[-_.=]", "", name).lower()


def is_secret_name(name: object) -> bool:
    """Whether a parameter's name, or the end of a dotted name, marks its value as a secret."""
    whole = str(name).removeprefix("params:")
    plain = _plain(whole.rpartition(".")[2])
    listed = plain in _SECRETS and plain not in _HARMLESS
    return listed or plain.startswith((*_SIGNED, *_SIGNED_NAMES)) or _ends_like_a_secret(whole)


def _ends_like_a_secret(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if words[-2:] == ["key", "id"]:
        words.pop()
    before, last = ["", "", *words][-2:]
    if last in _LAST_WORDS or last.endswith(_ENDINGS):
        return True
    return (last == "key" and before in _KEYS_TO) or (last == "pass" and before in _PASSES_OF)


def _without_parts(text: str) -> str:
    return _USER.sub("", _SECRET_PART.sub("", text))


def redact(text: str) -> str:
    """Remove passwords and signatures from all addresses in a text, and from parts of addresses.

    Args:
        text: Any text, such as the message of a library's error.

    Returns:
        The text without secrets.
    """
    return _without_parts(_ADDRESS.sub(lambda found: without_secrets(found[0]), text))


def redact_all(value: Any) -> Any:  # noqa: ANN401 - any nested value
    """Redact all texts in nested mappings and sequences, such as parameters.

    A mapping's value under the name of a secret, such as ``password`` or ``headers.api_key``, is replaced whatever its
    type, except ``None`` and booleans: a network's ``class_token`` is no secret.

    Args:
        value: Mappings, lists, tuples and texts; other values stay as they are.

    Returns:
        The same structure without secrets.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            name: _REDACTED
            if not (part is None or isinstance(part, bool)) and is_secret_name(name)
            else redact_all(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [redact_all(part) for part in value]
    return tuple(map(redact_all, value)) if type(value) is tuple else value


class RedactingFilter(logging.Filter):
    """Redact log messages of a library: GDAL's warnings name the signed address that failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message of a log record.

        Args:
            record: Log record.

        Returns:
            True: it is logged.
        """
        message = record.getMessage()
        redacted = redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


# These loggers name the address that failed. Set once: a filter belongs to a logger that all threads share.
for _name in ("rasterio._env", "rasterio._err", "rasterio._io", "rasterio._base"):
    _logger = logging.getLogger(_name)
    if not any(isinstance(known, RedactingFilter) for known in _logger.filters):
        _logger.addFilter(RedactingFilter())
