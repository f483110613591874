from typing import Any

import pytest

from weaviate_migration.phases.preflight.inference.secrets import SecretReading, secret_kind

BCRYPT = "$2b$12$" + "a" * 53
# Made up for this test, but of the form that each has.
LOOK_SECRET = {
    "password hashes": [
        BCRYPT,
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
        "pbkdf2_sha256$600000$saltsalt$aGFzaGhhc2hoYXNoaGFzaGhhc2g=",
        "pbkdf2:sha256:600000$saltsalt$0123456789abcdef",
        "scrypt:32768:8:1$saltsalt$0123456789abcdef",
        "$6$saltsalt$" + "h" * 86,
        "$pbkdf2-sha512$25000$c2FsdA$aGFzaA",
        "sha1$salt$" + "0" * 40,
        "{SSHA}c2FsdGVkaGFzaGhhc2hoYXNo",
        "AQAAAAEAACcQAAAA" + "E" * 68,
    ],
    "private keys": [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n",
        "\n-----BEGIN PRIVATE KEY-----\n" + "A" * 10_000,
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
    ],
    "API keys": [
        "sk-" + "a" * 48,
        "sk-proj-" + "a" * 48,
        "sk-ant-api03-" + "a" * 40,
        "sk_live_" + "a" * 24,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 60,
        "glpat-" + "a" * 20,
        "xoxb-1234567890-abcdef",
        "AKIA" + "A" * 16,
        "AIza" + "a" * 35,
        "hf_" + "a" * 34,
        "SG." + "a" * 22 + "." + "b" * 43,
        "123456789:" + "a" * 35,
    ],
    "JSON Web Tokens": [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
        "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
    ],
}
LOOK_LIKE_NONE = [
    *(
        "",
        "a",
        "sk-learn",
        "ghp_short",
        "$100",
        "$1,000,000.00 in cash",
        "-----BEGIN CERTIFICATE-----\nMIIE",
        "{name} is here",
    ),
    *("The key sk-" + "a" * 48 + " is in a sentence", "0123456789abcdef0123456789abcdef", "https://example.com/a?b=c"),
    *(
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-27T10:00:00.000000Z",
        "eyJhbGciOiJIUzI1NiJ9",
        "md5$",
        "scrypt is a hash",
    ),
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in LOOK_SECRET.items() for text in texts])
def test_a_text_that_looks_secret(kind: str, text: str) -> None:
    assert secret_kind(text) == kind
    assert secret_kind(f"{text}\n") == kind


@pytest.mark.parametrize("text", LOOK_LIKE_NONE)
def test_a_text_that_does_not(text: str) -> None:
    assert secret_kind(text) is None


def reading(column: str, *slices: list[Any]) -> SecretReading:
    found = SecretReading(column)
    for values in slices:
        found.add(values)
    return found


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("password", ["hunter2", "x", "my dog"]),
        ("encrypted_password", ["abc"]),
        ("Password", []),
        ("PasswordHash", [b"\x00\x01"]),
        ("user_passwd", ["secret"]),
        ("userpassword", ["hunter2"]),
        ("pwd", ["a"]),
        ("api_key", ["0123456789abcdef", None, ""]),
        ("ApiKey", ["0123456789abcdef"]),
        ("APIKEY", ["0123456789abcdef"]),
        ("refresh token", ["0123456789abcdef"]),
        ("access_token", ["0123456789abcdef"]),
        ("accesstoken", ["0123456789abcdef"]),
        ("client_secret", ["0123456789abcdef"]),
        ("token_digest", ["0123456789abcdef"]),
        ("private_key", [b"\x30\x82"]),
        ("credentials", ['{"user": "a", "key": "b"}']),
        ("recovery_codes", ['["12345", "67890"]']),
        ("salt", [b"\x00" * 16]),
    ],
)
def test_a_column_that_is_secret_by_its_name(column: str, values: list[Any]) -> None:
    assert reading(column, values).reason == "looks like a secret, by its name"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("token_count", ["0123456789abcdef"]),
        ("tokens_used", [1, 2]),
        ("max_tokens", [1, 2]),
        ("token", [1, 2, 3]),
        ("token", ["the", "of", "and", "of-course"]),
        ("secret", [0, 1]),
        ("secret", ["it was a dark and stormy night"]),
        ("password_changed_at", ["2026-01-01 00:00:00"]),
        ("has_password", [1, 0]),
        ("token_type", ["authorization"]),
        ("public_key", ["0123456789abcdef"]),
        ("key", ["0123456789abcdef"]),
        ("compass", ["north-northwest"]),
        ("content", ["hello", "world"]),
    ],
)
def test_a_column_that_is_not(column: str, values: list[Any]) -> None:
    found = reading(column, values)
    assert (found.reason, found.remark) == (None, None)


@pytest.mark.parametrize(
    ("declared", "is_secret"), [("TEXT", True), ("", True), ("BOOLEAN", False), ("INTEGER", False)]
)
def test_a_column_without_values_goes_by_its_declaration(declared: str, is_secret: bool) -> None:
    found = SecretReading("token", declared)
    found.add([None])
    assert (found.reason is not None) == is_secret


def test_a_column_is_secret_where_most_of_its_values_are() -> None:
    found = reading("digest", [BCRYPT, None, ""], [BCRYPT, "none"])
    assert found.reason == "looks like a secret: 2 of 3 values look like password hashes"


def test_single_secrets_are_told_and_left_where_they_are() -> None:
    found = reading("value", ["on", "off", BCRYPT, 3], ["sk-" + "a" * 48, "dark"])
    assert found.reason is None
    assert found.remark == "2 of 6 values look like secrets (1 API keys, 1 password hashes)"
