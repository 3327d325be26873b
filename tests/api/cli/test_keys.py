"""API keys on the command line."""

from getpass import getuser

from api.access import keys
from tests.api.cli.processes import Shell, complaint
from tests.databases import Database

OPERATOR = f"operator:{getuser()}"


def test_keys_on_the_command_line(shell: Shell, database: Database) -> None:
    at = {"HIRELOG_DATABASE_URL": database.owner}
    create = "keys", "create", "--role"
    key = shell.done(
        *create, "recruiter", "--name", "ana", "--actor", "operator:mia", environ=at
    ).strip()
    made = shell.result(*create, "analyst", "--name", "lu", "--scope", "read", environ=at)
    assert (made["actor"], made["scopes"]) == ("analyst:lu", ["read"])
    new = shell.done("keys", "rotate", keys.id_of(key), environ=at).strip()
    for who in "operator:zoe", "operator:too-late":
        revoke = "keys", "revoke", made["key_id"], "--actor", who
        revoked = shell.result(*revoke, environ=at)
        assert (revoked["state"], revoked["revoked_by"]) == ("revoked", "operator:zoe")
    listed = shell.result("keys", "list", environ=at)
    assert [each["created_by"] for each in listed] == ["operator:mia", *[OPERATOR] * 2]
    states = {each["key_id"]: each["state"] for each in listed}
    assert states == {
        keys.id_of(key): "active",
        made["key_id"]: "revoked",
        keys.id_of(new): "active",
    }
    table = shell.done("keys", "list", environ=at)
    assert f"replaced by {keys.id_of(new)}" in table
    assert "revoked by operator:zoe" in table
    assert not [each for each in (key, new, made["key"]) if each[13:] in table]
    for arguments, containing in (
        ((*create, "boss", "--name", "a"), "--role"),
        ((*create, "admin", "--name", "Zoë"), "--name"),
        ((*create, "admin", "--name", " "), "--name"),
        ((*create, "admin", "--name", "a", "--rate", "fast"), "--rate"),
        ((*create, "analyst", "--name", "a", "--scope", "personal"), "never has the scope"),
        (("keys", "revoke", "hlk_none"), "there is no key hlk_none"),
        (("keys", "rotate", made["key_id"]), "revoked"),
    ):
        assert not complaint(shell.run(*arguments, environ=at), containing), arguments
