"""No password and no signature is shown or written down."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.scenes.discretion import conceal, without_secrets


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://me:pass@host.org/a.tif", "https://host.org/a.tif"),
        ("https://x.blob.core.windows.net/a.tif?st=1&se=2&sp=rl&sig=abc%3D", "https://x.blob.core.windows.net/a.tif"),
        ("https://host.org/a?X-Amz-Signature=f&X-Amz-Date=1&id=3", "https://host.org/a?id=3"),
        ("https://host.org/a?access_token=f#part", "https://host.org/a"),
        ("https://host.org/a?b=1&c=%20", "https://host.org/a?b=1&c=%20"),
        ("https://host.org/a?sp=3", "https://host.org/a?sp=3"),
        ("/data/a.tif", "/data/a.tif"),
    ],
)
def test_an_address_is_written_down_without_what_grants_access(address: str, kept: str) -> None:
    assert without_secrets(address) == kept


def test_addresses_in_a_message_lose_their_secrets() -> None:
    text = "'/vsicurl/https://me:pass@host.org/a.tif?sig=abc' not recognized; see http://host.org/?token=x."
    assert conceal(text) == "'/vsicurl/https://host.org/a.tif' not recognized; see http://host.org/"


def test_the_end_of_an_address_loses_its_signature() -> None:
    assert conceal("B02.tif?se=1&sig=abc%3D, band 1: IReadBlock failed") == "B02.tif?se=1, band 1: IReadBlock failed"
    assert conceal("B02.tif?X-Amz-Signature=abc&id=3: failed") == "B02.tif&id=3: failed"


@given(st.text(alphabet="abcXYZ019-_~", min_size=8, max_size=40))
def test_no_signature_survives(secret: str) -> None:
    assert secret not in conceal(f"GET https://{secret}:{secret}@host.org/?sv=1&sig={secret} failed")


def test_what_gdal_logs_loses_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        logging.getLogger("rasterio._env").warning("HTTP 503 - %s", "https://host.org/a.tif?sig=abc")
        logging.getLogger("rasterio._env").warning("%d plain", 1)
    assert caplog.messages == ["HTTP 503 - https://host.org/a.tif", "1 plain"]
