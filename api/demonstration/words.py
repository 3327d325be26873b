"""What people at the demonstration company write: messages, notes, reasons and terms."""

Sequence = tuple[str, tuple[tuple[str, str], ...]]  # a name, and messages: subject and text

SEQUENCES: tuple[Sequence, ...] = (
    (
        "First hello",
        (
            ("A {title} role you may like", "Hello {first}, your work caught our eye. Shall we?"),
            ("How our team works", "Hello {first}, here is how a week on the team looks."),
            ("One more thought", "{first}, a short call would do. Any day that suits you?"),
        ),
    ),
    (
        "Long acquaintance",
        (
            ("From one practitioner to another", "Hello {first}, we build things you may enjoy."),
            ("What we learned this quarter", "{first}, our team wrote down what went wrong."),
            ("Meet the team", "Hello {first}, we have an open evening next month. Join us?"),
            ("Still here", "{first}, the {title} role is one we would like to talk about."),
        ),
    ),
    (
        "Passive talent",
        (
            ("Not looking? Good", "Hello {first}, the best people rarely are. May I explain?"),
            ("Five facts about us", "Hello {first}, no slogans, five facts about the {title} job."),
            ("Closing the loop", "{first}, I will not write again unless you would like me to."),
        ),
    ),
)
IN_TOUCH: Sequence = (
    "Keeping in touch",
    (
        ("How have you been?", "Hello {first}, we spoke a while ago. Is the time better now?"),
        ("The {title} role", "{first}, since we last wrote the team has grown. Curious?"),
    ),
)
WELCOME_BACK: Sequence = (
    "Welcome back",
    (
        ("We have not forgotten you", "Hello {first}, you came close last time. We hire again."),
        ("A second look", "{first}, the team asked after you. The {title} role is open."),
    ),
)

ANSWERS = (
    "Thank you, I would like to hear more.",
    "Good timing. Could we talk on Thursday afternoon?",
    "Interesting. What would the team look like?",
    "Yes, gladly. I am free most mornings.",
    "I am curious, though in no hurry.",
)
CONFIRMATIONS = (
    "That time suits me, see you then.",
    "Confirmed, thank you.",
    "Could we start half an hour later?",
    "Works for me. Is there anything to prepare?",
)
UNASKED = "Is there any news on roles like the one we spoke about?"

RECEIVED = ("We have your application", "Dear {first}, thank you for applying as {title}.")
INVITATION = (
    "Next step: {stage}",
    "Dear {first}, we would like to go on with you. When would it suit you?",
)
REGRET = (
    "Your application as {title}",
    "Dear {first}, we decided to go on with others. Thank you for your time.",
)

SCORECARDS = (
    "Clear answers, asks good questions back. I would go on.",
    "Solid craft, less sure about working across teams.",
    "Knows the field well; wants more ownership than the role gives.",
    "Calm under pressure, the exercise was done with care.",
    "Strong on detail, took a while to see the whole.",
    "Friendly and precise. The panel was of one mind.",
    "Good match for the second half of the year, maybe not now.",
)
NOTES = (
    "Prefers to be called after five in the afternoon.",
    "Notice period is three months.",
    "Would move for the right team.",
    "Wants to stay with a four-day week.",
    "Met at a meetup, spoke about testing in public.",
    "Asked about the budget for training.",
)
CALL_NOTES = (
    "Spoke for ten minutes; happy where they are, open to news.",
    "Left a message, no answer so far.",
    "Long call about the team and how it decides.",
)

PASSES_REVIEW = ("Meets all requirements", "Strong work samples", "Career fits the role")
PASSES_ROUND = ("Convincing in the last round", "Recommended by the panel", "Clear yes from all")
BACK_REASONS = ("One more conversation wanted", "Interviewer fell ill, round to be repeated")
FAILS_REVIEW = (
    "Lacks required experience",
    "Skills do not match",
    "Language level too low",
    "No permit to work",
    "Other candidates were stronger",
)
FAILS_ROUND = (
    "Other candidates were stronger",
    "Exercise below the bar",
    "Expectations beyond the budget",
    "Motivation unclear",
    "Skills do not match",
)
THEY_DECLINED = (
    "Took another position",
    "Salary too low",
    "Does not want to relocate",
    "Stays with present employer",
    "Could not be reached any more",
)
COMMENTS = (
    "Close call; worth a look for a more junior role.",
    "Kind and honest, simply not the depth that we need now.",
    "The exercise left too many loose ends.",
    "Two interviewers in favour, one clearly against.",
    "Better suited to a team that is further along.",
)
CLOSING = ("All openings filled", "Budget moved elsewhere", "Team was reorganised")
SECOND_CHANCES = ("Rejected by mistake", "Another place was approved", "Panel thought again")

PUBLIC_SOURCES = (
    "Careers page",
    "Jobs board",
    "Newsletter",
    "Social post",
    "Meetup",
    "Search engine",
)
FOUND_AT = ("Profile search", "Conference speakers", "Open-source work", "Trade magazine")
FAIRS = ("Autumn career fair", "Spring career fair", "Guest lecture", "Thesis partnership")
AGENCIES = (("Northlight Search", "northlight"), ("Brückner & Vale", "brueckner-vale"))
