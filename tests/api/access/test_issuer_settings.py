"""What can be said about an issuer in the settings, and what is refused at the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import Settings

GOOD = {
    "HIRELOG_OIDC_ISSUER": "https://login.example.com/realms/hiring",
    "HIRELOG_OIDC_AUDIENCE": "hirelog",
}


def test_off_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIRELOG_OIDC_ISSUER", raising=False)
    assert Settings().oidc_issuer is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "http://localhost:8080/realms/hiring"),
        ("ISSUER", "http://127.0.0.1:8080"),
        ("ISSUER", "http://[::1]:8080"),
        ("JWKS_URL", "https://login.example.com/keys?p=policy"),
        ("ALGORITHMS", "RS256, PS512"),
    ],
)
def test_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for each, given in (GOOD | {f"HIRELOG_OIDC_{name}": value}).items():
        monkeypatch.setenv(each, given)
    settings = Settings()
    assert settings.oidc_audience == "hirelog"
    if name == "ALGORITHMS":
        assert settings.oidc_algorithms == ("RS256", "PS512")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ISSUER", "http://login.example.com", "must begin with https://"),
        ("ISSUER", "http://127.0.0.1.example.com", "must begin with https://"),
        ("ISSUER", "ftp://login.example.com", "must begin with https://"),
        ("ISSUER", "login.example.com", "must be a URL such as"),
        ("ISSUER", "https://me:secret@login.example.com", "must be a URL such as"),
        ("ISSUER", "https://login.example.com:port", "must be a URL such as"),
        ("ISSUER", "https://[login", "must be a URL such as"),
        ("ISSUER", "https://login.example.com/?x=1", "without a query"),
        ("ISSUER", "", "must be a URL such as"),
        ("JWKS_URL", "http://login.example.com/keys", "must begin with https://"),
        ("AUDIENCE", "", "must be set with HIRELOG_OIDC_ISSUER"),
        ("ALGORITHMS", "none", "must be some of RS256,"),
        ("ALGORITHMS", "RS256,HS256", "must be some of RS256,"),
        ("ALGORITHMS", "", "must be some of RS256,"),
        ("SKEW_SECONDS", "-1", "greater than or equal to 0"),
        ("OFFLINE_HOURS", "0", "greater than or equal to 1"),
        ("ROLE_CLAIM", "", "at least 1 character"),
    ],
)
def test_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    for each, given in (GOOD | {f"HIRELOG_OIDC_{name}": value}).items():
        monkeypatch.setenv(each, given)
    with pytest.raises(ValueError, match=says) as refused:
        Settings()
    assert f"oidc_{name.lower()}" in str(refused.value)


def test_wrong_setting_is_one_line_at_the_start(tmp_path: Path) -> None:
    wrong = {"HIRELOG_OIDC_ISSUER": "https://login.example.com", "HIRELOG_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hirelog"), "serve"],
        env=os.environ | wrong,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("hirelog: HIRELOG_OIDC_AUDIENCE: must be set with ")
    assert done.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())
