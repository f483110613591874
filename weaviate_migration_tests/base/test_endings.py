"""What fails at the end, beside what failed before."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import SourceError
from weaviate_migration.base.redaction import secret_kept


def fail(message: str) -> None:
    raise OSError(message)


def work(*parts: Callable[[], object] | AbstractContextManager[object], error: BaseException | None = None) -> None:
    """Work that ends with this error, and closes its parts then: functions are called."""
    with Endings() as endings:
        for each in parts:
            if isinstance(each, AbstractContextManager):
                endings.enter_context(each)
            else:
                endings.callback(each)
        if error is not None:
            raise error


def test_the_first_failure_comes_out_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="the reason"):
        work(lambda: fail("the log"), lambda: fail("the lock"), error=ValueError("the reason"))
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "OSError: the log" in caplog.text
    assert "OSError: the lock" in caplog.text


def test_what_fails_at_the_end_of_good_work_comes_out(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="the log"):
        work(lambda: fail("the log"))
    assert not caplog.records


def test_everything_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    with pytest.raises(ValueError, match="the reason"):
        work(
            lambda: closed.append("first"),
            lambda: fail("second"),
            lambda: closed.append("third"),
            error=ValueError("the reason"),
        )
    assert closed == ["third", "first"]
    assert "OSError: second" in caplog.text


@contextmanager
def mapped() -> Iterator[None]:
    """As `source_errors` does it."""
    try:
        yield
    except OSError as error:
        raise SourceError("told better") from error


def test_who_tells_an_error_better_at_its_end_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SourceError, match="told better"):
        work(mapped(), error=OSError("told badly"))
    assert not caplog.records


def test_a_secret_stays_one(caplog: pytest.LogCaptureFixture) -> None:
    key = "a-key-that-stays-secret"
    with pytest.raises(Exception, match=r"no room for \*\*\*") as raised:
        work(secret_kept(key), error=OSError(f"no room for {key}"))
    assert key not in str(raised.value) + caplog.text


def test_ctrl_c_comes_out() -> None:
    with pytest.raises(KeyboardInterrupt):
        work(lambda: fail("the log"), error=KeyboardInterrupt())
