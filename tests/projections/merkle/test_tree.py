"""The tree is that of RFC 6962: it agrees with the naive one, and refuses what is not proven."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.compliance_audit.merkle import tree
from projections.compliance_audit.merkle.encoding import NotProven
from projections.compliance_audit.merkle.leaf import event_hash, leaf
from tests.projections.merkle import naive

PROBES = Path(__file__).parents[4] / "shared/data/merkle"
MOST = 300
LEAVES = naive.leaves(MOST)

with_probes = pytest.mark.skipif(not PROBES.exists(), reason=f"the probes are not at {PROBES}")
sizes = st.integers(1, MOST)


def subtrees(height: int, number: int) -> bytes:
    return naive.root(LEAVES[number << height : (number + 1) << height])


@st.composite
def within(draw: st.DrawFn, first: int) -> tuple[int, int]:
    """A number from `first` on, and a size that it is in."""
    size = draw(sizes)
    return draw(st.integers(first, size - 1 + first)), size


# What is proven


def test_the_root_of_every_size_is_that_of_the_rfc() -> None:
    growing = tree.Frontier()
    for size in range(MOST + 1):
        expected = naive.root(LEAVES[:size])
        assert growing.root() == expected
        assert tree.root(size, subtrees) == expected
        if size < MOST:
            growing.append(LEAVES[size])
    assert growing.completed == [(1, 0, naive.root(LEAVES[:256]))]


@given(within(0))
def test_a_proof_of_inclusion_is_that_of_the_rfc_and_holds(given: tuple[int, int]) -> None:
    index, size = given
    proof = tree.inclusion_proof(index, size, subtrees)
    assert proof == naive.path(index, LEAVES[:size])
    tree.verify_inclusion(index, size, LEAVES[index], proof, naive.root(LEAVES[:size]))


@given(within(1))
def test_a_proof_of_consistency_is_that_of_the_rfc_and_holds(given: tuple[int, int]) -> None:
    old, new = given
    proof = tree.consistency_proof(old, new, subtrees)
    assert proof == naive.proof(old, LEAVES[:new])
    tree.verify_consistency(old, new, naive.root(LEAVES[:old]), naive.root(LEAVES[:new]), proof)


def test_a_tree_of_five_million_leaves_asks_for_few_hashes() -> None:
    asked = []

    def told(height: int, number: int) -> bytes:
        asked.append((height, number))
        return naive.leaves(1)[0]

    tree.inclusion_proof(3_141_592, 5_000_000, told)
    tree.consistency_proof(3_141_592, 5_000_000, told)
    assert len(asked) < 4 * 23


@given(size=sizes, more=st.integers(0, 40))
def test_a_tree_grows_from_its_right_edge_alone(size: int, more: int) -> None:
    edge = tree.Frontier(size, [subtrees(*each) for each in tree.complete_subtrees(0, size)])
    for each in LEAVES[size : size + more]:
        edge.append(each)
    assert edge.root() == naive.root(LEAVES[: size + more])


# What is refused


@settings(max_examples=60)
@given(within(0), st.data())
def test_no_other_byte_index_or_length_proves_inclusion(
    given: tuple[int, int], data: st.DataObject
) -> None:
    index, size = given
    proof = tree.inclusion_proof(index, size, subtrees)
    said: tuple[Any, ...] = (index, size, LEAVES[index], proof, naive.root(LEAVES[:size]))
    flip = data.draw(st.integers(0, 255))
    refused: list[tuple[Any, ...]] = [
        (index, size, flipped(said[2], flip), proof, said[4]),
        (index, size, said[2], proof, flipped(said[4], flip)),
        (index, size, said[2], [*proof, said[4]], said[4]),
        (index, size, said[2], [said[2], *proof], said[4]),
        (index, size, said[2], [*proof, b""], said[4]),
        (-1, size, said[2], proof, said[4]),
        (size, size, said[2], proof, said[4]),
        (index + 2**64, size, said[2], proof, said[4]),
    ]
    refused += [
        (index, size, said[2], [*proof[:at], flipped(each, flip), *proof[at + 1 :]], said[4])
        for at, each in enumerate(proof)
    ]
    refused += [
        (index, size, said[2], proof[:at] + proof[at + 1 :], said[4]) for at in range(len(proof))
    ]
    refused += [(other, size, *said[2:]) for other in range(size) if other != index]
    for each in refused:
        with pytest.raises(NotProven):
            tree.verify_inclusion(*each)


@settings(max_examples=60)
@given(within(1), st.data())
def test_no_other_byte_size_or_length_proves_consistency(
    given: tuple[int, int], data: st.DataObject
) -> None:
    old, new = given
    proof = tree.consistency_proof(old, new, subtrees)
    roots = naive.root(LEAVES[:old]), naive.root(LEAVES[:new])
    flip = data.draw(st.integers(0, 255))
    refused: list[tuple[Any, ...]] = [
        (0, new, *roots, proof),
        (0, new, tree.EMPTY_ROOT, roots[1], []),
        (-1, new, *roots, proof),
        (new + 1, new, *roots, proof),
        (old, new, flipped(roots[0], flip), roots[1], proof),
        (old, new, roots[0], flipped(roots[1], flip), proof),
        (old, new, *roots, [*proof, roots[1]]),
        (old, new, *roots, [roots[0], *proof]),
        (old, new, *roots, [*proof, b""]),
    ]
    refused += [
        (old, new, *roots, [*proof[:at], flipped(each, flip), *proof[at + 1 :]])
        for at, each in enumerate(proof)
    ]
    refused += [(old, new, *roots, proof[:at] + proof[at + 1 :]) for at in range(len(proof))]
    refused += [(other, new, *roots, proof) for other in range(1, new) if other != old]
    for each in refused:
        with pytest.raises(NotProven):
            tree.verify_consistency(*each)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(NotProven):
        tree.inclusion_proof(index, size, subtrees)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_there_is_no_proof_that_a_longer_or_an_empty_tree_is_the_beginning(
    old: int, new: int
) -> None:
    with pytest.raises(NotProven):
        tree.consistency_proof(old, new, subtrees)


def flipped(data: bytes, bit: int) -> bytes:
    at, mask = bit // 8, 1 << bit % 8
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


# What others have published


def probes(name: str) -> list[Any]:
    file = PROBES / name
    return list(json.loads(file.read_text())) if file.exists() else []


def data(encoded: str) -> bytes:
    return b64decode(encoded)


@with_probes
@pytest.mark.parametrize("probe", probes("inclusion.json"), ids=lambda probe: probe["case"])
def test_every_published_probe_of_inclusion_gets_its_answer(probe: Any) -> None:
    proof = [data(each) for each in probe["proof"] or ()]
    leaf, root = data(probe["leafHash"]), data(probe["root"])
    try:
        tree.verify_inclusion(probe["leafIdx"], probe["treeSize"], leaf, proof, root)
    except NotProven:
        assert probe["wantErr"]
    else:
        assert not probe["wantErr"]


@with_probes
@pytest.mark.parametrize("probe", probes("consistency.json"), ids=lambda probe: probe["case"])
def test_every_published_probe_of_consistency_gets_its_answer(probe: Any) -> None:
    proof = [data(each) for each in probe["proof"] or ()]
    roots = data(probe["root1"]), data(probe["root2"])
    try:
        tree.verify_consistency(probe["size1"], probe["size2"], *roots, proof)
    except NotProven:
        assert probe["wantErr"]
    else:
        assert not probe["wantErr"]


@with_probes
def test_hashes_and_roots_are_the_published_ones() -> None:
    told = json.loads((PROBES / "roots.json").read_text())
    assert tree.EMPTY_ROOT.hex() == told["empty_root"]
    assert tree.leaf_hash(b"").hex() == told["empty_leaf_hash"]
    assert (
        tree.leaf_hash(bytes.fromhex(told["leaf_hash"]["data_hex"])).hex()
        == (told["leaf_hash"]["hash"])
    )
    node = told["node_hash"]
    sides = bytes.fromhex(node["left_hex"]), bytes.fromhex(node["right_hex"])
    assert tree.node_hash(*sides).hex() == node["hash"]
    growing = tree.Frontier()
    for encoded, root in zip(told["leaves_hex"], told["roots_by_size"], strict=True):
        growing.append(tree.leaf_hash(bytes.fromhex(encoded)))
        assert growing.root().hex() == root


# What a leaf is


def test_a_leaf_is_recomputed_from_its_description() -> None:
    stream, topic, state = UUID(int=5), "candidate.noted", b'{"event":{}}'
    told = b"hirelog event v1\0" + (7).to_bytes(8) + stream.bytes + (3).to_bytes(8)
    told += len(topic).to_bytes(4) + topic.encode() + sha256(state).digest()
    assert leaf(7, stream, 3, topic, state) == told
    assert event_hash(7, stream, 3, topic, state) == sha256(b"\0" + told).digest()
    assert event_hash(7, stream, 3, topic + "é", state) != event_hash(7, stream, 3, topic, state)
