"""Keys of an issuer that changes them, is away, answers badly or is asked too often."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs
from structlog.typing import EventDict

from api import logs
from api.access import key_sets
from api.access.key_sets import IssuerUnavailable
from api.access.tokens import InvalidToken, Issuer
from tests.api.access.conftest import Clock
from tests.api.access.issuer import DISCOVERY, KEYS, LocalIssuer
from tests.waiting import until

HOUR = 3_600


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """What is logged, warnings included."""
    logs.configure("warning")
    with capture_logs() as logged:
        yield logged
    logs.configure("critical")


def refused_strangers(door: Issuer, issuer: LocalIssuer, count: int) -> None:
    stranger = ECKey.generate_key("P-256")
    for _ in range(count):
        with pytest.raises(InvalidToken, match="no key of its kid"):
            door.principal(issuer.token(kid=str(uuid4()), key=stranger))


def test_new_key_is_found_without_restart(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock
) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    door.principal(issuer.token())
    issuer.keys["new"] = ECKey.generate_key("P-256", {"kid": "new"})
    clock.ahead = 31
    assert door.principal(issuer.token(kid="new")).actor == "recruiter:ana"
    assert issuer.asked == [DISCOVERY, KEYS] * 2


def test_withdrawn_key_ends_within_about_an_hour(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock
) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    token = issuer.token(exp=int(time.time()) + 9 * HOUR)
    door.principal(token)
    del issuer.keys["ec"]
    clock.ahead = HOUR + 1
    assert door.principal(token)  # nobody waits for what is done in the background
    until(lambda: door.remembered(token) is None)
    with pytest.raises(InvalidToken, match="no key of its kid"):
        door.principal(token)


def test_strangers_cause_no_storm(issuer: LocalIssuer, tmp_path: Path, clock: Clock) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    refused_strangers(door, issuer, 100)
    assert issuer.asked == [DISCOVERY, KEYS]
    clock.ahead = 31
    refused_strangers(door, issuer, 100)
    assert issuer.asked == [DISCOVERY, KEYS] * 2


def test_first_requests_share_one_look(issuer: LocalIssuer, tmp_path: Path) -> None:
    door = Issuer(issuer.settings(tmp_path))
    tokens = [issuer.token(jti=str(number)) for number in range(key_sets.MAX_WAITING)]
    with ThreadPoolExecutor(len(tokens)) as pool:
        assert {each.actor for each in pool.map(door.principal, tokens)} == {"recruiter:ana"}
    assert issuer.asked == [DISCOVERY, KEYS]


def test_issuer_is_away_for_a_day_but_not_longer(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock, logged: list[EventDict]
) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    door.principal(issuer.token())
    issuer.close()
    clock.ahead = 23 * HOUR
    later = issuer.token(exp=int(clock()) + 2 * HOUR)
    assert door.principal(later).actor == "recruiter:ana"
    until(lambda: logged)
    assert (logged[0]["log_level"], logged[0]["issuer"]) == ("warning", issuer.url)
    with pytest.raises(IssuerUnavailable):  # perhaps it is a new key: nobody can say
        door.principal(issuer.token(kid="new", key=issuer.keys["ec"]))
    clock.ahead = 24 * HOUR
    with pytest.raises(IssuerUnavailable):
        door.principal(later)
    issuer.open()
    clock.ahead += 31
    assert door.principal(later).actor == "recruiter:ana"


def test_restart_while_the_issuer_is_away(issuer: LocalIssuer, tmp_path: Path) -> None:
    Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    kept = tmp_path / key_sets.FILE
    until(kept.exists)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [key_sets.FILE]
    assert '"d"' not in kept.read_text()
    issuer.close()
    script = (
        "import sys; from pathlib import Path; from api.settings import Settings\n"
        "from api.access.tokens import Issuer\n"
        "settings = Settings(data_dir=Path(sys.argv[1]), oidc_issuer=sys.argv[2],"
        " oidc_audience='hirelog')\n"
        "print(Issuer(settings).principal(sys.stdin.read()).actor)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), issuer.url],
        input=issuer.token(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("recruiter:ana\n", "")
    issuer.open()


def test_nobody_was_ever_known(issuer: LocalIssuer, tmp_path: Path, clock: Clock) -> None:
    issuer.close()
    door = Issuer(issuer.settings(tmp_path), clock)
    with pytest.raises(IssuerUnavailable, match="cannot be read"):
        door.principal(issuer.token())
    issuer.open()
    clock.ahead = 31
    assert door.principal(issuer.token()).actor == "recruiter:ana"


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"issuer": "ISSUER"}', "[" * 9_999])
def test_broken_file_is_replaced(issuer: LocalIssuer, tmp_path: Path, text: str) -> None:
    kept = tmp_path / key_sets.FILE
    kept.write_text(text.replace("ISSUER", issuer.url))
    assert Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    until(lambda: kept.read_text().startswith('{"issuer": '))


def test_keys_of_another_issuer_are_not_used(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock
) -> None:
    kept = {"issuer": "https://other.example", "read_at": clock(), **json.loads(keys_of(issuer))}
    (tmp_path / key_sets.FILE).write_text(json.dumps(kept))
    issuer.close()
    with pytest.raises(IssuerUnavailable):
        Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    issuer.open()


def keys_of(issuer: LocalIssuer) -> bytes:
    return issuer.answer(KEYS)[2]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (DISCOVERY, (500, {}, b"")),
        (DISCOVERY, (200, {}, b"<html>")),
        (DISCOVERY, (200, {}, b"[]")),
        (KEYS, (302, {"Location": DISCOVERY}, b"")),
        (KEYS, (200, {}, b"[" * 9_999)),
        (KEYS, (200, {}, b'{"keys": []}')),
        (KEYS, (200, {}, b'{"keys": [7, {}, {"kty": "EC", "crv": "P-256"}, {"kty": []}]}')),
        (KEYS, (200, {"Content-Encoding": "gzip"}, b"no")),
    ],
)
def test_bad_answer_gives_no_keys(
    issuer: LocalIssuer,
    tmp_path: Path,
    path: str,
    answer: tuple[int, dict[str, str], bytes],
    logged: list[EventDict],
) -> None:
    issuer.answers[path] = answer
    with pytest.raises(IssuerUnavailable):
        Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    assert [each["log_level"] for each in logged] == ["warning"]
    assert issuer.asked[-1] == path  # and nowhere else


def test_discovery_is_that_of_the_issuer(issuer: LocalIssuer, tmp_path: Path) -> None:
    answer = {"issuer": "https://other.example", "jwks_uri": issuer.url + KEYS}
    issuer.answers[DISCOVERY] = 200, {}, json.dumps(answer).encode()
    with pytest.raises(IssuerUnavailable):
        Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    assert issuer.asked == [DISCOVERY]


def test_endless_key_set_is_not_read(issuer: LocalIssuer, tmp_path: Path) -> None:
    issuer.answers[KEYS] = 200, {}, keys_of(issuer) + b" " * key_sets.MAX_BYTES
    with pytest.raises(IssuerUnavailable):
        Issuer(issuer.settings(tmp_path)).principal(issuer.token())


def test_discovery_leads_to_no_insecure_place(
    issuer: LocalIssuer, tmp_path: Path, logged: list[EventDict]
) -> None:
    answer = {"issuer": issuer.url, "jwks_uri": "http://keys.example/keys"}
    issuer.answers[DISCOVERY] = 200, {}, json.dumps(answer).encode()
    with pytest.raises(IssuerUnavailable):
        Issuer(issuer.settings(tmp_path)).principal(issuer.token())
    assert "https://" in logged[0]["error"]


def test_only_signature_keys_are_used(issuer: LocalIssuer, tmp_path: Path) -> None:
    shared = OctKey.generate_key(256, {"kid": "shared"}).as_dict(private=True)
    encrypting = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"})
    assert encrypting.private_key
    strange = [
        {"kty": "AKP", "kid": "post-quantum"},
        {"kty": "EC", "crv": "P-999", "x": "", "y": ""},
    ]
    listed = [shared, *strange, encrypting.as_dict(private=False)]
    everything = {"keys": [*listed, *json.loads(keys_of(issuer))["keys"]]}
    issuer.answers[KEYS] = 200, {}, json.dumps(everything).encode()
    door = Issuer(issuer.settings(tmp_path))
    assert door.principal(issuer.token()).actor == "recruiter:ana"
    signing = ECKey(encrypting.private_key, None)
    with pytest.raises(InvalidToken, match="no key of its kid"):
        door.principal(issuer.token(kid="enc", key=signing))


def test_key_that_can_be_factored_is_not_used(issuer: LocalIssuer, tmp_path: Path) -> None:
    short = generate_private_key(public_exponent=65_537, key_size=1_024)
    issuer.keys["short"] = RSAKey(short, short, {"kid": "short"})
    door = Issuer(issuer.settings(tmp_path))
    with pytest.raises(InvalidToken, match="no key of its kid"):
        door.principal(issuer.token(kid="short", alg="RS256"))


def test_address_of_the_keys_can_be_given(issuer: LocalIssuer, tmp_path: Path) -> None:
    door = Issuer(issuer.settings(tmp_path, oidc_jwks_url=issuer.url + KEYS))
    assert door.principal(issuer.token()).actor == "recruiter:ana"
    assert issuer.asked == [KEYS]


def test_silent_issuer_holds_few_and_not_for_long(
    issuer: LocalIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_sets, "FETCH_SECONDS", 0.5)
    monkeypatch.setattr(key_sets, "MAX_WAITING", 3)
    issuer.go_on.clear()
    door = Issuer(issuer.settings(tmp_path))

    def waited(_: int) -> float:
        begun = time.monotonic()
        with pytest.raises(IssuerUnavailable):
            door.principal(issuer.token())
        return time.monotonic() - begun

    with ThreadPoolExecutor(10) as pool:
        took = sorted(pool.map(waited, range(10)))
    assert took[-1] < 2
    assert sum(each > 0.4 for each in took) <= 3


def test_old_keys_are_used_while_a_silent_issuer_is_asked(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock
) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    door.principal(issuer.token())
    issuer.go_on.clear()
    clock.ahead = HOUR + 1
    begun = time.monotonic()
    assert door.principal(issuer.token(exp=int(clock()) + 60)).actor == "recruiter:ana"
    assert time.monotonic() - begun < 1
    until(lambda: len(issuer.asked) == 3)


def test_unwritable_directory_is_only_a_warning(
    issuer: LocalIssuer, tmp_path: Path, logged: list[EventDict]
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    assert Issuer(issuer.settings(in_the_way / "data")).principal(issuer.token())
    until(lambda: any(each["event"] == "keys cannot be kept" for each in logged))
