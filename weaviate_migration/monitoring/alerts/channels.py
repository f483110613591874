"""Where alerts go: mail, chat and webhooks, by apprise. A channel that fails is never a failure of the migration."""

import logging
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import apprise

# As apprise has them; the first two tell of an incident, the last of its end.
Urgency = Literal["failure", "warning", "success"]
logger = logging.getLogger(__name__)

SENDER = "weaviate-migration"


@dataclass(frozen=True)
class Channel:
    """One receiver of alerts.

    Attributes:
        name: holds no secret, as its URL may.
    """

    name: str
    url: str = field(repr=False)

    def send(self, title: str, text: str, urgency: Urgency) -> bool:
        """Sends a notification, within seconds; whether the receiver took it."""
        try:
            receiver = _receiver(self.url)
            kind = _apprise().NotifyType(urgency)
            return receiver is not None and bool(receiver.notify(body=text, title=title, notify_type=kind))
        except Exception as error:  # Services are plugins: what one raises must not keep the others from being told.
            logger.debug("%s failed with %s", self.name, type(error).__name__)
            return False


def refuse_unusable_url(url: str) -> None:
    """Checks a URL without sending anything.

    Raises:
        ValueError: it names no service, or lacks what the service needs; the message does not hold it.
    """
    if _receiver(url) is None:
        raise ValueError(
            f"no notification can be sent to this URL (it begins with `{scheme_of(url)}:`); "
            "https://github.com/caronc/apprise/wiki lists the services and their URLs"
        )


def scheme_of(url: str) -> str:
    """What stands before the colon: `mailtos`; '?' where that is no scheme, since it may be a secret."""
    scheme = url.partition("://")[0]
    return scheme if scheme.isalnum() and len(scheme) < 20 and "://" in url else "?"


def _receiver(url: str) -> "apprise.NotifyBase | None":
    library = _apprise()
    asset = library.AppriseAsset(app_id=SENDER, app_desc=SENDER, storage_mode="memory")
    receiver: apprise.NotifyBase | None = library.Apprise.instantiate(url, asset=asset)
    return receiver


def _apprise() -> ModuleType:
    """The library: imported only where something is sent, and silent, since its records may quote URLs."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    return apprise
