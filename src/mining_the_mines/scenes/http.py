"""HTTP with time limits and retries, for catalogs and for rasters, and signed addresses."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate, parsedate_to_datetime
from typing import Final, TypeVar

import requests
from requests.exceptions import (
    ConnectionError,  # noqa: A004 - the built-in one is caught nowhere here
    InvalidHeader,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
    SSLError,
    Timeout,
)
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError, ReadTimeoutError
from urllib3.exceptions import InvalidHeader as InvalidRetryHeader
from urllib3.util import Retry

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.scenes.settings import AccessSettings

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PLANETARY_COMPUTER: Final = "planetary-computer"
#: Statuses that may pass: too many requests, and faults of the server.
PASSING_FAULTS: Final = (429, 500, 502, 503, 504)
#: No wait between two attempts is longer, whatever the back-off or the server says.
LONGEST_WAIT_SECONDS: Final = 60
#: A transfer that is slower than this over the whole time limit counts as hanging.
_CRAWLING_BYTES_A_SECOND: Final = 1_000
#: Parts of remote files that GDAL keeps in a process, and as much of decoded tiles; by default it keeps a twentieth of
#: the machine's memory of these.
_CACHE_BYTES: Final = 128 * 2**20
_CHUNK_BYTES: Final = 256 * 1024
_NO_ADDRESS: Final = (MissingSchema, InvalidSchema, InvalidURL, InvalidHeader)
_WAYS_OUT: Final = {
    401: "give user and password in the file .netrc of your home folder",
    403: "it needs a signature, or user and password in the file .netrc of your home folder",
    404: "there is nothing at this address; check it, or leave this out",
}


def gdal_options(settings: AccessSettings, *, afresh: bool = False) -> dict[str, str | int]:
    """Apply the same settings to rasters that GDAL reads over HTTP.

    Args:
        settings: Time limit, retries and back-off.
        afresh: Read a file from its server although parts of it are in GDAL's cache. GDAL does not notice that a
            connection broke in the middle of an answer: it keeps the part that came, and returns that part to the next
            reader in the same process.

    Returns:
        Configuration options, for ``rasterio.Env(**options)`` or Dask workers; see GDAL's page on ``/vsicurl/``.
    """
    seconds = f"{settings.timeout_seconds:g}"
    uncached = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/"} if afresh else {}
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
        # Headers of some thousand files stay in memory until their pixels are read.
        "CPL_VSIL_CURL_CACHE_SIZE": str(_CACHE_BYTES),
        "GDAL_CACHEMAX": _CACHE_BYTES,
        **uncached,
    }


def signing(access: AccessSettings) -> Callable[[str], str] | None:
    """Find the function that signs addresses of assets.

    Signatures of the Planetary Computer expire within an hour: sign an address when its file is opened, and write no
    signed address down. The package planetary-computer caches tokens and renews them in time.

    Args:
        access: Names the archive.

    Returns:
        A function from an address to one that can be read; ``None`` where none is needed.
    """
    return sign if access.source == PLANETARY_COMPUTER else None


def sign(address: str) -> str:
    """Sign an address of the Planetary Computer.

    Args:
        address: Address of an asset; any that is not in its storage stays as it is.

    Returns:
        The address with a shared access signature, which must never be shown or written down.

    Raises:
        UnansweredError: The Planetary Computer gives no signature.
    """
    import planetary_computer  # type: ignore[import-untyped] # it publishes no type information

    try:
        signed: str = planetary_computer.sign_url(address)
    except (requests.RequestException, ValueError) as error:
        raise UnansweredError(
            f"The Planetary Computer gives no signature for {without_secrets(address)}: try again later."
        ) from error
    return signed


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes:
        length: Bytes; ``None`` if the server does not say.
        media_type: Such as ``image/tiff``; empty if the server does not say.
        version: Text that changes with the file: its ETag, or its date; empty if the server gives neither.
        modified: When it was changed; ``None`` if the server does not say.
    """

    length: int | None
    media_type: str
    version: str
    modified: datetime | None


class UnansweredError(SceneError):
    """A server did not answer a request.

    Args:
        message: One sentence.
        status: HTTP status of the answer; ``None`` if there was none.
        passing: Whether another attempt may help.
        wait_seconds: Pause that the server asks for (``Retry-After``).
    """

    def __init__(
        self, message: str, *, status: int | None = None, passing: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.passing = passing
        self.wait_seconds = wait_seconds


class PatientSession:
    """HTTP session that retries, and reports a failure in one sentence without secrets.

    The retries are our own: those of urllib3 do not cover the body of an answer, and urllib3 logs signed addresses.

    Args:
        settings: Time limit, retries and back-off.
    """

    def __init__(self, settings: AccessSettings) -> None:
        self.settings = settings
        self._session = requests.Session()

    def text(self, request: requests.Request) -> str:
        """Request a text.

        Args:
            request: Method, address, parameters and body.

        Returns:
            The body of the answer.

        Raises:
            UnansweredError: The answer is missing, incomplete or no text in UTF-8.
        """

        def attempt() -> bytes:
            with self._answer(request) as response:
                return b"".join(self._chunks(response))

        address = without_secrets(str(request.url))
        try:
            return self._patiently(attempt).decode("utf-8")
        except UnicodeDecodeError:
            raise UnansweredError(f"{address} is no text in UTF-8: check the address.") from None

    def download(self, address: str, write: Callable[[bytes], object], restart: Callable[[], object]) -> int | None:
        """Download a file.

        Args:
            address: Its address.
            write: Takes one part of it after the other.
            restart: Called before the first part of every attempt; discards what was written before.

        Returns:
            The number of bytes that the server announced; ``None`` if it announced none, or they were compressed.

        Raises:
            UnansweredError: The file did not arrive completely.
        """

        def attempt() -> int | None:
            restart()
            # Without compression, so that the announced length is that of the file.
            request = requests.Request("GET", address, headers={"Accept-Encoding": "identity"})
            with self._answer(request) as response:
                for chunk in self._chunks(response):
                    write(chunk)
                length = response.headers.get("Content-Length", "")
                return int(length) if length.isdigit() and "Content-Encoding" not in response.headers else None

        return self._patiently(attempt)

    def look(self, address: str) -> "RemoteFile":
        """Find the facts of a file by requesting its first byte.

        Some servers do not answer HEAD, and signed addresses allow GET only.

        Args:
            address: Its address.

        Returns:
            As far as the server says.

        Raises:
            UnansweredError: There is no such file, or no answer.
        """

        def attempt() -> RemoteFile:
            headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
            with self._answer(requests.Request("GET", address, headers=headers)) as response:
                if response.status_code == requests.codes.partial_content:
                    total = response.headers.get("Content-Range", "").rpartition("/")[2]
                else:  # the server ignores ranges; the rest of its answer is not read
                    total = response.headers.get("Content-Length", "")
                modified = response.headers.get("Last-Modified", "")
                return RemoteFile(
                    length=int(total) if total.isdigit() else None,
                    media_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                    version=response.headers.get("ETag", modified),
                    modified=parsedate_to_datetime(modified) if parsedate(modified) else None,
                )

        return self._patiently(attempt)

    def _patiently(self, attempt: Callable[[], Answer]) -> Answer:
        for number in range(self.settings.retries):
            try:
                return attempt()
            except UnansweredError as error:
                if not error.passing:
                    raise
                wait = self._wait(number, error.wait_seconds)
                logger.info("%s Asking again in %.1f s.", error, wait)
                time.sleep(wait)
        return attempt()

    def _wait(self, number: int, asked_for: float | None) -> float:
        """Seconds before retry ``number`` (from 0): none before the first, then exponential back-off with jitter."""
        wait = self.settings.back_off * 2.0**number * random.uniform(1, 1.5) if number else 0.0  # noqa: S311 - no secret
        return min(max(wait, asked_for or 0.0), LONGEST_WAIT_SECONDS)

    @contextmanager
    def _answer(self, request: requests.Request) -> Iterator[requests.Response]:
        address = without_secrets(str(request.url))
        limit = self.settings.timeout_seconds
        try:
            prepared = self._session.prepare_request(request)
            environment = self._session.merge_environment_settings(str(prepared.url), {}, True, None, None)
            with self._session.send(prepared, timeout=(limit, limit), **environment) as response:
                if response.status_code >= 400:
                    raise _refused(address, response)
                yield response
        except _NO_ADDRESS as error:
            raise UnansweredError(f"{address} is no address that can be asked: it must begin with https://.") from error
        except (RequestException, HTTPError) as error:  # of requests, and of urllib3 while the body is read
            raise _broken(address, error, limit) from error

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        """The body in parts, as long as it arrives fast enough."""
        limit = self.settings.timeout_seconds
        begun, arrived = time.monotonic(), 0
        # The socket's own time limit holds for one byte at a time; a server that drips never meets it.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            yield chunk
            arrived += len(chunk)
            elapsed = time.monotonic() - begun
            if elapsed > limit and arrived < elapsed * _CRAWLING_BYTES_A_SECOND:
                raise Timeout


def _refused(address: str, response: requests.Response) -> UnansweredError:
    status = response.status_code
    passing = status in PASSING_FAULTS
    try:
        wait = Retry().get_retry_after(response.raw)
    except InvalidRetryHeader:
        wait = None
    way_out = "the server is at fault; try again later" if passing or status >= 500 else "check the address"
    return UnansweredError(
        f"{address} answers {status} {response.reason or ''}".rstrip() + f": {_WAYS_OUT.get(status, way_out)}.",
        status=status,
        passing=passing,
        wait_seconds=wait,
    )


def _broken(address: str, error: RequestException | HTTPError, limit: float) -> UnansweredError:
    """Report the error in our own words: those of the library hold the whole address."""
    if isinstance(error, Timeout | ReadTimeoutError):
        return UnansweredError(
            f"{address} has not answered within {limit:g} s: try again later, or raise timeout_seconds.", passing=True
        )
    if isinstance(error, SSLError):
        return UnansweredError(f"{address} has no certificate that can be trusted: check the address.")
    if isinstance(error, ProtocolError | DecodeError):
        return UnansweredError(f"{address} broke off in the middle of its answer: try again later.", passing=True)
    if isinstance(error, ConnectionError):
        return UnansweredError(
            f"{address} can't be reached: check the address and your connection to the network.", passing=True
        )
    return UnansweredError(f"{address} can't be asked ({type(error).__name__}): check the address.")
