"""The kinds of candidates and the story of each."""

from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from heapq import merge

from api.demonstration import words
from api.demonstration.candidacy import SILVER_POOL, Arrival, Candidacy, Ending
from api.demonstration.jobs import Job, Vacancy
from api.demonstration.life import Life
from api.demonstration.people import CANDIDATE, EMPLOYEES, HOMES, MAILER, SOURCERS, phone
from api.demonstration.steps import Step
from domain.candidate import intents as i
from domain.values import Channel, ConsentPurpose, Origin

CONSENT_LASTS = (timedelta(days=180), timedelta(days=365), timedelta(days=730))
GRADUATES_POOL = "Graduates"
REFERRAL = "Employee referral"

ENDINGS = {Ending.REJECTED: 70, Ending.WITHDRAWN: 12, Ending.POOLED: 7, Ending.OFFER: 11}


def begin(life: Life) -> Iterator[Step]:
    """The story of a candidate whose kind chance decides."""
    story = life.rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    return story(life, life.jobs.choose(life.now, life.rng))


def inbound(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Applies unasked."""
    life.leisure(0, 2)
    if life.rng.random() < 0.5:
        arrival = Arrival(Origin.APPLIED, "Careers page")
    else:
        arrival = Arrival(Origin.APPLIED, life.rng.choice(words.PUBLIC_SOURCES))
    yield from _applies(life, vacancy, arrival)


def silent(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Is sourced and written to, and never answers."""
    sourcer = life.rng.choice(SOURCERS)
    yield _sourced(life, vacancy.job, Origin.SOURCED, life.rng.choice(words.FOUND_AT), sourcer)
    if life.chance(0.15):
        yield from _call(life, sourcer)
    sequence = life.rng.choice(words.SEQUENCES)
    yield from _outreach(life, sourcer, sequence, vacancy.job, answers=None)
    if life.chance(0.25):
        life.work(1, 10)
        yield from _kept(life, f"{vacancy.job.department.name} talent", sourcer)


def nurtured(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Is sourced, answers after a message or several, and mostly applies, now or months later."""
    rng, sourcer, source = life.rng, life.rng.choice(SOURCERS), life.rng.choice(words.FOUND_AT)
    yield _sourced(life, vacancy.job, Origin.SOURCED, source, sourcer)
    sequence = rng.choice(words.SEQUENCES)
    answers = rng.randrange(1, len(sequence[1]) + 1)
    yield from _outreach(life, sourcer, sequence, vacancy.job, answers)
    if life.chance(0.3):
        yield from _call(life, sourcer)
    if life.chance(0.5):
        yield _consents_to_outreach(life)
        if life.chance(0.2):
            life.leisure(400, 2_400)
            yield life.step(i.WithdrawConsent(purpose=ConsentPurpose.OUTREACH), CANDIDATE)
            return
    if life.chance(0.3):
        life.work(0.2, 5)
        yield from _kept(life, f"{vacancy.job.department.name} talent", sourcer)
        life.work(45, 200)
        if life.chance(0.2):
            yield life.step(i.Reply(channel=Channel.SOCIAL, text=words.UNASKED), CANDIDATE)
        else:
            again = rng.choice((1, 2, None))
            if not (yield from _outreach(life, sourcer, words.IN_TOUCH, vacancy.job, again)):
                return
    life.leisure(4, 96)
    yield from _applies(life, vacancy, Arrival(Origin.SOURCED, source))


def referred(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Is named by an employee, called, and mostly applies."""
    employee = life.rng.choice(EMPLOYEES)
    yield _sourced(life, vacancy.job, Origin.REFERRED, REFERRAL, employee)
    yield from _call(life, vacancy.job.recruiter)
    if life.chance(0.85):
        life.leisure(4, 120)
        yield from _applies(life, vacancy, Arrival(Origin.REFERRED, REFERRAL))


def presented(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Is presented by an agency, which puts the application on record itself."""
    name, actor = life.rng.choice(words.AGENCIES)
    life.work(0, 1)
    yield from _applies(life, vacancy, Arrival(Origin.AGENCY, name, f"agency:{actor}"))


def graduate(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Is met at a university and applies, or is kept in mind."""
    recruiter, fair = vacancy.job.recruiter, life.rng.choice(words.FAIRS)
    yield _sourced(life, vacancy.job, Origin.UNIVERSITY, fair, recruiter)
    yield life.step(i.Contact(message_id=life.message_id(), channel=Channel.IN_PERSON), recruiter)
    if life.chance(0.6):
        life.leisure(20, 200)
        yield from _applies(life, vacancy, Arrival(Origin.UNIVERSITY, fair))
    else:
        life.work(0.2, 3)
        yield from _kept(life, GRADUATES_POOL, recruiter)


def internal(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Works here already and applies for another job."""
    life.work(0, 1)
    yield from _applies(life, vacancy, Arrival(Origin.INTERNAL, "Internal jobs board"))


def silver_medalist(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Comes close, returns to the pool, is approached again months later and applies again."""
    rng = life.rng
    life.leisure(0, 2)
    arrival = Arrival(Origin.APPLIED, rng.choice(words.PUBLIC_SOURCES))
    yield from Candidacy(life, vacancy).story(arrival, Ending.POOLED)
    if SILVER_POOL not in life.person.pools:
        return
    life.work(70, 240)
    job = vacancy.job
    if not vacancy.accepts(life.now) or life.chance(0.7):
        vacancy = life.jobs.another(life.now, rng, job) or vacancy
    answers = rng.choice((1, 1, 2, None))
    sourcer = rng.choice(SOURCERS)
    if (yield from _outreach(life, sourcer, words.WELCOME_BACK, vacancy.job, answers)):
        life.leisure(4, 96)
        yield from _applies(life, vacancy, Arrival(Origin.SOURCED, SILVER_POOL))


def torn(life: Life, vacancy: Vacancy) -> Iterator[Step]:
    """Applies for two jobs at once."""
    life.leisure(0, 2)
    other = life.beside()
    other.work(1, 12)
    second = life.jobs.another(other.now, life.rng, vacancy.job)
    arrival = Arrival(Origin.APPLIED, life.rng.choice(words.PUBLIC_SOURCES))
    stories = [Candidacy(life, vacancy).story(arrival, _ending(life))]
    if second:
        stories.append(Candidacy(other, second).story(arrival, _ending(other)))
    yield from merge(*stories, key=lambda step: step.metadata.occurred_at)


KINDS: dict[Callable[[Life, Vacancy], Iterator[Step]], int] = {
    inbound: 47,
    silent: 13,
    nurtured: 13,
    referred: 7,
    presented: 5,
    graduate: 4,
    internal: 3,
    silver_medalist: 4,
    torn: 4,
}


def _ending(life: Life) -> Ending:
    return life.rng.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0]


def _applies(life: Life, vacancy: Vacancy, arrival: Arrival) -> Iterator[Step]:
    """An application, for another job where that one is taken by now, and what follows it."""
    if not vacancy.accepts(life.now):
        vacancy = life.jobs.choose(life.now, life.rng)
    yield from Candidacy(life, vacancy).story(arrival, _ending(life))
    if life.chance(0.08):
        life.leisure(24, 600)
        yield from _moves_on(life)
    if not life.person.hired and life.chance(0.1):
        life.work(1, 20)
        yield from _kept(life, f"{vacancy.job.department.name} talent", vacancy.job.recruiter)
        if life.chance(0.08):
            life.leisure(500, 3_000)
            withdraw = i.WithdrawConsent(purpose=ConsentPurpose.RETENTION)
            yield life.step(withdraw, CANDIDATE, "Asked to be forgotten")


def _sourced(life: Life, job: Job, origin: Origin, source: str, actor: str) -> Step:
    life.work(0, 1)
    person = life.person
    source_ = i.Source(
        source=source,
        origin=origin,
        job_id=job.id if life.chance(0.6) else None,
        name=person.name,
        email=person.email if life.chance(0.8) else None,
        location=person.location,
        headline=f"{job.title}, {life.rng.randrange(1, 20)} years in the field",
        url=person.url,
    )
    return life.step(source_, actor)


def _call(life: Life, actor: str) -> Iterator[Step]:
    life.work(0.2, 3)
    yield life.step(i.Contact(message_id=life.message_id(), channel=Channel.PHONE), actor)
    if life.chance(0.7):
        life.soon()
        text = life.rng.choice(words.CALL_NOTES if life.chance(0.5) else words.NOTES)
        yield life.step(i.Note(text=text), actor)


def _outreach(
    life: Life, sourcer: str, sequence: words.Sequence, job: Job, answers: int | None
) -> Generator[Step, None, bool]:
    """The messages of a sequence until the one that the candidate answers; whether they did."""
    name, messages = sequence
    for number, (subject, text) in enumerate(messages, 1):
        life.work(2, 7)
        ends = life.person.outreach_ends
        if ends and ends <= life.now:
            return False
        contact = i.Contact(
            message_id=life.message_id(),
            channel=Channel.EMAIL,
            sequence=name,
            step=number,
            subject=subject.format(title=job.title),
            text=text.format(first=life.person.first, title=job.title),
        )
        yield life.step(contact, MAILER, on_behalf_of=sourcer)
        if number == answers or life.chance(0.35):
            yield from _reads(life, contact.message_id)
            if number == answers:
                life.leisure(0.2, 20)
                answer = life.rng.choice(words.ANSWERS)
                yield life.step(i.Reply(message_id=contact.message_id, text=answer), CANDIDATE)
                return True
            if answers is None and life.chance(0.15):
                yield _unsubscribes(life)
                return False
    return False


def _reads(life: Life, message_id: str) -> Iterator[Step]:
    life.leisure(0.2, 30)
    yield life.step(i.Open(message_id=message_id), CANDIDATE)
    if life.chance(0.4):
        life.soon()
        yield life.step(i.Click(message_id=message_id), CANDIDATE)


def _unsubscribes(life: Life) -> Step:
    life.soon()
    life.person.outreach_ends = life.now
    channel = Channel.EMAIL if life.chance(0.6) else None
    return life.step(i.Unsubscribe(channel=channel), CANDIDATE)


def _consents_to_outreach(life: Life) -> Step:
    life.leisure(1, 48)
    ends = life.now + life.rng.choice(CONSENT_LASTS)
    life.person.outreach_ends = ends
    consent = i.GrantConsent(purpose=ConsentPurpose.OUTREACH, expires_at=ends)
    return life.step(consent, CANDIDATE)


def _kept(life: Life, pool: str, actor: str) -> Iterator[Step]:
    """Puts the candidate into a talent pool, unless they are in it."""
    if pool not in life.person.pools:
        life.person.pools.add(pool)
        yield life.step(i.ReturnToPool(pool=pool), actor, "Worth another look later")


def _moves_on(life: Life) -> Iterator[Step]:
    """The candidate has another number, or another home."""
    person, rng = life.person, life.rng
    if life.chance(0.5):
        number = phone(rng)
        if number != person.phone:
            person.phone = number
            yield life.step(i.UpdateProfile(phone=number), CANDIDATE, "New number")
    else:
        person.location = rng.choice([home for home in HOMES if home != person.location])
        yield life.step(i.UpdateProfile(location=person.location), CANDIDATE, "Moved")
