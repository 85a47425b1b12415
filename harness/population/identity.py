"""Synthetic people, each derived from (seed, site, who, ordinal): the same on every machine, at no memory a person.

Names, addresses and phone numbers are Faker's, in the site's locale; sex, age and NPI are drawn from her own stream.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal

from harness.errors import InputError, Problem
from harness.population.stream import Stream

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["PatientIdentity", "PostalAddress", "StaffIdentity", "mrn", "npi", "patient_identity", "staff_identity"]

# source: assumption (adults of all ages, equally many of each; primary care sees more old ones)
_FIRST_BIRTHDATE: Final = date(1931, 1, 1)
_LAST_BIRTHDATE: Final = date(2007, 12, 31)
# source: assumption
_FEMALE_SHARE: Final = 0.5
_NPI_PREFIX_SUM: Final = 24
"""What the prefix 80840 adds to the Luhn sum of an NPI (CMS, Requirements for NPI and NPI check digit)."""

Gender = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """`state` is "" where the locale's addresses have none; `country` is ISO 3166-1 alpha-2."""

    line: str
    city: str
    state: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    family: str
    given: str
    gender: Gender
    birthdate: date
    address: PostalAddress
    phone: str
    mrn: str


@dataclass(frozen=True, slots=True)
class StaffIdentity:
    """`npi` is "" outside the United States."""

    family: str
    given: str
    gender: Gender
    phone: str
    npi: str


def patient_identity(seed: int, site: str, ordinal: int, locale: str) -> PatientIdentity:
    """The `ordinal`-th patient of `site`. Raises InputError for a locale that Faker does not know."""
    fake, draws = _person(locale, Stream(seed, site, "patient", ordinal))
    gender, given, family = _name(fake, draws)
    days = (_LAST_BIRTHDATE - _FIRST_BIRTHDATE).days + 1
    return PatientIdentity(
        family=family,
        given=given,
        gender=gender,
        birthdate=_FIRST_BIRTHDATE + timedelta(days=draws.integer(days)),
        address=_address(fake, locale),
        phone=_phone(fake),
        mrn=mrn(site, ordinal),
    )


def staff_identity(seed: int, site: str, persona: str, ordinal: int, locale: str) -> StaffIdentity:
    """The `ordinal`-th `persona` of `site`. Raises InputError for a locale that Faker does not know."""
    fake, draws = _person(locale, Stream(seed, site, "staff", persona, ordinal))
    gender, given, family = _name(fake, draws)
    return StaffIdentity(
        family=family,
        given=given,
        gender=gender,
        phone=_phone(fake),
        npi=npi(draws) if _country(locale) == "US" else "",
    )


def mrn(site: str, ordinal: int) -> str:
    """The medical record number: three digits that the site's name gives, then the ordinal, at least six digits long.

    Unique within a site, which is as far as its identifier system reaches.
    """
    prefix = 100 + int.from_bytes(blake2b(site.encode(), digest_size=4).digest(), "big") % 900
    return f"{prefix}{ordinal:06d}"


def npi(draws: Stream) -> str:
    """A US National Provider Identifier with a valid check digit (Luhn over 80840 and the number)."""
    stem = f"{1 + draws.integer(2)}{draws.integer(10**8):08d}"
    doubled = (int(digit) * 2 for digit in stem[::2])
    total = (
        _NPI_PREFIX_SUM + sum(value // 10 + value % 10 for value in doubled) + sum(int(digit) for digit in stem[1::2])
    )
    return f"{stem}{-total % 10}"


def _person(locale: str, draws: Stream) -> tuple[Faker, Stream]:
    fake = _faker(locale)
    fake.seed_instance(draws.bits())
    return fake, draws


@lru_cache(maxsize=32)
def _faker(locale: str) -> Faker:
    from faker import Faker  # 0.15 s, which only those who need people should pay
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        close = difflib.get_close_matches(locale, AVAILABLE_LOCALES, n=1)
        guess = f"did you mean '{close[0]}'? " if close else ""
        raise InputError(
            Problem(
                f"unknown locale '{locale}'",
                help=f"{guess}Known are the locales of Faker, such as en_US, es_MX, fr_FR and de_DE",
            )
        )
    return Faker(locale)


def _name(fake: Faker, draws: Stream) -> tuple[Gender, str, str]:
    if draws.chance(_FEMALE_SHARE):
        return "female", fake.first_name_female(), fake.last_name_female()
    return "male", fake.first_name_male(), fake.last_name_male()


def _phone(fake: Faker) -> str:
    """Faker knows no phone numbers of the Philippines."""
    return fake.phone_number() if hasattr(fake, "phone_number") else ""


def _address(fake: Faker, locale: str) -> PostalAddress:
    """Only some locales have states that stand in an address, and only some of them post codes to match."""
    state = fake.state_abbr() if hasattr(fake, "state_abbr") else ""
    in_state = state and hasattr(fake, "postcode_in_state")
    return PostalAddress(
        line=" ".join(fake.street_address().split()),
        city=fake.city(),
        state=state,
        postal_code=fake.postcode_in_state(state) if in_state else fake.postcode(),
        country=_country(locale),
    )


def _country(locale: str) -> str:
    """`de_DE` → `DE`; some locales of Faker name no country."""
    return locale.rpartition("_")[2] if "_" in locale else ""
