"""What a reader asks for beyond a row: a few fields, what belongs to it, and what is personal."""

import asyncio
import re
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from api.access.callers import Principal, Role
from api.deps import PRINTABLE, listed, not_valid
from api.door.conditional import matches
from api.readings import Reading, Readings, What
from api.remembered import Gathered, Remembered, Told
from api.wiring import System
from domain.log import Head
from projections.runtime.builds import Stamp

PURPOSE_HEADER = "Hirelog-Purpose"
LONGEST_PURPOSE = 200
PURPOSE = re.compile(PRINTABLE)


# Documented beside the route: FastAPI takes longer for a header than all that is done with it.
def _says_why(then: str = "") -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": PURPOSE_HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": LONGEST_PURPOSE, "pattern": PRINTABLE},
                "description": "Why this is read, which goes on record with who reads whose record "
                f"and when; it should name nobody. The role compliance has to say it{then}.",
            }
        ]
    }


SAYS_WHY = _says_why()
SAYS_WHY_OF_ONE = _says_why(" with `candidate`")
"""The same for a list, which reads one person's record where it is asked for one candidate."""


class Selectable(BaseModel):
    """What comes back whole, or only with the fields that were asked for.

    A field that is left out is absent, not null; in the OpenAPI document only the field that
    identifies it is required, so that the document is true of both.
    """

    IDENTIFIED_BY: ClassVar[str]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)["required"] = [cls.IDENTIFIED_BY]
        return schema


@dataclass(frozen=True)
class View:
    """Which fields of each item do not come back, and what is read with it."""

    left_out: frozenset[str] = frozenset()
    expand: frozenset[str] = frozenset()

    def exclude(self, path: tuple[str, ...]) -> Any:
        """What pydantic is not to write of a body whose items lie at the end of `path`."""
        inside: Any = set(self.left_out)
        for name in reversed(path):
            inside = {name: {"__all__": inside}}
        return inside if self.left_out else None


def written(body: BaseModel, view: View, *path: str) -> bytes:
    """The body in JSON, as the view has it.

    A view is of the items at the end of `path` in the body, of the body itself without one. What
    was not set in a model, as an expansion that nobody asked for, is left out.
    """
    exclude = view.exclude(path)
    return body.model_dump_json(exclude=exclude, exclude_unset=True).encode()


@dataclass(frozen=True)
class Reader:
    """A request that reads: from which system, who does and why, its answer, and which fields."""

    system: System
    principal: Principal
    request: Request
    response: Response
    view: View
    why: str | None

    @property
    def personal(self) -> bool:
        """Whether it may see what identifies a person."""
        return self.principal.sees_personal()

    @property
    def hiring_manager(self) -> str | None:
        """Whose own jobs alone it may see, where that is so."""
        return self.principal.hiring_manager

    def told(self, body: BaseModel, *path: str) -> Response:
        """The answer with this body, as the view has the items at the end of `path` in it."""
        return self.answered(written(body, self.view, *path))

    def answered(self, body: bytes) -> Response:
        """The answer with these bytes of JSON."""
        # FastAPI would validate and copy the models again, which costs more than all else here.
        return Response(body, media_type="application/json", headers=self.response.headers)

    def has(self, tag: str) -> bool:
        """Gives the answer this tag, and tells whether the client has it already."""
        self.response.headers["ETag"] = tag
        return matches(self.request.scope, tag)

    async def remembered(
        self,
        key: Hashable,
        stamp: Hashable,
        make: Callable[[], Told],
        moment: datetime | None = None,
    ) -> Response:
        """The answer as it was made before under the same stamp, for those who may see the same.

        What clocks run in it are set on to `moment`.
        """
        remembered: Remembered = self.request.app.state.remembered
        sees = self.personal, self.hiring_manager, self.view
        told = await remembered.get((key, sees), stamp, make)
        self.response.headers["ETag"] = told.tag
        return self.answered(told.running.at(moment) if told.running and moment else told.body)

    async def head(self, stream: UUID) -> Head | None:
        """The last event on record of this stream."""
        heads: Gathered[UUID, Head] = self.request.app.state.heads
        return await heads.get(stream)

    async def stamp(self, model: str) -> Stamp | None:
        """How the live tables of this read model are now."""
        stamps: Gathered[str, Stamp] = self.request.app.state.stamps
        return await stamps.get(model)

    async def note(self, candidate_id: UUID, what: What) -> None:
        """Has it noted that this is read; for the role compliance it is on record then.

        Raises RequestValidationError where the reader has to say why, or says it in a wrong way.
        """
        if written := self._noting(candidate_id, what):
            await asyncio.wrap_future(written)

    def note_on_thread(self, candidate_id: UUID | None, what: What) -> None:
        """The same for a route that runs on a thread of its own; None where it is nobody's."""
        if written := self._noting(candidate_id, what):
            written.result()

    def note_list(self) -> None:
        """Has it noted that names of many leave for an integration, who is then a recipient."""
        if self.personal and self.principal.role is Role.INTEGRATION:
            self._noting(None, What.LIST)

    def _noting(self, candidate_id: UUID | None, what: What) -> "Future[None] | None":
        role = self.principal.role
        if role is Role.COMPLIANCE and not self.why:
            raise _wrong_purpose("missing", "the role compliance has to say why it reads this")
        readings: Readings = self.request.app.state.readings
        reading = Reading(candidate_id, self.principal.actor, role, what, "api", self.why)
        if role is Role.COMPLIANCE:
            return readings.note_now(reading)
        readings.note(reading)
        return None


def _wrong_purpose(kind: str, message: str) -> RequestValidationError:
    location = ("header", PURPOSE_HEADER)
    return RequestValidationError([{"type": kind, "loc": location, "msg": message, "input": None}])


def _reader(request: Request, response: Response, view: View) -> Reader:
    # Also where nothing is noted: who says why in a wrong way is told in any case.
    why = request.headers.get(PURPOSE_HEADER)
    if why is not None and (len(why) > LONGEST_PURPOSE or not PURPOSE.match(why)):
        raise _wrong_purpose(
            "value_error", f"must be 1 to {LONGEST_PURPOSE} printable ASCII characters"
        )
    return Reader(request.app.state.system, request.state.principal, request, response, view, why)


async def _of_everything(request: Request, response: Response) -> Reader:
    return _reader(request, response, View())


ReaderDep = Annotated[Reader, Depends(_of_everything)]
"""The reader of a route whose answers come back whole."""


def reader_of(model: type[Selectable], *expansions: str) -> Any:
    """The reader of a route whose items are of this model and can be expanded by these."""
    names = sorted(set(model.model_fields) - set(expansions))
    fields_given = Query(
        max_length=2_000,
        description=f"Only these, separated by commas, and `{model.IDENTIFIED_BY}`; of "
        f"{', '.join(names)}. All where it is left out.",
        json_schema_extra={"pattern": listed(*names)},
    )
    expand_given = Query(
        max_length=200,
        description="What to read with each item, separated by commas, as a field of that name; of "
        f"{', '.join(expansions)}.",
        json_schema_extra={"pattern": listed(*expansions)},
    )

    def view(fields: str | None, expand: str) -> View:
        left_out: frozenset[str] = frozenset()
        if fields is not None:
            left_out = frozenset(names) - _named("fields", fields, names) - {model.IDENTIFIED_BY}
        return View(left_out, _named("expand", expand, expansions))

    # One dependency, not one in the other: FastAPI takes longer for each than it does.
    async def selecting(
        request: Request, response: Response, fields: Annotated[str | None, fields_given] = None
    ) -> Reader:
        return _reader(request, response, view(fields, ""))

    async def expanding(
        request: Request,
        response: Response,
        fields: Annotated[str | None, fields_given] = None,
        expand: Annotated[str, expand_given] = "",
    ) -> Reader:
        return _reader(request, response, view(fields, expand))

    return Depends(expanding if expansions else selecting)


def _named(parameter: str, given: str, known: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(filter(None, map(str.strip, given.split(","))))
    if not wanted <= frozenset(known):
        raise not_valid(parameter, f"names what there is not; there are {', '.join(known)}")
    return wanted
