"""Detectors: text that must not be in a submission, found by kind.

Belongs here: how each kind is told from numbers and words that only look like it. Stays out: what
the kinds are called, and what each takes and leaves, for people (``data/practice_rules.yaml``).

Check digits and formats of identity numbers and accounts are python-stdnum's, lengths and prefixes
of phone numbers libphonenumber's. Every expression here looks a bounded way ahead: time is linear.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache

import phonenumbers
from stdnum import iban, luhn, numdb
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.nl import bsn

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.practice.submission import cleaned, folded, untagged

Detector = Callable[[str], bool]


def readable(text: str) -> str:
    """``text`` as detectors read it: nothing unseen, entities resolved, plain digits and dashes.

    Where there are tags or comments it comes twice, with and without: what hides, and what shows.
    """
    text = cleaned(text)
    if "&" in text:
        text = cleaned(html.unescape(text))
    text = folded(text)
    return f"{text}\n{untagged(text)}" if "<" in text else text


def detected(names: Iterable[str], text: str) -> tuple[str, ...]:
    """Which of the detectors named find something in a ``readable`` text."""
    return tuple(name for name in names if DETECTORS[name](text))


def require_detectors(named: Collection[str], described: Collection[str], where: str) -> None:
    """Fail where a detector that is named or described does not exist, or is not described.

    Raises:
        AuthoredDocumentError: names the detectors concerned.
    """
    if unknown := sorted(set(named) - set(DETECTORS)):
        raise AuthoredDocumentError(
            expected=f"detectors among {', '.join(sorted(DETECTORS))}",
            found=", ".join(unknown),
            where=where,
            remedy="name a detector of data/practice_rules.yaml",
        )
    if unequal := sorted(set(described) ^ set(DETECTORS)):
        raise AuthoredDocumentError(
            expected="a description of every detector, and a detector for every description",
            found=f"one without the other: {', '.join(unequal)}",
            where="data/practice_rules.yaml, evaluation.detectors",
            remedy="describe the detector there, or write it in practice/detectors.py",
        )


# ---------------------------------------------------------------------------------------- addresses

_LOCAL = re.compile(r"[\w.+%'-]*[\w+%-]$")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_LOCAL_LENGTH = 64


def _has_email_address(text: str) -> bool:
    # From each '@' outwards: searching for the part before it takes the square of a long word.
    at = text.find("@")
    while at >= 0:
        if _DOMAIN.match(text, at + 1) and _LOCAL.search(text[max(0, at - _LOCAL_LENGTH) : at]):
            return True
        at = text.find("@", at + 1)
    return False


# ------------------------------------------------------------------------------------ phone numbers

_DATES = re.compile(
    r"(?<!\d)(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2}))(?!\d)"
    r"(?:[T ]{1,2}\d{1,2}:\d{2}(?::\d{2})?)?"
)
_DIGITS = r"\d(?:[ ().\-/]{0,3}\d)"
_INTERNATIONAL = re.compile(rf"(?<![\w+.,])(\+|(?<!\d[ -])00(?=[1-9]))\(?({_DIGITS}{{6,14}})(?!\d)")
_NORTH_AMERICAN = re.compile(
    r"(?<![\w.,+/-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-])"
)
_CALLED_PHONE = re.compile(
    r"\b(?:tele)?(?:phone|mobile|mob|cell|tel|fax|call|whatsapp|hotline)s?\b"
    r"(?:\.?\s{0,3}(?:phone|number|no|nr|me|us|him|her|them|at|on|is|or)\b){0,3}"
    rf"[.:#\s]{{0,4}}(\(?{_DIGITS}{{6,14}})(?!\d)",
    re.IGNORECASE,
)
_WITH_TRUNK_ZERO = re.compile(r"(?<![\w.,+/-])(\(?0\d{1,5}\)?(?:[ /-]{1,3}\d{2,8}){1,4})(?![\w-])")
_TRUNK_ZERO_REGIONS = ("AT", "AU", "CH", "DE", "FR", "GB", "IE", "IT", "NL")
_CALLED_OTHERWISE = re.compile(
    r"\b(?:order|invoice|ticket|case|item|ref(?:erence)?|sku|article|contract|batch|serial|part|isbn|"
    r"issn|id)s?\W{0,3}(?:number|no|nr|id)?\W{0,4}$",
    re.IGNORECASE,
)
_CURRENCY = r"(?:EUR|USD|GBP|CHF|CAD|AUD|JPY|INR|€|\$|£|¥|%|percent|euros?|dollars?|pounds?)"
_CURRENCY_BEFORE = re.compile(rf"{_CURRENCY}\s{{0,2}}\+?$", re.IGNORECASE)
_CURRENCY_AFTER = re.compile(rf"\s{{0,2}}{_CURRENCY}", re.IGNORECASE)
_SUM = re.compile(r"\d{1,3}(?:[ .,]\d{3})+$")
_LOOK_BACK = 40


def _has_phone_number(text: str) -> bool:
    text = _DATES.sub("#", text)
    return (
        any(_is_possible(found[2]) for found in _amounts_apart(_INTERNATIONAL, text))
        or any(True for _ in _amounts_apart(_NORTH_AMERICAN, text))
        or any(_is_dialled(found[1]) for found in _CALLED_PHONE.finditer(text))
        or any(_is_valid_somewhere(found[1]) for found in _amounts_apart(_WITH_TRUNK_ZERO, text))
    )


def _amounts_apart(expression: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that are no amount of money and are not called something else."""
    for found in expression.finditer(text):
        before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
        if (
            _CALLED_OTHERWISE.search(before) is None
            and _CURRENCY_BEFORE.search(before) is None
            and _CURRENCY_AFTER.match(text, found.end()) is None
        ):
            yield found


def _is_possible(digits: str) -> bool:
    return _checked(digits.replace("(0)", ""), None, phonenumbers.is_possible_number_with_reason)


def _is_valid_somewhere(digits: str) -> bool:
    if not 9 <= sum(character.isdigit() for character in digits) <= 12:
        return False
    return any(
        _checked(digits, region, phonenumbers.is_valid_number) for region in _TRUNK_ZERO_REGIONS
    )


def _checked(
    digits: str, region: str | None, check: Callable[[phonenumbers.PhoneNumber], bool | int]
) -> bool:
    plain = re.sub(r"\D", "", digits)
    try:
        number = phonenumbers.parse(f"+{plain}" if region is None else plain, region)
    except phonenumbers.NumberParseException:
        return False
    answer = check(number)
    return answer is True or (
        answer is not False and answer == phonenumbers.ValidationResult.IS_POSSIBLE
    )


def _is_dialled(digits: str) -> bool:
    """Whether digits after a word for a phone are no sum: 'mobile 1 200 000 visits' is one."""
    plain = digits.strip()
    has_form = not plain.isdigit() or plain.startswith("0") or len(plain) > 7
    return has_form and _SUM.match(plain) is None


# ------------------------------------------------------------------------------------ payment cards

_CARD = re.compile(
    r"(?<!\d)(?<!\d[.,])(?=(\d{14,19}(?!\d)|\d{4}([ .-])\d{4}\2\d{4}\2\d{2,4}(?:\2\d{1,3})?(?!\d)"
    r"|\d{4}([ .-])\d{6}\3\d{4,5}(?!\d)))"
)
# Lengths by first digits (ISO/IEC 7812 issuer ranges as the schemes publish them).
_SCHEMES: tuple[tuple[range, frozenset[int]], ...] = (
    (range(4_000, 5_000), frozenset({16, 19})),  # Visa
    (range(5_100, 5_600), frozenset({16})),  # Mastercard
    (range(2_221, 2_721), frozenset({16})),  # Mastercard
    (range(3_400, 3_500), frozenset({15})),  # American Express
    (range(3_700, 3_800), frozenset({15})),  # American Express
    (range(6_011, 6_012), frozenset(range(16, 20))),  # Discover
    (range(6_440, 6_600), frozenset(range(16, 20))),  # Discover
    (range(3_528, 3_590), frozenset(range(16, 20))),  # JCB
    (range(3_000, 3_060), frozenset({14})),  # Diners Club
    (range(3_600, 3_700), frozenset({14})),  # Diners Club
    (range(3_800, 4_000), frozenset({14})),  # Diners Club
    (range(6_200, 6_300), frozenset(range(16, 20))),  # UnionPay
    (range(5_000, 5_100), frozenset(range(14, 20))),  # Maestro
    (range(5_600, 5_900), frozenset(range(14, 20))),  # Maestro
    (range(6_300, 6_400), frozenset(range(14, 20))),  # Maestro
    (range(6_700, 6_800), frozenset(range(14, 20))),  # Maestro
)


def _has_payment_card(text: str) -> bool:
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[1])
        # In groups, a month may follow that looks like the last of them.
        if _is_card(digits) or (found[2] and _is_card(digits[:16])):
            return True
    return False


def _is_card(digits: str) -> bool:
    first = int(digits[:4])
    is_issued = any(first in prefixes and len(digits) in sizes for prefixes, sizes in _SCHEMES)
    return is_issued and bool(luhn.is_valid(digits))


# --------------------------------------------------------------------------------- identity numbers


def _by_form(_: str) -> bool:
    return True


def _called(names: str) -> str:
    return rf"(?i:\b(?:{names})\b[^\d\n]{{0,20}})"


# (expression whose first group is the number, its check)
_IDENTITIES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"(?<![\w.-])((?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\w-])"), _by_form),
    (
        re.compile(
            r"(?<!\w)((?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r" ?\d{2} ?\d{2} ?\d{2} ?[A-D])(?!\w)",
            re.IGNORECASE,
        ),
        _by_form,
    ),
    (re.compile(r"(?<![\w.])(\d{8}-?[A-Za-z])(?!\w)"), dni.is_valid),
    (re.compile(r"(?<![\w.])([XYZxyz]-?\d{7}-?[A-Za-z])(?!\w)"), nie.is_valid),
    (
        re.compile(r"(?<!\w)([A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z])(?!\w)"),
        codicefiscale.is_valid,
    ),
    (
        re.compile(
            r"(?<![\w.])([12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2})(?![\w.])"
        ),
        nir.is_valid,
    ),
    (re.compile(r"(?<![\w.])(\d{3}\.\d{3}\.\d{3}-\d{2})(?![\w-])"), cpf.is_valid),
    (
        re.compile(r"(?<![\w.-])(?<!\d[ -])([2-9]\d{3}([ -])\d{4}\2\d{4})(?![ -]?\d|\w)"),
        aadhaar.is_valid,
    ),
    (
        re.compile(
            _called(r"sin|social insurance|assurance sociale|NAS")
            + r"(\d{3}[ -]?\d{3}[ -]?\d{3})(?!\d)"
        ),
        sin.is_valid,
    ),
    (
        re.compile(_called(r"bsn|burgerservicenummer|sofinummer") + r"(\d[\d. ]{7,11}\d)(?!\d)"),
        bsn.is_valid,
    ),
    (
        re.compile(
            _called(
                r"steuer-?id(?:entifikationsnummer)?|steueridentifikationsnummer|idnr|steuer-?idnr"
                r"|tax id(?:entification)?(?: number| no)?"
            )
            + r"(\d{2} ?\d{3} ?\d{3} ?\d{3})(?!\d)"
        ),
        idnr.is_valid,
    ),
)


def _has_national_id(text: str) -> bool:
    return any(
        check(found[1]) for expression, check in _IDENTITIES for found in expression.finditer(text)
    )


# ---------------------------------------------------------------------------------- patient records

_RECORD = re.compile(
    r"\b(?:(?:mrn|(?:medical|health|patient) records?|medicare|mbi)"
    r"|(?:patient|chart|hospital)(?=\W{1,3}(?:id|no|nr|num|number)\b))\b[\s:#.-]{0,4}(?:(?:id|no|nr|num|number|is)\b[\s:#.-]{0,4}){0,3}"
    r"([a-z]{0,3}-?\d(?:[ -]?\d){5,14})(?!\d)",
    re.IGNORECASE,
)
_NHS = re.compile(r"(?<![\w.-])(\d{3}([ -])\d{3}\2\d{4})(?![\w-])")
_CALLED_NHS = re.compile(r"\bNHS\b[^\d\n]{0,20}(\d{3} ?\d{3} ?\d{4})(?!\d)", re.IGNORECASE)


def _has_health_record_number(text: str) -> bool:
    text = _DATES.sub("#", text)
    return _RECORD.search(text) is not None or any(
        nhs.is_valid(found[1])
        for expression in (_NHS, _CALLED_NHS)
        for found in expression.finditer(text)
    )


# ----------------------------------------------------------------------------------------- accounts

_IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_PARTS = re.compile(r"(\d+)!")


@cache
def _iban_length(country: str) -> int | None:
    """Letters and digits of an IBAN of that country; None where none are issued."""
    for _, entry in numdb.get("iban").info(country):
        if "bban" in entry:
            return len(country) + 2 + sum(int(size) for size in _PARTS.findall(entry["bban"]))
    return None


def _has_bank_account(text: str) -> bool:
    for found in _IBAN_START.finditer(text):
        # What follows may go on without a gap that tells: the country says where it ends.
        length = _iban_length(found[0][:2].upper())
        if length is not None:
            following = text[found.start() : found.start() + 2 * length]
            compact = following.replace(" ", "").replace("-", "")[:length]
            if len(compact) == length and iban.is_valid(compact, check_country=False):
                return True
    return False


# ------------------------------------------------------------------------------------------ secrets

_SECRET = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?<![A-Za-z0-9_-])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|glpat-[A-Za-z0-9_-]{20,255}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{20,255}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/=]{20,255}"
    r"|eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,2000}"
    r"|AIza[A-Za-z0-9_-]{35}"
    r"|sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{24,255}"
    r"|hf_[A-Za-z0-9]{30,255}|npm_[A-Za-z0-9]{36}"
    r")|hooks\.slack\.com/services/T[A-Z0-9]{6,20}/B[A-Z0-9]{6,20}/[A-Za-z0-9]{16,64}"
)


def _has_secret(text: str) -> bool:
    return _SECRET.search(text) is not None


DETECTORS: Mapping[str, Detector] = {
    "email_address": _has_email_address,
    "phone_number": _has_phone_number,
    "payment_card": _has_payment_card,
    "national_id": _has_national_id,
    "secret": _has_secret,
    "health_record_number": _has_health_record_number,
    "bank_account": _has_bank_account,
}
