"""Notes, checkpoints and portable proofs are those of C2SP, and nothing malformed passes."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.compliance_audit.merkle import checkpoint, note, tree
from projections.compliance_audit.merkle.checkpoint import Checkpoint, InclusionProof
from projections.compliance_audit.merkle.encoding import NotProven, to_base64
from projections.compliance_audit.merkle.note import Signer, VerifierKey
from tests.projections.merkle import naive
from tests.projections.merkle.test_tree import PROBES, with_probes

THEIRS = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ENTRIES = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eit",
    "nain",
    "ten",
    "ileven",
    "twelf",
    "threeten",
    "fourten",
    "fivten",
]
SIGNER = Signer("hirelog.example/log", b"s" * 32)
OTHER = Signer("hirelog.example/log", b"t" * 32)
LEAVES = naive.leaves(7)
SIGNED = Checkpoint(SIGNER.key.name, 7, naive.root(LEAVES)).signed(SIGNER)
PROOF = InclusionProof(4, naive.path(4, LEAVES), SIGNED)


def size_of(path: Path) -> int:
    return int(path.suffix[1:])


@with_probes
def test_every_published_checkpoint_is_that_of_its_entries() -> None:
    key = VerifierKey.parse(THEIRS)
    assert str(key) == THEIRS
    files = sorted((PROBES / "signed_checkpoints").iterdir(), key=size_of)
    assert [size_of(path) for path in files] == [*range(16)]
    growing = tree.Frontier()
    for path, entry in zip(files, [*ENTRIES, ""], strict=True):
        text = path.read_bytes().decode()
        expected = Checkpoint("example.com/log/testdata", growing.size, growing.root())
        assert checkpoint.opened(text, key) == expected
        with pytest.raises(NotProven):
            checkpoint.opened(text, SIGNER.key)
        growing.append(tree.leaf_hash(entry.encode()))


def test_what_was_signed_is_read_by_whoever_has_the_printed_key() -> None:
    key = VerifierKey.parse(str(SIGNER.key))
    assert checkpoint.opened(SIGNED, key) == Checkpoint(key.name, 7, naive.root(LEAVES))
    assert re.fullmatch(
        r"hirelog\.example/log\n7\n\S{44}\n\n— hirelog\.example/log \S{92}\n", SIGNED
    )


def test_a_witness_may_sign_too() -> None:
    witness = Signer("witness.example", b"w" * 32)
    both = SIGNED + witness.sign(SIGNED.rpartition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    for signed in (both, both.replace("witness.example", "elsewhere.example")):
        assert checkpoint.opened(signed, SIGNER.key).size == 7


def test_a_proof_is_written_as_c2sp_has_it_and_read_again() -> None:
    text = str(PROOF)
    header, index, *hashes = text.partition("\n\n")[0].split("\n")
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 4")
    assert hashes == [to_base64(each) for each in naive.path(4, LEAVES)]
    assert text.endswith(f"\n\n{SIGNED}")
    assert InclusionProof.parse(text) == PROOF
    assert InclusionProof.parse(text.replace("index", "extra aGk=\nindex")) == PROOF
    assert PROOF.verify(LEAVES[4], SIGNER.key).size == 7


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    signed = Checkpoint(SIGNER.key.name, 1, LEAVES[0]).signed(SIGNER)
    text = str(InclusionProof(0, [], signed))
    assert text == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{signed}"
    InclusionProof.parse(text).verify(LEAVES[0], SIGNER.key)


@given(at=st.integers(0, len(str(PROOF)) - 1), to=st.characters(exclude_categories=["Cs"]))
def test_no_character_of_a_proof_or_of_its_checkpoint_can_be_another(at: int, to: str) -> None:
    text = str(PROOF)
    if text[at] == to:
        return
    with pytest.raises(NotProven):
        InclusionProof.parse(text[:at] + to + text[at + 1 :]).verify(LEAVES[4], SIGNER.key)


@given(st.integers(0, len(str(PROOF)) - 1))
def test_no_character_of_a_proof_can_be_missing_or_there_twice(at: int) -> None:
    text = str(PROOF)
    for altered in (text[:at] + text[at + 1 :], text[: at + 1] + text[at:]):
        with pytest.raises(NotProven):
            InclusionProof.parse(altered).verify(LEAVES[4], SIGNER.key)


def body(*lines: str) -> str:
    return SIGNER.sign("".join(f"{line}\n" for line in lines))


ROOT = to_base64(LEAVES[0])
NAME = SIGNER.key.name


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "\n",
        "\n\n",
        SIGNED.replace("\n\n", "\n"),
        SIGNED[:-1],
        SIGNED + "\n",
        SIGNED + "more\n",
        SIGNED.replace("— ", "- "),
        SIGNED.replace("— ", "—  "),
        SIGNED.replace("\n", "\r\n"),
        OTHER.sign(SIGNED.rpartition("\n\n")[0] + "\n"),
        body(NAME, "7"),
        body(NAME, "07", ROOT),
        body(NAME, "+7", ROOT),
        body(NAME, "-7", ROOT),
        body(NAME, "7 ", ROOT),
        body(NAME, "٧", ROOT),  # noqa: RUF001  # a digit of another script is the point
        body(NAME, str(2**63), ROOT),
        body(NAME, "9" * 5_000, ROOT),
        body(NAME, "7", ROOT[:-4]),
        body(NAME, "7", ROOT.replace("=", "")),
        body(NAME, "7", f"{ROOT} "),
        body(NAME, "7", ROOT, ""),
        body("another.example/log", "7", ROOT),
        "x" * 200_000 + SIGNED,
        SIGNED + "— a.example AAAAAAAA\n" * 200,
    ],
)
def test_a_malformed_checkpoint_is_refused(malformed: str) -> None:
    with pytest.raises(NotProven):
        checkpoint.opened(malformed, SIGNER.key)


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "name",
        "name+33d7b496",
        THEIRS.replace("33d7b496", "33d7b497"),
        THEIRS.replace("33d7b496", "33D7B496"),
        THEIRS.replace("example", "examplf"),
        THEIRS.replace("example.com", "exam ple.com"),
        THEIRS.replace("+AeHT", "+BeHT"),
        THEIRS[:-1],
        THEIRS + "=",
        THEIRS + "\n",
        "example.com/log/testdata+33d7b496+",
    ],
)
def test_a_malformed_key_is_refused(malformed: str) -> None:
    with pytest.raises(NotProven):
        VerifierKey.parse(malformed)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\N{NO-BREAK SPACE}b", "a\nb", "a\x01b"])
def test_nobody_signs_under_a_name_that_no_note_can_hold(name: str) -> None:
    with pytest.raises(NotProven):
        Signer(name, b"s" * 32)


def test_a_file_of_checkpoints_falls_into_its_notes() -> None:
    second = Checkpoint(NAME, 3, LEAVES[0]).signed(SIGNER)
    witnessed = SIGNED + "— witness.example AAAAAAAA\n"
    assert note.split(SIGNED + witnessed + second) == [SIGNED, witnessed, second]
    assert note.split("") == []
