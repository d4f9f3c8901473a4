"""Who publishes: from the environment, or else from the PC's keyring. Never from a command line,
which other users of the PC can read and a shell remembers.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import keyring
from keyring.errors import KeyringError

from tools.publish import PublishError

SERVICE = "thingsboard-coap"  # in the keyring; the account is the server's URL
API_KEY, USER, PASSWORD = "THINGSBOARD_API_KEY", "THINGSBOARD_USER", "THINGSBOARD_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """A user's name and password, or an API key (ThingsBoard 4.3 and later)."""

    user: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    @property
    def named(self) -> str:
        """Who that is, for an error."""
        return "the API key" if self.api_key else f"user {self.user}"


def find(url: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials for a server; PublishError if there are none."""
    if key := environment.get(API_KEY, "").strip():
        if not key.isprintable():
            raise PublishError(f"{API_KEY} has signs that no key has: set it anew")
        return Credentials(api_key=key)
    user, password = environment.get(USER), environment.get(PASSWORD)
    if user and password:
        return Credentials(user, password)
    if user or password:
        raise PublishError(f"{USER} and {PASSWORD} belong together: set the other one, too")
    saved = _saved(url)
    if saved:
        return saved
    raise PublishError(
        f"no credentials for {url}: set {USER} and {PASSWORD} (or {API_KEY}), "
        f"or keep them in the keyring by make login SERVER={url}"
    )


def save(url: str, credentials: Credentials) -> None:
    """Keep a user's credentials for a server in the keyring; PublishError without one."""
    text = json.dumps({"user": credentials.user, "password": credentials.password})
    try:
        keyring.set_password(SERVICE, url, text)
    except KeyringError:
        raise PublishError(
            f"this PC has no keyring that takes them: set {USER} and {PASSWORD} instead"
        ) from None


def _saved(url: str) -> Credentials | None:
    try:
        text = keyring.get_password(SERVICE, url)
    except KeyringError:
        return None  # there is no keyring, or nobody opened it
    try:
        fields = json.loads(text or "null")
        return Credentials(fields["user"], fields["password"]) if fields else None
    except (ValueError, KeyError, TypeError):
        raise PublishError(f"what the keyring has for {url} is damaged: save it anew") from None
