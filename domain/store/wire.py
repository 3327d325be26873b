"""One prepared statement in PostgreSQL's own binary formats, without psycopg's adaptation.

For the one statement that every append goes through: to find out again each time how twelve lists
are to be written took psycopg longer than all that hirelog does for an append.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult


class Type(IntEnum):
    """PostgreSQL's types by their oids, which never change."""

    BYTEA = 17
    INT8 = 20
    INT4 = 23
    TEXT = 25
    UUID = 2950


_ARRAY_OF = {
    Type.BYTEA: 1001,
    Type.INT8: 1016,
    Type.INT4: 1007,
    Type.TEXT: 1009,
    Type.UUID: 2951,
}

_FIXED = {Type.INT8, Type.INT4, Type.UUID}  # all elements are of one length

# Dimensions, whether there are nulls, the elements' type; for the one dimension length and start.
_EMPTY = struct.Struct(">iiI")
_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")

int4 = struct.Struct(">i").pack
int8 = struct.Struct(">q").pack


class Statement:
    """A statement whose parameters are arrays, prepared once on each connection."""

    def __init__(self, name: str, query: str, elements: Sequence[Type]) -> None:
        """`elements` are the types of the arrays' elements, those of `$1` first."""
        self._name = name.encode()
        self._query = query.encode()
        self._elements = elements
        self._types = [_ARRAY_OF[each] for each in elements]
        self._formats = [Format.BINARY] * len(elements)
        self._prepared: WeakSet[psycopg.Connection[Any]] = WeakSet()

    def execute(
        self, connection: psycopg.Connection[Any], *arrays: list[bytes]
    ) -> Sequence[bytes | None]:
        """The first row of the result, in text. Elements come in the types' binary formats.

        The connection must be in autocommit mode. Raises psycopg's errors.
        """
        if connection not in self._prepared:
            _check(connection, connection.pgconn.prepare(self._name, self._query, self._types))
            self._prepared.add(connection)
        parameters = [_array(*each) for each in zip(self._elements, arrays, strict=True)]
        result = connection.pgconn.exec_prepared(self._name, parameters, self._formats)
        _check(connection, result)
        return [result.get_value(0, column) for column in range(result.nfields)]


def _array(type_: Type, elements: list[bytes]) -> bytes:
    if not elements:
        return _EMPTY.pack(0, 0, type_)
    header = _HEADER.pack(1, 0, type_, len(elements), 1)
    if type_ in _FIXED:
        length = _LENGTH.pack(len(elements[0]))
        return header + length + length.join(elements)
    parts = [header]
    for element in elements:
        parts.append(_LENGTH.pack(len(element)))
        parts.append(element)
    return b"".join(parts)


def _check(connection: psycopg.Connection[Any], result: PGresult) -> None:
    if connection.pgconn.status == ConnStatus.BAD:
        # The result alone has no code of an error where the server has said none.
        raise psycopg.OperationalError("the connection was lost")
    if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        raise error_from_result(result, encoding=connection.info.encoding)
