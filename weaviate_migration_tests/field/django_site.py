"""A site made with Django: users, groups, permissions, sessions, the admin's log, and a library of its own."""

from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

LIBRARY = "weaviate_migration_tests.field.library"
APPS = ("admin", "auth", "contenttypes", "messages", "sessions")


def make(file: Path) -> None:
    days = _set_up(file)
    call_command("migrate", run_syncdb=True, verbosity=0)
    days.first_day()


def write_more(file: Path) -> None:
    _set_up(file).another_day()


def _set_up(file: Path) -> Any:
    """What happens at the library; Django's models can be imported only once it is set up."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}},
        INSTALLED_APPS=[LIBRARY, *(f"django.contrib.{name}" for name in APPS)],
        SECRET_KEY="of the field",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    return import_module(f"{LIBRARY}.days")
