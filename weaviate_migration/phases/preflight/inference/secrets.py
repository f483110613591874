"""Columns that hold secrets: password hashes, tokens, keys; known by their names, and by what their values look like.

The patterns are those that the issuers say their keys begin with. detect-secrets has such a list too, but its last
release, of May 2024, lacks half of these.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.inference.names import spoken_words

# More than this share of a column's values have to look like secrets: single ones may stand in any column.
MOST = 0.5
# The least and most characters of what the patterns are of; a private key is longer, and known by its first line.
_SHORTEST_VALUE, _LONGEST_VALUE = 16, 4_096

_HASHES = (
    r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}",  # bcrypt
    r"\$argon2(?:id|i|d)\$.+",
    r"\$(?:1|5|6|7|y|gy|scrypt|md5|sha1|apr1|bcrypt-sha256|pbkdf2(?:-sha\d+)?)\$.+",  # crypt(3), passlib
    r"(?:argon2|bcrypt(?:_sha256)?|scrypt|pbkdf2_sha\d+|md5|sha1)\$.+\$.+",  # Django
    r"(?:pbkdf2:\w+:\d+|scrypt:\d+:\d+:\d+)\$.+\$.+",  # Werkzeug
    r"\{(?:S?SHA\d*|S?MD5|CRYPT|ARGON2|PBKDF2[\w-]*)\}.+",  # LDAP
    r"AQAAAA[A-Za-z0-9+/]{70,90}={0,2}",  # ASP.NET Identity
)
_PRIVATE_KEYS = (
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    r"PuTTY-User-Key-File-\d",
    r"AGE-SECRET-KEY-1[A-Z0-9]+",
)
_API_KEYS = (
    r"sk-[A-Za-z0-9_-]{20,}",  # OpenAI, Anthropic, and others after them
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}",  # Stripe
    r"gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{40,}",
    r"gl(?:pat|dt|rt|ptt|ft)-[\w-]{20,}",  # GitLab
    r"xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}",  # Slack
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    r"AIza[\w-]{35}|ya29\.[\w-]{20,}",  # Google
    r"hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|dop_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}",
    r"SG\.[\w-]{16,}\.[\w-]{32,}",  # SendGrid
    r"\d{8,10}:[\w-]{35}",  # Telegram
    r"[0-9a-f]{32}-us\d\d?",  # Mailchimp
)
_JSON_WEB_TOKEN = r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"

# What values look like, by the groups of the pattern.
_KINDS = {"hash": "password hashes", "key": "private keys", "api": "API keys", "jwt": "JSON Web Tokens"}
_LOOKS_SECRET = re.compile(
    rf"""\s*(?:(?P<hash>{"|".join(_HASHES)})\s*\Z|(?P<key>{"|".join(_PRIVATE_KEYS)})"""
    rf"""|(?P<api>{"|".join(_API_KEYS)})\s*\Z|(?P<jwt>{_JSON_WEB_TOKEN})\s*\Z)""",
    re.DOTALL,
).match

# How the name of a column ends, in spoken words, that holds passwords, which may be of any length; and other secrets.
_PASSWORD_NAME = re.compile(r"(?:pass(?:word|wd|phrase|code)s?|\bpwd)(?: ?(?:hash|hashed|digest|salt|enc|encrypted))?$")
_SECRET_NAME = re.compile(
    r"(?:secrets?|\btoken|(?:access|api|auth|bearer|refresh|session)token|\bpass|\bsalt|\bcredentials?|t?otp seed"
    r"|(?:access|api|auth|encryption|master|private|secret|session|signing) ?keys?|(?:backup|recovery) codes?)"
    r"(?: (?:hash|digest))?$"
)
# No secret is declared so.
_FOR_NUMBERS = re.compile("int|bool|real|floa|doub|num|dec|date|time", re.IGNORECASE)
# What tokens and keys have at least; shorter texts are words.
_SHORTEST_TOKEN = 8


class SecretReading:
    """Looks for secrets among the values of one column.

    Args:
        column: its name.
        declared_type: says what a column without values is for.
    """

    def __init__(self, column: str, declared_type: str = "") -> None:
        self._suspect = _suspicion(column)
        self._for_numbers = _FOR_NUMBERS.search(declared_type) is not None
        self._values = 0
        self._suspects = 0
        self._kinds: Counter[str] = Counter()

    def add(self, values: Sequence[SqlValue]) -> None:
        """Looks at the column's values in one slice."""
        said = [value for value in values if value not in (None, "", b"")]
        self._values += len(said)
        if self._suspect is not None:
            self._suspects += sum(map(self._suspect, said))
        texts = [value for value in said if isinstance(value, str)]
        self._kinds.update(kind for text in texts if (kind := secret_kind(text)) is not None)

    @property
    def reason(self) -> str | None:
        """Why the column is taken for secret; None where it is not."""
        for kind, count in self._kinds.most_common(1):
            if count > MOST * self._values:
                return f"looks like a secret: {count:,} of {self._values:,} values look like {kind}"
        if not self._values and self._for_numbers:
            return None
        if self._suspect is not None and self._suspects >= MOST * self._values:
            return "looks like a secret, by its name"
        return None

    @property
    def remark(self) -> str | None:
        """What is to be said of single values in a column that is not secret; None where it holds none."""
        if not self._kinds or self.reason:
            return None
        found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self._kinds.items()))
        return f"{self._kinds.total():,} of {self._values:,} values look like secrets ({found})"


def secret_kind(text: str) -> str | None:
    """What secrets a text looks like, in the plural: `API keys`; None where it looks like none."""
    if len(text) < _SHORTEST_VALUE:
        return None
    found = _LOOKS_SECRET(text[:_LONGEST_VALUE])
    return _KINDS[found.lastgroup] if found and found.lastgroup else None


def _suspicion(column: str) -> Callable[[SqlValue], bool] | None:
    """Which values may be secrets in a column whose name says that it holds some; None where it does not say so."""
    words = " ".join(spoken_words(column))
    if _PASSWORD_NAME.search(words):
        return lambda value: isinstance(value, (str, bytes))
    return _may_be_token if _SECRET_NAME.search(words) else None


def _may_be_token(value: SqlValue) -> bool:
    """Blobs, JSON, and texts without blanks that are not short."""
    if not isinstance(value, str):
        return isinstance(value, bytes)
    return value.lstrip()[:1] in ("{", "[") or (len(value) >= _SHORTEST_TOKEN and len(value.split()) == 1)
