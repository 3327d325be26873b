"""Which tokens of an issuer are taken, and who their senders are."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from api.access.callers import SCOPES_OF, Role, Scope
from api.access.tokens import InvalidToken, Issuer
from tests.api.access.conftest import Clock
from tests.api.access.issuer import LocalIssuer, Signing, local_issuer, segment


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def door(issuer: LocalIssuer, tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(issuer.settings(tmp_path_factory.mktemp("data")))


@pytest.mark.parametrize(
    ("kid", "alg"), [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519")]
)
def test_token_says_who_sends_it(issuer: LocalIssuer, door: Issuer, kid: str, alg: str) -> None:
    principal = door.principal(issuer.token(kid=kid, alg=alg))
    assert (principal.actor, principal.role) == ("recruiter:ana", Role.RECRUITER)
    assert principal.scopes == SCOPES_OF[Role.RECRUITER]
    assert principal.id.startswith("oidc:")
    assert "ana" not in principal.id
    assert principal.id == door.principal(issuer.token(jti="another")).id
    assert principal.id != door.principal(issuer.token(sub="ben")).id


@pytest.mark.parametrize("role", Role)
def test_role_is_the_claims(issuer: LocalIssuer, door: Issuer, role: Role) -> None:
    principal = door.principal(issuer.token(hirelog_role=["offline_access", role]))
    assert (principal.role, principal.scopes) == (role, SCOPES_OF[role])


@pytest.mark.parametrize(
    ("role", "scope", "left"),
    [
        ("recruiter", "openid hirelog:read", {Scope.READ}),
        ("recruiter", "hirelog:read hirelog:write", {Scope.READ, Scope.WRITE}),
        ("analyst", "hirelog:read hirelog:personal", {Scope.READ}),  # never more than the role
        ("analyst", "openid profile", {Scope.READ, Scope.WRITE}),
        ("recruiter", "hirelog:everything", set()),
        ("recruiter", "read", set(Scope)),
    ],
)
def test_scope_narrows_the_role(
    issuer: LocalIssuer, door: Issuer, role: str, scope: str, left: set[Scope]
) -> None:
    assert door.principal(issuer.token(hirelog_role=role, scope=scope)).scopes == left


def test_claims_of_the_settings_are_read(issuer: LocalIssuer, tmp_path: Path) -> None:
    settings = issuer.settings(
        tmp_path, oidc_role_claim="https://x.example/role", oidc_actor_claim="preferred_username"
    )
    claims: dict[str, Any] = {"https://x.example/role": "compliance"}
    token = issuer.token(**claims, preferred_username="Ana Silva")
    principal = Issuer(settings).principal(token)
    assert (principal.role, principal.actor) == (Role.COMPLIANCE, "compliance:Ana Silva")


def test_audience_may_be_one_of_several(issuer: LocalIssuer, door: Issuer) -> None:
    assert door.principal(issuer.token(aud=["hris", "hirelog"])).actor == "recruiter:ana"


def test_unknown_header_is_ignored(issuer: LocalIssuer, door: Issuer) -> None:
    assert door.principal(issuer.token(header={"nonce": "x"})).actor == "recruiter:ana"


@pytest.mark.parametrize(("name", "ahead"), [("exp", -40), ("nbf", 40), ("iat", 40)])
def test_clocks_may_differ_by_the_skew(
    issuer: LocalIssuer, door: Issuer, name: str, ahead: int
) -> None:
    claims: dict[str, Any] = {name: int(time.time()) + ahead}
    assert door.principal(issuer.token(**claims)).actor == "recruiter:ana"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1_700_000_000}, "expired"),
        ({"exp": "tomorrow"}, "exp is not a number"),
        ({"exp": float("nan")}, "exp is not a number"),
        ({"exp": None}, "lacks exp"),
        ({"nbf": int(time.time()) + 600}, "not valid yet"),
        ({"iat": int(time.time()) + 600}, "issued in the future"),
        ({"aud": "hris"}, "another audience"),
        ({"aud": ["hris", "crm"]}, "another audience"),
        ({"aud": None}, "lacks aud"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": None}, "lacks iss"),
        ({"sub": None}, "lacks sub"),
        ({"sub": ""}, "sub is empty"),
        ({"sub": 7}, "sub is empty or not a text"),
        ({"sub": "anä"}, "printable ASCII"),
        ({"sub": "ana "}, "printable ASCII"),
        ({"sub": "a\nb"}, "printable ASCII"),
        ({"sub": "a" * 200}, "at most 200"),
        ({"hirelog_role": None}, "names 0"),
        ({"hirelog_role": "owner"}, "names 0"),
        ({"hirelog_role": {"recruiter": True}}, "names 0"),
        ({"hirelog_role": [{}, []]}, "names 0"),
        ({"hirelog_role": ["recruiter", "admin"]}, "names 2"),
        ({"scope": ["hirelog:read"]}, "scope must be a text"),
        ({"long": "x" * 9_000}, "longer than 8192"),
    ],
)
def test_token_is_refused_for_its_claims(
    issuer: LocalIssuer, door: Issuer, claims: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidToken, match=why):
        door.principal(issuer.token(**claims))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64"])
def test_token_brings_no_key_of_its_own(issuer: LocalIssuer, door: Issuer, name: str) -> None:
    own = ECKey.generate_key("P-256")
    value = {
        "jwk": own.as_dict(private=False),
        "jku": "https://thief.example/keys",
        "x5u": "https://thief.example/keys",
        "x5c": ["MIIB"],
        "crit": ["kid"],
        "b64": True,
    }[name]
    for key in (own, issuer.keys["ec"]):
        with pytest.raises(InvalidToken, match="own key or extension"):
            door.principal(issuer.token(key=key, header={name: value}))


def test_signature_of_another_key_is_refused(issuer: LocalIssuer, door: Issuer) -> None:
    for kid, alg, key in (
        ("ec", "ES256", ECKey.generate_key("P-256")),
        ("rsa", "RS256", RSAKey.generate_key(2048)),
    ):
        with pytest.raises(InvalidToken, match="signature is not the issuer's"):
            door.principal(issuer.token(kid=kid, alg=alg, key=key))


def test_changed_payload_is_refused(issuer: LocalIssuer, door: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    payload = segment(issuer.claims(hirelog_role="admin"))
    with pytest.raises(InvalidToken, match="signature is not the issuer's"):
        door.principal(f"{header}.{payload}.{signature}")


def test_unsigned_token_is_refused(issuer: LocalIssuer, door: Issuer) -> None:
    for alg in ("none", "None", "NONE", ""):
        header = segment({"alg": alg, "kid": "ec"})
        with pytest.raises(InvalidToken, match="algorithm that this server allows"):
            door.principal(f"{header}.{segment(issuer.claims())}.")


def test_public_key_is_no_shared_secret(issuer: LocalIssuer, door: Issuer) -> None:
    rsa = issuer.keys["rsa"]
    assert isinstance(rsa, RSAKey)
    header = {"alg": "HS256", "kid": "rsa"}
    for secret in (rsa.as_pem(private=False), rsa.as_der(private=False)):
        key = OctKey.import_key(base64.urlsafe_b64encode(secret))
        token = jwt.encode(header, issuer.claims(), key, registry=Signing("HS256"))
        with pytest.raises(InvalidToken, match="algorithm that this server allows"):
            door.principal(token)


def test_algorithm_must_be_that_of_the_key(issuer: LocalIssuer, door: Issuer) -> None:
    for kid, alg, signer in (("rsa", "ES256", "ec"), ("ec", "RS256", "rsa"), ("ec", "EdDSA", "ed")):
        with pytest.raises(InvalidToken, match="not for its algorithm"):
            door.principal(issuer.token(kid=kid, alg=alg, key=issuer.keys[signer]))


def test_algorithm_must_be_listed(issuer: LocalIssuer, tmp_path: Path) -> None:
    door = Issuer(issuer.settings(tmp_path, oidc_algorithms="ES256"))
    assert door.principal(issuer.token()).actor == "recruiter:ana"
    with pytest.raises(InvalidToken, match="algorithm that this server allows"):
        door.principal(issuer.token(kid="rsa", alg="RS256"))


def test_unknown_kid_is_refused(issuer: LocalIssuer, door: Issuer) -> None:
    with pytest.raises(InvalidToken, match="no key of its kid"):
        door.principal(issuer.token(kid="lost", key=issuer.keys["ec"]))


def test_encrypted_token_is_refused(issuer: LocalIssuer, door: Issuer) -> None:
    rsa = RSAKey.generate_key(2048)
    header = {"alg": "RSA-OAEP", "enc": "A128GCM", "kid": "rsa"}
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP", "A128GCM"])
    token = jwt.encode(header, issuer.claims(), rsa, registry=registry)
    with pytest.raises(InvalidToken, match="encrypted"):
        door.principal(token)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 380,
        b"{",
        b"\xff\xfe",
        *([], "alg", ["alg"], ["alg", "b64"], 7, None, {}, {"alg": 7}, {"alg": ["ES256"]}),
        *({"alg": "ES256", "kid": 7}, {"alg": "ES256", "kid": {}}, {"alg": "ES256", "crit": 7}),
        *({"alg": "ES256", "crit": ["alg", 7]}, {"alg": "ES256", "b64": False}),
    ],
)
def test_strange_header_is_refused(issuer: LocalIssuer, door: Issuer, header: Any) -> None:
    _, payload, signature = issuer.token().split(".")
    with pytest.raises(InvalidToken):
        door.principal(f"{segment(header)}.{payload}.{signature}")


@pytest.mark.parametrize("payload", ["[" * 5_000, "[]", "7", "", "\x00", "1" * 5_000])
def test_signed_payload_must_be_claims(issuer: LocalIssuer, door: Issuer, payload: str) -> None:
    with pytest.raises(InvalidToken, match="not a JSON Web Token"):
        door.principal(issuer.signed(payload.encode()))


def test_half_a_character_is_no_name(issuer: LocalIssuer, door: Issuer) -> None:
    with pytest.raises(InvalidToken, match="printable ASCII"):
        door.principal(issuer.signed(json.dumps(issuer.claims(sub="\ud800")).encode()))


def test_refusal_does_not_quote_the_token(issuer: LocalIssuer, door: Issuer) -> None:
    bad: list[dict[str, Any]] = [{"sub": "secret\n"}, {"hirelog_role": "secret"}, {"aud": "secret"}]
    for claims in bad:
        with pytest.raises(InvalidToken) as refused:
            door.principal(issuer.token(**claims))
        assert "secret" not in str(refused.value)


@given(st.text() | st.binary().map(lambda some: some.decode("latin-1")))
def test_any_text_is_refused_by_name(door: Issuer, text: str) -> None:
    for token in (text, f"{text}.{text}.{text}", f"{segment(text.encode(errors='ignore'))}.e30.e"):
        with pytest.raises(InvalidToken):
            door.principal(token)


@given(data=st.data())
def test_changed_token_is_refused_by_name(
    issuer: LocalIssuer, door: Issuer, data: st.DataObject
) -> None:
    token = issuer.token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda each: each != token[place]))
    with pytest.raises(InvalidToken):
        door.principal(token[:place] + other + token[place + 1 :])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.sampled_from(
        ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "hirelog_role", "\ud800"]
    ),
    value=json_values,
)
def test_any_signed_claim_is_taken_or_refused_by_name(
    issuer: LocalIssuer, door: Issuer, name: str, value: Any
) -> None:
    payload = json.dumps({**issuer.claims(), name: value}).encode()
    try:
        door.principal(issuer.signed(payload))
    except InvalidToken as refused:
        said = str(refused)
        assert said.startswith("the token is refused: ")  # or it is taken


def test_remembered_token_expires_all_the_same(
    issuer: LocalIssuer, tmp_path: Path, clock: Clock
) -> None:
    door = Issuer(issuer.settings(tmp_path), clock)
    token = issuer.token(exp=int(time.time()) + 100)
    assert door.remembered(token) is None
    principal = door.principal(token)
    assert door.remembered(token) is door.principal(token) is principal
    clock.ahead = 150
    assert door.principal(token) is principal  # within the skew
    clock.ahead = 165
    assert door.remembered(token) is None
    with pytest.raises(InvalidToken, match="expired"):
        door.principal(token)
