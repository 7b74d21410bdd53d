"""What each detector finds, what it leaves alone, and that no writing hides it.

Numbers are those that standards and publishers print as examples, or made up with a right check
digit. Keys are put together here, so that nothing that looks like one stands in the repository.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.practice.detectors import DETECTORS, detected, readable, require_detectors
from aina_assets.practice.policy import PracticeRules
from aina_assets_tests.practice.test_submission import ANYTHING

DESCRIBED = PracticeRules.load().evaluation.detectors

FOUND = {
    "email_address": [
        "write to jane.doe@example.com today",
        "JANE_DOE+x@EXAMPLE.CO.UK",
        "<jane@example.org>,",
        "o'neil@müller.de.",
        "mailto:jane@example.com",
    ],
    "phone_number": [
        "+1 202-555-0143",
        "+44 7700 900123",
        "+44 (0)20 7946 0958",
        "0049 170 1234567",
        "+48 601 234 567",
        "+33 6 12 34 56 78",
        "(202) 555-0143",
        "202-555-0143",
        "202.555.0143",
        "1-202-555-0143",
        "01 42 68 53 00",
        "020 7946 0958",
        "0171 2345678",
        "Tel. 555-0143",
        "phone: 1234567890",
        "call me on 07700 900123",
    ],
    "payment_card": [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "card 4111111111111111, 12/27",
        "4111 1111 1111 1111 12/27",
        "1234 4111 1111 1111 1111",
        "5555 5555 5555 4444",
        "2223 0000 4841 0010",
        "378282246310005",
        "3782 822463 10005",
        "6011 1111 1111 1117",
    ],
    "national_id": [
        "123-45-6789",
        "AB 12 34 56 C",
        "ab123456c",
        "12345678Z",
        "X1234567L",
        "RSSMRA85T10A562S",
        "2 55 08 14 168 025 38",
        "111.444.777-35",
        "2341 2341 2346",
        "SIN 123-456-782",
        "BSN: 111222333",
        "Steuer-ID 86 095 742 719",
    ],
    "secret": [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        "key=" + "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "token: " + "ghp_" + "a1" * 18,
        "github_" + "pat_" + "a1" * 20,
        "xoxb" + "-1234567890-" + "abcdefgh",
        "https://hooks.slack" + ".com/services/" + "T0000000/B0000000/" + "x" * 24,
        "sk" + "_live_" + "a1" * 12,
        "Bearer " + "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
        "AIza" + "a" * 35,
        "sk" + "-ant-" + "a1" * 15,
        "hf" + "_" + "aB" * 17,
    ],
    "health_record_number": [
        "MRN 1234567",
        "MRN: A-00123456",
        "medical record number 123456",
        "patient ID: 4711-0815",
        "chart no. 123 456 7",
        "943 476 5919",
        "NHS number 9434765919",
    ],
    "bank_account": [
        "DE89 3704 0044 0532 0130 00",
        "IBAN DE89370400440532013000 BIC COBADEFFXXX",
        "gb82 west 1234 5698 7654 32",
        "FR14 2004 1010 0505 0001 3M02 606",
    ],
}

HARMLESS = [
    "on 2026-03-09, 09.03.2026 10:30 and 03/09/2026",
    "2026-03-09T10:00:00Z, 20260309, 9:00-17:00",
    "1999, 2020-2024, 2025/26, Q1 2024",
    "v1.2.3, version 10.15.7.1, 18.2.0-beta.next, 192.168.1.100",
    "11-2021.00, 13-1020, 43-4051",
    "12,500 and 1 200 000 EUR, 1.000.000,00, $4,500,000, EUR 12 345 678 901",
    "+15 %, +12 000 000 EUR, growth of +1 250 000 units",
    "order 0012345678, order no. 4500012345, invoice 0042-113-7781, case 123-45-678",
    "ISBN 978-3-16-148410-0, SKU 4006381333931, 1Z999AA10123456784",
    "2024 2025 2026 2027, 1000 2000 3000 4000, 10 20 30 40 50 60 70 80",
    "12 345 678, 10 000 000 000, 100-200-3000, rows 120-140, 180-220",
    "3.14159265358979, 0.4111111111111111, 1700000000000, 000000000000",
    "4111 1111 1111 1112, 123-45-0000, 000-12-3456, DE88 3704 0044 0532 0130 00",
    "DE2026 was good, IBAN of DE, GB12 and AT 20, GB12 3456 units",
    "j***@example.com, name@company, @handle and @other., a@b, react@18.2.0",
    "phone 128 000 users, mobile 1 200 000 visits, call 3 people on 2026-05-01",
    "the tel is 3, text 120000 people, NHS spent 1 200 000",
    "patient 12 of 40, hospital 120 000 visits in 2026, medical record of 12 pages",
    "sin and error 3, sk-learn, AKIA, eyJ, -----BEGIN CERTIFICATE-----",
    "AB 12 34 56 E, 12345678A, 111.444.777-36",
]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in FOUND for text in FOUND[name]])
def test_a_detector_finds_its_kind(name: str, text: str) -> None:
    assert detected([name], readable(text)) == (name,)
    assert detected([name], readable(f"Word {text} word.")) == (name,)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert detected(DETECTORS, readable(text)) == ()
    for part in text.split(", "):
        assert detected(DETECTORS, readable(part)) == (), part


def test_a_wrong_check_digit_is_no_record_number() -> None:
    assert detected(["health_record_number"], readable("943 476 5918")) == ()


def full_width(text: str) -> str:
    return "".join(chr(ord(item) + 0xFEE0) if "!" <= item <= "~" else item for item in text)


def other_digits(text: str) -> str:
    return "".join(chr(0x0660 + int(item)) if item.isdecimal() else item for item in text)


def zero_width(text: str) -> str:
    return "\u200b".join(text)


def entities(text: str) -> str:
    return "".join(f"&#{ord(item)};" for item in text)


def other_dashes(text: str) -> str:
    return text.replace("-", "\u2011")


@pytest.mark.parametrize("hide", [full_width, other_digits, zero_width, entities, other_dashes])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email_address", "jane.doe@example.com"),
        ("phone_number", "+44 7700 900123"),
        ("phone_number", "202-555-0143"),
        ("payment_card", "4111 1111 1111 1111"),
        ("national_id", "123-45-6789"),
        ("bank_account", "DE89 3704 0044 0532 0130 00"),
        ("health_record_number", "MRN 1234567"),
        ("secret", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_no_writing_hides_it(name: str, text: str, hide: object) -> None:
    assert callable(hide)
    assert detected([name], readable(hide(text))) == (name,)


def test_tags_and_comments_hide_nothing() -> None:
    assert detected(["email_address"], readable("jane<b>@</b>exam<!-- -->ple.com"))
    assert detected(["email_address"], readable("<!-- jane@example.com -->"))
    assert detected(["email_address"], readable('<a title="jane@example.com">me</a>'))


def test_every_detector_is_described_and_tried() -> None:
    require_detectors((), DESCRIBED, "here")
    assert set(DESCRIBED) == set(DETECTORS) == set(FOUND)


def test_a_detector_without_description_or_code_is_an_error() -> None:
    with pytest.raises(AuthoredDocumentError, match="secret"):
        require_detectors((), set(DESCRIBED) - {"secret"}, "here")
    with pytest.raises(AuthoredDocumentError, match="shoe_size"):
        require_detectors((), {*DESCRIBED, "shoe_size"}, "here")
    with pytest.raises(AuthoredDocumentError, match="shoe_size"):
        require_detectors({"shoe_size"}, {*DESCRIBED, "shoe_size"}, "here")


@given(ANYTHING)
def test_any_string_is_searched(text: str) -> None:
    assert set(detected(DETECTORS, readable(text))) <= set(DETECTORS)


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1 ",
        "+1",
        "a",
        "@",
        "a@",
        "a.",
        "-",
        "eyJ",
        "-eyJ",
        "4111 ",
        "DE89 ",
        "sin ",
        "MRN ",
        "(",
    ],
)
def test_a_megabyte_is_searched(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))

    assert detected(DETECTORS, readable(text)) == ()
