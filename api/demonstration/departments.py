"""The departments of the demonstration: how each selects, and whom it looks for."""

from typing import NamedTuple

LOCATIONS = ("Zürich", "Lisbon", "Hamburg", "Kraków", "Remote")


class Department(NamedTuple):
    """A department with its hiring manager, its stages in order and the titles of its jobs."""

    name: str
    manager: str
    stages: tuple[str, ...]
    titles: tuple[str, ...]


def _department(name: str, manager: str, stages: str, titles: str) -> Department:
    in_order = ("Application review", *stages.split(", "), "Offer")
    return Department(name, f"hiring-manager:{manager}", in_order, tuple(titles.split(", ")))


DEPARTMENTS = (
    _department(
        "Engineering",
        "ruth.amsler",
        "Phone screen, Take-home exercise, Interview, Final interview",
        "Backend engineer, Frontend engineer, Data engineer, Reliability engineer, "
        "Mobile engineer, Security engineer, Test engineer, Platform engineer",
    ),
    _department(
        "Sales",
        "ben.oduya",
        "Phone screen, Role play, Final interview",
        "Account executive, Sales representative, Key account manager, Solution consultant, "
        "Partner manager, Sales analyst, Inside sales lead, Field sales manager",
    ),
    _department(
        "Customer care",
        "nora.lindt",
        "Phone screen, Trial day",
        "Support specialist, Onboarding manager, Customer trainer, Support engineer, "
        "Care team lead, Community manager, Service coordinator, Documentation writer",
    ),
    _department(
        "Product and design",
        "leo.santini",
        "Portfolio review, Phone screen, Workshop",
        "Product manager, Product designer, User researcher, Content designer, "
        "Design lead, Product analyst, Motion designer, Technical product owner",
    ),
    _department(
        "Research",
        "irene.falk",
        "Phone screen, Seminar talk, Panel interview, Lab visit, References",
        "Research scientist, Applied scientist, Lab manager, Statistician, "
        "Research engineer, Postdoctoral fellow, Data curator, Simulation specialist",
    ),
    _department(
        "Operations",
        "viktor.ngata",
        "Phone screen, Interview, Site visit",
        "Operations manager, Supply planner, Facility coordinator, Process engineer, "
        "Logistics specialist, Quality manager, Buyer, Shift lead",
    ),
    _department(
        "Finance",
        "clara.bosch",
        "Phone screen, Case study, Interview, References",
        "Controller, Accountant, Payroll specialist, Financial analyst, "
        "Tax specialist, Treasury analyst, Internal auditor, Billing specialist",
    ),
    _department(
        "People",
        "sami.halonen",
        "Phone screen, Interview",
        "Recruiter, People partner, Learning designer, Talent sourcer, "
        "Office manager, Compensation analyst, Employer brand manager, Workplace lead",
    ),
)
