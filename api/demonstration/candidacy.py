"""One application of a candidate, from applied to the end that it is meant to have."""

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum, auto
from typing import NamedTuple

from api.demonstration import words
from api.demonstration.jobs import Vacancy
from api.demonstration.life import Life
from api.demonstration.people import CALENDAR, CANDIDATE, MAILER, random_uuid
from api.demonstration.steps import Step
from domain.candidate import intents as i
from domain.values import Channel, ConsentPurpose, Origin, RejectionType

SILVER_POOL = "Silver medalists"
RETENTION_LASTS = timedelta(days=730)  # longer than any story
OFFER_WAITS = timedelta(days=21)

FIRST_REVIEW = (2.0, 20.0)  # days
NEXT_ROUND = (4.0, 17.0)
NOT_LONG = (0.05, 1.5)


class Ending(Enum):
    """What an application comes to, where nothing comes between."""

    REJECTED = auto()
    WITHDRAWN = auto()
    POOLED = auto()
    OFFER = auto()


class Arrival(NamedTuple):
    """How an applicant came: the origin, the source, and who put the application on record."""

    origin: Origin
    source: str
    actor: str = CANDIDATE


class Candidacy:
    """One application; `over` once it has ended, by what it was meant to come to or otherwise."""

    def __init__(self, life: Life, vacancy: Vacancy) -> None:
        self.life = life
        self.job = vacancy.job
        self.decisions_end = vacancy.decisions_end
        self.id = random_uuid(life.rng)
        self.stage = self.job.stages[0]
        self.over = False

    def story(self, arrival: Arrival, ending: Ending) -> Iterator[Step]:
        """All that happens to the application."""
        yield from self._begins(arrival)
        yield from self._rounds(self._depth(ending))
        if not self.over:
            yield from self._ends(ending)

    def _begins(self, arrival: Arrival) -> Iterator[Step]:
        life, person = self.life, self.life.person
        yield life.step(
            i.ApplyAs(
                job_id=self.job.id,
                source=arrival.source,
                origin=arrival.origin,
                application_id=self.id,
                name=person.name,
                email=person.email,
                phone=person.phone,
                location=person.location,
            ),
            arrival.actor,
        )
        if life.chance(0.2):
            expires_at = life.now + RETENTION_LASTS
            consent = i.GrantConsent(purpose=ConsentPurpose.RETENTION, expires_at=expires_at)
            yield life.step(consent, CANDIDATE, "Given with the application")
        if life.chance(0.8):
            life.soon()
            yield from self._message(words.RECEIVED, MAILER, opened=0.6)

    def _depth(self, ending: Ending) -> int:
        """The stage that the application is meant to reach."""
        last = len(self.job.stages) - 1
        if ending is Ending.OFFER:
            return last + 1  # the job may get a stage meanwhile
        if ending is Ending.POOLED:
            return last - 1
        depth = 0
        while depth < last - 1 and self.life.chance(0.5):
            depth += 1
        return depth

    def _rounds(self, depth: int) -> Iterator[Step]:
        life, rng = self.life, self.life.rng
        life.work(*FIRST_REVIEW)
        while True:
            yield from self._overtaken()
            stages = self.job.stages_at(life.now)
            at, last = stages.index(self.stage), len(stages) - 1
            if self.over or at >= min(depth, last):
                return
            draw, reason = rng.random(), None
            if at > 1 and draw < 0.05:
                to, reason = at - 1, rng.choice(words.BACK_REASONS)
            elif at + 2 <= min(depth, last - 1) and draw < 0.12:
                to, reason = at + 2, "Known from an earlier round"
            else:
                to = at + 1
                if draw > 0.8:
                    reason = rng.choice(words.PASSES_ROUND if at else words.PASSES_REVIEW)
            yield self._advance(stages[to], reason)
            if to < last:
                yield from self._meeting()
            life.work(*NEXT_ROUND)

    def _advance(self, to_stage: str, reason: str | None) -> Step:
        life, recruiter = self.life, self.job.recruiter
        advance = i.Advance(application_id=self.id, to_stage=to_stage, from_stage=self.stage)
        self.stage = to_stage
        if life.chance(0.1):
            return life.step(advance, CALENDAR, reason, on_behalf_of=recruiter)
        return life.step(advance, recruiter, reason)

    def _meeting(self) -> Iterator[Step]:
        """Invitation, answer and what the interviewer wrote down, as far as there are any."""
        life, rng = self.life, self.life.rng
        if life.chance(0.55):
            life.work(*NOT_LONG)
            invitation = self._contact(words.INVITATION)
            yield life.step(invitation, self.job.recruiter)
            if life.chance(0.6):
                life.leisure(0.5, 20)
                confirmation = rng.choice(words.CONFIRMATIONS)
                reply = i.Reply(message_id=invitation.message_id, text=confirmation)
                yield life.step(reply, CANDIDATE)
        if life.chance(0.5):
            life.work(0.5, 4)
            note = i.Note(text=rng.choice(words.SCORECARDS), application_id=self.id)
            yield life.step(note, self.job.department.manager)

    def _overtaken(self) -> Iterator[Step]:
        """Ends the application where the job is filled or the candidate was hired elsewhere."""
        if self.life.person.hired:
            yield self._reject(RejectionType.UNSPECIFIED, "Hired for another opening")
        elif self.life.now >= self.decisions_end:
            if self.life.chance(0.3):
                yield self._pool(f"{self.job.department.name} talent", "Position filled")
            else:
                yield self._reject(RejectionType.WE_REJECTED, "Position filled")

    def _ends(self, ending: Ending) -> Iterator[Step]:
        match ending:
            case Ending.REJECTED:
                yield from self._rejected()
            case Ending.WITHDRAWN:
                yield from self._withdrawn()
            case Ending.POOLED:
                yield self._pool(SILVER_POOL, "Finalist, another was chosen")
            case Ending.OFFER:
                yield from self._offered()

    def _rejected(self) -> Iterator[Step]:
        life, rng = self.life, self.life.rng
        unmet = self.stage == self.job.stages[0]
        if life.chance(0.85):
            kind = RejectionType.WE_REJECTED
            reason = rng.choice(words.FAILS_REVIEW if unmet else words.FAILS_ROUND)
        else:
            kind, reason = RejectionType.CANDIDATE_WITHDREW, rng.choice(words.THEY_DECLINED)
        comment = None if unmet or life.chance(0.5) else rng.choice(words.COMMENTS)
        yield self._reject(kind, reason, comment)
        if life.chance(0.05):
            yield from self._second_chance()
        elif life.chance(0.7):
            life.work(*NOT_LONG)
            yield from self._message(words.REGRET, MAILER, opened=0.5)

    def _second_chance(self) -> Iterator[Step]:
        life = self.life
        life.work(1, 8)
        if life.now >= self.decisions_end or life.person.hired:
            return
        self.over = False
        reason = life.rng.choice(words.SECOND_CHANCES)
        yield life.step(i.Reinstate(application_id=self.id), self.job.recruiter, reason)
        hopeful = life.chance(0.4)
        yield from self._rounds(len(self.job.stages) if hopeful else 2)
        if self.over:
            return
        if hopeful:
            yield from self._offered()
        else:
            yield self._reject(RejectionType.WE_REJECTED, "Other candidates were stronger")

    def _withdrawn(self) -> Iterator[Step]:
        life = self.life
        life.leisure(1, 40)
        self.over = True
        reason = life.rng.choice(words.THEY_DECLINED) if life.chance(0.6) else None
        yield life.step(i.Withdraw(application_id=self.id), CANDIDATE, reason)

    def _offered(self) -> Iterator[Step]:
        """One offer or two, the answer, and the hire.

        Takes less time than lies between the job's last decisions and its close.
        """
        life, rng = self.life, self.life.rng
        salary = rng.randrange(45, 120)
        yield self._offer(salary)
        life.leisure(12, 96)
        draw = rng.random()
        if draw < 0.15:
            life.work(1, 3)
            yield self._offer(salary + 4, supersedes=1)
            life.leisure(12, 96)
        elif draw < 0.4 or life.person.hired:
            decline = i.DeclineOffer(application_id=self.id)
            yield life.step(decline, CANDIDATE, rng.choice(words.THEY_DECLINED))
            life.work(1, 4)
            if draw < 0.32 or life.person.hired:
                yield self._reject(RejectionType.CANDIDATE_WITHDREW, "Declined our offer")
                return
            yield self._offer(salary + 6)
            life.leisure(12, 96)
        yield life.step(i.AcceptOffer(application_id=self.id), CANDIDATE)
        life.person.hired = self.over = True
        life.work(0.5, 6)
        yield life.step(i.Hire(application_id=self.id), self.job.recruiter)

    def _offer(self, salary: int, supersedes: int | None = None) -> Step:
        offer = i.MakeOffer(
            application_id=self.id,
            supersedes=supersedes,
            expires_at=self.life.now + OFFER_WAITS,
            terms=f"EUR {salary},000 a year, full time, {self.job.location}",
        )
        manager = self.job.department.manager
        return self.life.step(offer, self.job.recruiter, on_behalf_of=manager)

    def _reject(self, kind: RejectionType, reason: str, comment: str | None = None) -> Step:
        self.over = True
        reject = i.Reject(application_id=self.id, rejection_type=kind, comment=comment)
        return self.life.step(reject, self.job.recruiter, reason)

    def _pool(self, pool: str, reason: str) -> Step:
        self.over = True
        self.life.person.pools.add(pool)
        back = i.ReturnToPool(pool=pool, application_id=self.id)
        return self.life.step(back, self.job.recruiter, reason)

    def _message(self, message: tuple[str, str], actor: str, *, opened: float) -> Iterator[Step]:
        life = self.life
        contact = self._contact(message)
        yield life.step(contact, actor)
        if life.chance(opened):
            life.leisure(0.2, 30)
            yield life.step(i.Open(message_id=contact.message_id), CANDIDATE)

    def _contact(self, message: tuple[str, str]) -> i.Contact:
        subject, text = message
        first, title, stage = self.life.person.first, self.job.title, self.stage
        return i.Contact(
            message_id=self.life.message_id(),
            channel=Channel.EMAIL,
            application_id=self.id,
            subject=subject.format(title=title, stage=stage),
            text=text.format(first=first, title=title),
        )
