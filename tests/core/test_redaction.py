"""No password and no signature is shown or written down."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.core.redaction import redact, redact_all, without_secrets
from mining_the_mines.scenes.settings import AccessSettings

KEYS = ("password", "key", "auth", "jwt", "code", "apiKey", "api-key", "x-api-key", "client_secret", "sig%3D")
LONGER_KEYS = (
    "my_token",
    "x-api-token",
    "user_password",
    "subscription-key",
    "Ocp-Apim-Subscription-Key",
    "dbpassword",
)


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
        ("//server/share#1/a?b=2", "//server/share#1/a?b=2"),
        ("https://[broken/a?key=f&b=1", "https://[broken/a&b=1"),
        ("https://host.org/a?sort_key=f&b=1", "https://host.org/a?sort_key=f&b=1"),
        *((f"https://host.org/a?{name}=f&b=1", "https://host.org/a?b=1") for name in (*KEYS, *LONGER_KEYS)),
    ],
)
def test_address(address: str, kept: str) -> None:
    assert without_secrets(address) == kept


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            "'/vsicurl/https://me:pass@host.org/a.tif?sig=abc' not recognized; see http://host.org/?token=x.",
            "'/vsicurl/https://host.org/a.tif' not recognized; see http://host.org/",
        ),
        ("B02.tif?se=1&sig=abc%3D, band 1: IReadBlock failed", "B02.tif?se=1, band 1: IReadBlock failed"),
        ("B02.tif?X-Amz-Signature=abc&id=3: failed", "B02.tif&id=3: failed"),
        *((text, text) for text in ("Is a // b? key=1, code = 2; me@host.org", "https://host.org/a?id=3&b=4")),
    ],
)
def test_message(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "https://host.org/a.tif%3Fsv%3D1%26sig%3Dhunter2%26se%3D2",
        "/vsicurl?url=https%3A%2F%2Fhost.org%2Fa.tif%3Fsig%3Dhunter2",
        "//me:hunter2@host.org/a.tif",
        "s3://me:hunter2@bucket/a.tif",
        "postgresql://me:hunter2@host.org:5432/pgstac, and more",
        "https://me:hunter2@[broken/a.tif",
        "B02.tif?jwt=hunter2: failed",
        *(f"B02.tif?a=1&{name}=hunter2: failed" for name in LONGER_KEYS),
        "https://host.org/a%3Fmy_token%3Dhunter2%26b=2",
        "https://host.org/go?next=https://host.org/?my_token=hunter2",
        "AcquisitionSettings(source='https://me:hunter2@host.org/stac?api_key=hunter2')",
    ],
)
def test_escaped_and_partial_addresses(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_nested_parameters() -> None:
    given_parameters = {"a": [{"source": "https://me:hunter2@host.org/"}], "b": ("//x:hunter2@h/", 3), "password": None}
    assert redact_all(given_parameters) == {"a": [{"source": "https://host.org/"}], "b": ("//h/", 3), "password": None}


@pytest.mark.parametrize(
    "name",
    ["password", "token", "secret", "api_key", "x-api-key", "Authorization", "aws_secret_access_key", "headers.token",
     "params:archive.password", "db_password", "user_password", "dbPassword", "smtppassword", "user_pass",
     "api_token", "bearer_token", "githubToken", "X-Api-Token", "MLFLOW_TRACKING_TOKEN", "mlflow_tracking_password",
     "Ocp-Apim-Subscription-Key", "PC_SDK_SUBSCRIPTION_KEY", "ssl.private_key", "accountKey", "access_key_id",
     "Proxy-Authorization", "azure_credentials", "password2", "APIKey", "archive.api.key"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["hunter2", 1234, ["hunter2"], {"a": "hunter2"}])
def test_secret_keys(name: str, value: object) -> None:
    given_parameters = {"acquisition": {"headers": [{name: value, "accept": "image/tiff"}]}}
    assert redact_all(given_parameters) == {"acquisition": {"headers": [{name: "…", "accept": "image/tiff"}]}}


def test_harmless_parameters() -> None:
    harmless: dict[str, object] = {
        "proj:projjson": {"id": {"authority": "EPSG", "code": 32721}},
        "sat:pass": {"pass": "ascending"},
    }
    harmless |= {"class_token": True} | dict.fromkeys(("keys", "key_id", "tokens", "token_count", "password_length"), 7)
    harmless |= dict.fromkeys(("key", "author", "sort_key", "orbit_pass", "secretary", "monkey"), "b")
    assert redact_all(harmless) == harmless


def test_settings() -> None:
    settings = AccessSettings(source="https://me:hunter2@host.org/stac?api_key=hunter2")
    assert "hunter2" not in f"{settings} {settings!r}"
    assert "host.org/stac" in repr(settings)


@given(st.text(alphabet="abcXYZ019-_~", min_size=8, max_size=40))
def test_no_signature_survives(secret: str) -> None:
    assert secret not in redact(f"GET https://{secret}:{secret}@host.org/?sv=1&sig={secret} failed")


def test_gdal_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        logging.getLogger("rasterio._env").warning("HTTP 503 - %s", "https://host.org/a.tif?sig=abc")
        logging.getLogger("rasterio._env").warning("%d plain", 1)
    assert caplog.messages == ["HTTP 503 - https://host.org/a.tif", "1 plain"]
