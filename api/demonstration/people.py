"""The people of the demonstration: candidates with their details, and those who work on hiring."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from unicodedata import normalize
from uuid import UUID


def _names(names: str) -> tuple[tuple[str, str], ...]:
    """Each name with how it is written in an address."""
    return tuple((name, _ascii(name)) for name in names.split())


def _ascii(name: str) -> str:
    plain = normalize("NFKD", name.replace("ø", "o")).encode("ascii", "ignore")
    return plain.decode().lower()


FIRST_NAMES = _names(
    "Ada Adrián Aisha Akira Alba Amara Anouk Arjun Astrid Béla Bruno Camille Carlos Chiara "
    "Chloé Dalia Daniel Dilan Edith Elif Emeka Esra Farid Fatima Felix Fiona Gabriel Greta "
    "Hana Hugo Ida Ines Ivan Jamal Jana João Jonas Julia Kaan Karin Kofi Laila Lars Lea "
    "Leander Lin Lucía Maja Malik Marta Mateo Mei Mila Nadia Nils Noor Olga Omar Paulo Petra "
    "Priya Quentin Rafael Rania Renée Rosa Samuel Sanna Selma Sofia Tariq Tessa Theo Uma "
    "Valentina Viktor Wanda Yara Yusuf Zoë"
)
LAST_NAMES = _names(
    "Abadi Achterberg Adeyemi Almeida Andersson Bakker Banerjee Bianchi Brandt Castellanos "
    "Chen Costa Demir Diallo Dubois Eriksen Farkas Ferreira Fischer Fontaine Gallo García "
    "Grünwald Haas Haddad Hansen Herrera Hoffmann Ibrahim Ivanova Jansen Jovanović Kaya Keita "
    "Kovács Krüger Laurent Lehmann Lindqvist Lopes Marchetti Mbeki Meier Mensah Moreau Müller "
    "Nakamura Navarro Novák Nwosu Okafor Oliveira Öztürk Papadakis Park Pereira Petrov Quispe "
    "Rahman Ricci Rossi Sandoval Santos Schäfer Silva Singh Sørby Suárez Takahashi Tanaka "
    "Thalberg Torres Usman Vargas Virtanen Vogel Wagner Weber Wójcik Yamada Yilmaz Zeman "
    "Zimmermann"
)
HOMES = (
    *("Zürich", "Lisbon", "Hamburg", "Ghent", "Kraków", "Valencia"),
    *("Turin", "Lyon", "Graz", "Malmö", "Tallinn", "Porto"),
)
DOMAINS = ("example.org", "example.com", "example.net")  # reserved, no mail ever arrives there

RECRUITERS = tuple(
    f"recruiter:{name}"
    for name in (
        "ana.keller",
        "tom.okoro",
        "lucie.brandt",
        "marco.vidal",
        "yuna.seo",
        "paul.ritter",
    )
)
SOURCERS = tuple(f"sourcer:{name}" for name in ("ines.prado", "oskar.lund", "dana.weiss"))
EMPLOYEES = tuple(f"employee:{name}" for name in ("mira.hahn", "jon.asante", "eva.roth", "li.wen"))
CANDIDATE = "candidate:self"
MAILER = "system:mailer"
CALENDAR = "integration:calendar"


@dataclass(slots=True)
class Person:
    """A candidate as they are at the moment, and what their story must not forget."""

    id: UUID
    first: str
    name: str
    email: str
    phone: str
    location: str
    url: str
    outreach_ends: datetime | None = None  # from when on nobody may approach them
    pools: set[str] = field(default_factory=set)
    hired: bool = False


def person(number: int, rng: Random) -> Person:
    """The candidate of that number; the number alone keeps two emails apart."""
    first, first_plain = rng.choice(FIRST_NAMES)
    last, last_plain = rng.choice(LAST_NAMES)
    handle = f"{first_plain}.{last_plain}.{number}"
    return Person(
        id=random_uuid(rng),
        first=first,
        name=f"{first} {last}",
        email=f"{handle}@{rng.choice(DOMAINS)}",
        phone=phone(rng),
        location=rng.choice(HOMES),
        url=f"https://profiles.example/{handle}",
    )


def phone(rng: Random) -> str:
    """A number from the ranges that are kept free for fiction."""
    return f"+1 {rng.randrange(201, 990)} 555 01{rng.randrange(100):02}"


def random_uuid(rng: Random) -> UUID:
    """A version 4 UUID from the seeded random numbers."""
    return UUID(int=rng.getrandbits(128), version=4)
