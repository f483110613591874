"""An application on Tortoise ORM, over aiosqlite."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from tortoise import Tortoise, fields, run_async
from tortoise.models import Model


class Tournament(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=100, unique=True)
    teams: fields.ManyToManyRelation["Team"] = fields.ManyToManyField("models.Team", related_name="tournaments")


class Team(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.TextField()
    fee = fields.DecimalField(max_digits=10, decimal_places=3)
    founded = fields.DateField(null=True)
    seen = fields.DatetimeField()
    lasts = fields.TimeDeltaField()
    active = fields.BooleanField(default=True)
    about = fields.JSONField(default=dict)
    logo = fields.BinaryField(null=True)
    rank = fields.FloatField(null=True)


def make(file: Path) -> None:
    run_async(_make(file))


def write_more(file: Path) -> None:
    run_async(_write_more(file))


async def _make(file: Path) -> None:
    await Tortoise.init(db_url=f"sqlite://{file}", modules={"models": [__name__]})
    await Tortoise.generate_schemas()
    cups = [await Tournament.create(name=f"Cup {number}") for number in range(3)]
    for number in range(15):
        await cups[number % 3].teams.add(await _team(number))


async def _write_more(file: Path) -> None:
    await Tortoise.init(db_url=f"sqlite://{file}", modules={"models": [__name__]})
    await _team(15)
    await Team.filter(active=False).update(rank=1.5)
    await (await Team.get(name="Team 4")).delete()


async def _team(number: int) -> Team:
    team: Team = await Team.create(
        id=uuid5(NAMESPACE_URL, f"team {number}"),
        name=f"Team {number}",
        fee=Decimal(number) / 8,
        founded=date(1990 + number, 5, 6) if number % 3 else None,
        seen=datetime(2026, 1, 2, 3, 4, number, tzinfo=UTC),
        lasts=timedelta(minutes=number),
        active=number % 4 != 0,
        about={"town": "Köln", "wins": [number, 2]},
        logo=bytes([number]) * 3 if number % 2 else None,
        rank=None if number % 5 else number / 3,
    )
    return team
