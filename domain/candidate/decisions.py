"""What may happen to a candidate: state and intent give events, or the rules that stand against it.

Each decision is one generator: it yields every rule that the intent breaks, then what happens.
A command stops at the first broken rule; an import of facts keeps the event and marks it with all.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from domain import erasure, errors
from domain.candidate import applications, engagement
from domain.candidate import intents as i
from domain.candidate.events import CandidateEvent
from domain.candidate.rules import Consequences, Known
from domain.candidate.state import Candidate
from domain.recorded import Metadata, personal_fields

DECISIONS: Mapping[type[i.Intent], Callable[[Known, Any], Consequences]] = {
    i.Source: engagement.source,
    i.Contact: engagement.contact,
    i.Open: engagement.open_message,
    i.Click: engagement.click,
    i.Reply: engagement.reply,
    i.Apply: applications.apply,
    i.ApplyAs: applications.apply,
    i.Advance: applications.advance,
    i.MakeOffer: applications.make_offer,
    i.AcceptOffer: applications.accept_offer,
    i.DeclineOffer: applications.decline_offer,
    i.Hire: applications.hire,
    i.Reject: applications.reject,
    i.Reinstate: applications.reinstate,
    i.Withdraw: applications.withdraw,
    i.ReturnToPool: applications.return_to_pool,
    i.UpdateProfile: engagement.update_profile,
    i.Note: engagement.note,
    i.GrantConsent: engagement.grant_consent,
    i.WithdrawConsent: engagement.withdraw_consent,
    i.Unsubscribe: engagement.unsubscribe,
    erasure.PlaceHold: erasure.place_hold,
    erasure.ReleaseHold: erasure.release_hold,
    erasure.RequestErasure: erasure.request_erasure,
    erasure.Erase: erasure.erase,
}

FOR_A_JOB = (i.Source, i.Apply)
FOR_AN_APPLICATION = (i.ForApplication, i.ReturnToPool)
# Most are none of these, and pydantic's isinstance() takes ten times as long as a look at a class.
CONCERN_NO_JOB = frozenset(
    each for each in DECISIONS if not issubclass(each, FOR_A_JOB + FOR_AN_APPLICATION)
)


def consequences(known: Known, intent: i.Intent) -> Consequences:
    """Every rule that `intent` breaks, then what happens.

    `known.job` is the one that concerned_job() names. A candidate of version 0 is not on record.
    """
    if known.candidate.version == 0 and not intent.BEGINS:
        yield errors.CandidateNotFound(
            f"candidate {known.candidate.id} is not on record; begin with sourced or applied"
        )
    candidate = known.candidate
    if candidate.is_erased and not isinstance(intent, erasure.ERASURE_INTENTS):
        yield errors.CandidateErased(
            f"candidate {candidate.id} was erased; if the person comes back, begin a new candidate"
        )
    for each in DECISIONS[type(intent)](known, intent):
        if candidate.erased and isinstance(each, CandidateEvent) and not candidate.is_erased:
            yield from _of_erased_purposes(candidate, each)
        yield each


def _of_erased_purposes(candidate: Candidate, event: CandidateEvent) -> Consequences:
    purposes = {
        purpose
        for name, purpose in personal_fields(type(event)).items()
        if purpose in candidate.erased and getattr(event, name) is not None
    }
    if purposes:
        yield errors.PurposeErased(
            f"what was kept of candidate {candidate.id} for {', '.join(sorted(purposes))} was "
            "erased; leave out what belongs there"
        )


def is_repeated(
    known: Known, intent: i.Intent, metadata: Metadata, *, is_fact: bool = False
) -> bool:
    """Whether it is on the candidate's stream already.

    A command that is known by what it says alone is not, where that was erased: it is decided anew
    and refused as any other guess would be, so that nobody can test one.
    """
    if metadata.command_id not in known.candidate.commands:
        return False
    if is_fact or metadata.command_digest or not known.candidate.erased:
        return True
    if isinstance(intent, erasure.ERASURE_INTENTS):
        return True  # nothing of these is ever erased, and what was interrupted says them again
    stands = errors.CandidateErased, errors.PurposeErased
    return not any(isinstance(each, stands) for each in consequences(known, intent))


def concerned_job(candidate: Candidate, intent: i.Intent) -> UUID | None:
    """The job whose state the decision on `intent` needs."""
    if type(intent) in CONCERN_NO_JOB:
        return None
    if isinstance(intent, FOR_A_JOB):
        return intent.job_id
    if isinstance(intent, FOR_AN_APPLICATION) and intent.application_id:
        application = candidate.applications.get(intent.application_id)
        return application.job_id if application else None
    return None
