"""The mapping that says which activity of an event log is which interaction."""

import tomllib
from collections.abc import Mapping as Dict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.interchange.batch import CannotImport
from domain.candidate.intents import ApplyAs, ForApplication, Intent, Interaction
from domain.given import GivenMoment, Label
from domain.self_identification import IdentifySelf
from domain.values import NAMESPACE

_INTERACTION: TypeAdapter[Intent] = TypeAdapter(Interaction)


def interaction(body: Dict[str, Any]) -> Intent:
    """The interaction in `body`, which may give an application its id. Raises ValidationError."""
    if body.get("type") == "applied" and "application_id" in body:
        return ApplyAs.model_validate(body)
    made: Intent = _INTERACTION.validator.validate_python(body)
    return made


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FromAttribute(_Part):
    """A value that an attribute of the event or of its trace holds."""

    attribute: str


class JobPart(_Part):
    """The job that the applications are for: one for the whole log, or one for each value."""

    title: str | FromAttribute
    stages: Annotated[tuple[Label, ...], Field(min_length=1)]
    opened_at: GivenMoment = datetime(1970, 1, 1, tzinfo=UTC)


class Mapping(_Part):
    """What a mapping file holds. Ids are derived from `source`, so that the same log imported
    again is the same history.
    """

    source: Label
    case: str = "concept:name"
    activity: str = "concept:name"
    time: str = "time:timestamp"
    actor: str | FromAttribute = "import"
    candidate: str | None = None  # the trace attribute that names the person; else the case is one
    job: JobPart
    activities: dict[str, dict[str, Any]]
    self_identification: dict[Label, FromAttribute] = {}  # the attributes of a case, by ours

    @classmethod
    def read(cls, path: Path) -> "Mapping":
        """The mapping in a TOML file. Raises CannotImport."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except OSError as error:
            raise CannotImport(f"{path} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CannotImport(f"{path} is not TOML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CannotImport(f"{path}: {where}: {first['msg']}") from error

    @property
    def used_attributes(self) -> frozenset[str]:
        """Attributes that an import with this mapping looks at."""
        values = [self.actor, self.job.title]
        for fields in self.activities.values():
            values += [_value(value) for value in fields.values()]
        named = {value.attribute for value in values if isinstance(value, FromAttribute)}
        named |= {self.case, self.activity, self.time}
        named |= {value.attribute for value in self.self_identification.values()}
        return frozenset(named | ({self.candidate} if self.candidate else set()))

    def id_for(self, kind: str, name: str) -> UUID:
        """The id that this source's `name` has here."""
        return uuid5(NAMESPACE, f"{self.source}/{kind}/{name}")

    def text(self, value: str | FromAttribute, attributes: Dict[str, str]) -> str:
        """A constant, or what the attribute holds. Raises CannotImport when it is missing."""
        if isinstance(value, str):
            return value
        if value.attribute not in attributes:
            raise CannotImport(f"an event lacks the attribute {value.attribute!r} of the mapping")
        return attributes[value.attribute]

    def self_identified(self, attributes: Dict[str, str]) -> IdentifySelf | None:
        """What the person of a case said, where anything. Raises CannotImport."""
        answers = {
            name: said
            for name, value in self.self_identification.items()
            if (said := attributes.get(value.attribute, "").strip())
        }
        try:
            return IdentifySelf(answers=answers) if answers else None
        except ValidationError as error:
            # Without the answer, which is nobody's to see.
            raise CannotImport(
                f"a case has a self-identification that is no use: {error.errors()[0]['msg']}"
            ) from None

    def intent(
        self, activity: str, attributes: Dict[str, str], *, application_id: UUID, job_id: UUID
    ) -> Intent:
        """The interaction that an activity stands for. Raises CannotImport."""
        fields = self.activities.get(activity)
        if fields is None:
            raise CannotImport(
                f"the mapping does not say what the activity {activity!r} is; "
                f'add [activities."{activity}"] to it'
            )
        body = {
            name: self.text(value, attributes) if isinstance(value, FromAttribute) else value
            for name, value in ((name, _value(value)) for name, value in fields.items())
        }
        body["type"] = body.pop("interaction", None)
        if body["type"] == "applied":
            body |= {"application_id": str(application_id), "job_id": str(job_id)}
        elif body["type"] in _FOR_APPLICATION:
            body |= {"application_id": str(application_id)}
        try:
            return interaction(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CannotImport(f"activity {activity!r}: {where}: {first['msg']}") from error


def _value(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"attribute"}:
        return FromAttribute(attribute=str(value["attribute"]))
    return value


_FOR_APPLICATION = frozenset(
    each.model_fields["type"].default for each in ForApplication.__subclasses__()
)
