"""An application on SQLAlchemy whose tables Alembic made, and rebuilt in batch mode."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

FIRST = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "a1", None


def upgrade():
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("mail", sa.String(120), nullable=False),
        sa.Column("balance", sa.Numeric(12, 4)),
        sa.Column("since", sa.DateTime, server_default=sa.func.current_timestamp()),
        sa.Column("fax", sa.String(20)),
    )
    op.create_table(
        "order",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Integer),
        sa.Column("state", sa.Enum("new", "paid", "sent", name="state")),
        sa.Column("paid", sa.Boolean),
        sa.Column("day", sa.Date),
        sa.Column("lines", sa.JSON),
        sa.Column("token", sa.Uuid),
        sa.Column("scan", sa.LargeBinary),
    )
    op.create_index("ix_order_day", "order", ["day"])
"""
SECOND = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "b2", "a1"


def upgrade():
    with op.batch_alter_table("account") as batch:
        batch.drop_column("fax")
        batch.alter_column("mail", new_column_name="e-mail")
        batch.add_column(sa.Column("net", sa.Numeric(12, 4), sa.Computed("balance * 0.8", persisted=True)))
        batch.create_unique_constraint("uq_mail", ["e-mail"])
    with op.batch_alter_table("order", recreate="always") as batch:
        batch.create_foreign_key("fk_account", "account", ["account"], ["id"], ondelete="CASCADE")
        batch.create_check_constraint("ck_paid", "paid IN (0, 1)")
        batch.alter_column("account", new_column_name="account_id", nullable=False)
"""


class State(Enum):
    """Stored by its name."""

    new = 1
    paid = 2
    sent = 3


class Base(DeclarativeBase):
    """Of both models."""


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    mail: Mapped[str] = mapped_column("e-mail")
    balance: Mapped[float | None] = mapped_column(sa.Numeric(12, 4, asdecimal=False))
    since: Mapped[dt.datetime | None]


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    state: Mapped[State | None] = mapped_column(sa.Enum(State))
    paid: Mapped[bool | None]
    day: Mapped[dt.date | None]
    lines: Mapped[list[object] | None] = mapped_column(sa.JSON)
    token: Mapped[UUID | None] = mapped_column(sa.Uuid)
    scan: Mapped[bytes | None] = mapped_column(sa.LargeBinary)


def make(file: Path) -> None:
    _upgrade(file)
    with _session(file) as session:
        session.add_all(_account(number) for number in range(20))
        session.flush()
        session.add_all(_order(number) for number in range(60))


def write_more(file: Path) -> None:
    with _session(file) as session:
        session.add(_account(20))
        session.flush()
        session.add(_order(60))
        session.execute(sa.update(Order).where(Order.state == State.new).values(state=State.paid, paid=True))
        session.execute(sa.delete(Account).where(Account.id == 3))


def _upgrade(file: Path) -> None:
    """`alembic init`, two revisions, `alembic upgrade head`."""
    with TemporaryDirectory() as folder:
        config = Config()
        config.set_main_option("script_location", f"{folder}/scripts")
        config.set_main_option("sqlalchemy.url", f"sqlite:///{file}")
        config.set_main_option("path_separator", "os")
        config.config_file_name = f"{folder}/alembic.ini"
        command.init(config, f"{folder}/scripts")
        config.config_file_name = None
        for name, text in (("first", FIRST), ("second", SECOND)):
            (Path(folder) / "scripts" / "versions" / f"{name}.py").write_text(text, encoding="utf-8")
        command.upgrade(config, "head")


@contextmanager
def _session(file: Path) -> Iterator[Session]:
    engine = sa.create_engine(f"sqlite:///{file}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    with Session(engine) as session, session.begin():
        yield session
    engine.dispose()


def _account(number: int) -> Account:
    return Account(
        mail=f"p{number}@example.org",
        balance=None if number % 5 == 0 else number * 1.1,
        since=dt.datetime(2026, 2, 3, 4, 5, number, number % 2 * 120_000),
    )


def _order(number: int) -> Order:
    return Order(
        account_id=number % 20 + 1,
        state=list(State)[number % 3],
        paid=None if number % 7 == 0 else number % 2 == 0,
        day=dt.date(2026, 3, number % 28 + 1),
        lines=[{"item": "Brötchen", "count": number}],
        token=None,
        scan=number.to_bytes(4, "big") if number % 2 else None,
    )
