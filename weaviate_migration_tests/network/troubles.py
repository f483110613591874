"""What goes wrong between a command and its server, and at which step of its work that begins."""

import threading
import time
from dataclasses import dataclass
from functools import partial
from random import Random

from weaviate_migration.target.calls import CALL_SECONDS
from weaviate_migration_tests.chaos.killing import Boundary
from weaviate_migration_tests.network.toxiproxy import Toxic, ToxicWay


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble.

    Attributes:
        toxic: None: nobody answers at the server's address.
        seconds: how long it lasts; None: longer than the command.
        pause: seconds until it comes again, half as many or twice as many; None: it does not.
        ends_within: of what no command can bear: seconds in which it has to give up that tries each call twice.
    """

    name: str
    toxic: Toxic | None
    seconds: float | None = None
    pause: float | None = None
    ends_within: float | None = None

    def begin(self, way: ToxicWay) -> None:
        """Makes it, and has it end, and come again, while this process lives."""
        self._make(way)
        if self.seconds is not None:
            threading.Thread(target=self._end, args=(way, self.seconds), daemon=True).start()

    def _make(self, way: ToxicWay) -> None:
        if self.toxic is None:
            way.close()
        else:
            way.add(self.toxic)

    def _end(self, way: ToxicWay, seconds: float) -> None:
        """Raises nothing that a test would not see: a way that stays in trouble keeps its command from its end."""
        random = Random(self.name)
        time.sleep(seconds)
        way.restore()
        while self.pause is not None:
            time.sleep(self.pause * 2 ** random.uniform(-1, 1))
            self._make(way)
            time.sleep(seconds)
            way.restore()


@dataclass(frozen=True)
class TroubleAtStep:
    """Trouble that begins between two steps of a command."""

    trouble: Trouble
    way: ToxicWay
    step: Boundary

    def arm(self) -> None:
        """Has it begin there, in this process."""
        self.step.arm_with(partial(self.trouble.begin, self.way))


SLOW = Toxic("bandwidth", {"rate": 100}, ("upstream", "downstream"))
_NO_DATA = Toxic("timeout", {"timeout": 0}, ("upstream", "downstream"))


def troubles(seconds: float) -> tuple[Trouble, ...]:
    """All of them; where answers are impossible for a while, it is so long."""
    return (
        Trouble("nobody answers", None, seconds),
        Trouble("data never arrive", _NO_DATA, seconds),
        Trouble("100 KB a second", SLOW),
        Trouble("connections are cut at random", Toxic("reset_peer"), seconds=0.05, pause=0.5),
        Trouble("latency of 300 ms", Toxic("latency", {"latency": 300, "jitter": 100})),
        Trouble("nobody answers any more", None, ends_within=120),
        Trouble("data never arrive any more", _NO_DATA, ends_within=4 * CALL_SECONDS),
    )
