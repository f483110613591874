"""What happens at the library: imported only after Django is set up."""

import datetime as dt
import uuid
from decimal import Decimal

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from weaviate_migration_tests.field.library.models import Author, Book, Tag


def first_day() -> None:
    for number in range(5):
        _visit(f"reader{number}")
    for number in range(12):
        _shelve(number)


def another_day() -> None:
    """New rows, changed ones, and some that go, with what hangs on them."""
    with transaction.atomic():
        _shelve(12)
        _visit("reader5")
        Book.objects.filter(rating=None).update(rating=3, in_print=False)
        Author.objects.get(name="Author 1").delete()
        reader = User.objects.get(username="reader1")
        reader.set_password("another")
        reader.save()
        User.objects.get(username="reader0").delete()


def _visit(name: str) -> None:
    """What a person leaves who signs up, is put into a group, signs in and changes something in the admin's pages."""
    user = User.objects.create_user(name, f"{name}@example.org", "a password", first_name="Ünal")
    group, _ = Group.objects.get_or_create(name="readers")
    group.permissions.add(*Permission.objects.order_by("id")[:3])
    user.groups.add(group)
    session = SessionStore()
    session["user"] = user.pk
    session.save()
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, change_message=[{"changed": {"fields": ["Email"]}}])


def _shelve(number: int) -> None:
    author, _ = Author.objects.get_or_create(
        name=f"Author {number % 4}", defaults={"born": dt.date(1900 + number, 2, 3)}
    )
    book = Book.objects.create(
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"book {number}"),
        title=f"The {number}th book, größer",
        author=author,
        sequel_of=Book.objects.order_by("added").last(),
        price=Decimal(number * 100 + 50) / 100,
        rating=None if number % 3 else number / 7,
        in_print=number % 2 == 0,
        added=dt.datetime(2026, 1, 1 + number, 8, 30, 15, number * 1000, tzinfo=dt.UTC),
        opens=dt.time(9, number) if number % 4 else None,
        reading_time=dt.timedelta(hours=number, microseconds=5),
        extra={"number": number, "words": ["a", "é"]},
        cover=bytes(range(number)) if number else None,
        seen_from="::1" if number % 2 else "192.0.2.7",
        pages=number * 50,
    )
    for slug in ("old", "new", "rare")[: number % 4]:
        book.tags.add(Tag.objects.get_or_create(slug=slug)[0])
