"""ThingsBoard's REST API: requests, and what went wrong in a sentence.

Answers are plain JSON, and what is saved is what was read with one field changed: so a server of
another version, with fields that nobody here knows, loses none of them.
"""

import asyncio
import itertools
import json
import os
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from tools.publish import PublishError
from tools.publish.credentials import Credentials

CONNECT_S, ANSWER_S = 10, 30
TRIES = 5  # of a request that the server has no time for just now
BUSY_S, BUSY_LONGEST_S = 1, 30  # between them, doubling
PAGE = 500  # entities in an answer
TOO_MANY, UNAUTHORIZED, CONFLICT, NOT_FOUND = 429, 401, 409, 404


class Unreachable(PublishError):
    """The server was not reached, or was in trouble; a later try may succeed."""


class Refused(PublishError):
    """The server said no. status: of HTTP."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


def checked(url: str) -> str:
    """Return the address of a server without a slash at its end; PublishError if it is none."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
    except ValueError:  # which part it is in is not known: it may be a password
        raise PublishError("SERVER is no address; give it such as https://demo.example") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PublishError(f"SERVER is {url!r}; give its address, such as https://demo.example")
    if parts.username or parts.password:
        raise PublishError("SERVER has a password in it; keep it in the environment or keyring")
    try:
        parts.port  # noqa: B018
    except ValueError:
        raise PublishError(f"SERVER is {url!r}, whose port is no number to 65535") from None
    return url.rstrip("/")


class Server:
    """`async with Server(url, credentials) as server:` is logged in. Every call may raise
    Unreachable or Refused; `doing` says in their text what was under way.
    """

    def __init__(self, url: str, credentials: Credentials):
        self.url = checked(url)
        self.credentials = credentials
        self.skew_ms = 0  # the server's clock beside ours
        self._header = ""
        self._logging_in = asyncio.Lock()
        self._session: aiohttp.ClientSession

    async def __aenter__(self):
        timeout = aiohttp.ClientTimeout(connect=CONNECT_S, sock_read=ANSWER_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            await self._log_in()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    @property
    def now_ms(self) -> int:
        """The server's time in Unix milliseconds, to a second."""
        return time.time_ns() // 1_000_000 + self.skew_ms

    async def get(self, path: str, doing: str, **query) -> dict:
        answer = await self.call("GET", path, doing, query=query)
        if not isinstance(answer, dict):
            raise self.strange()
        return answer

    async def post(self, path: str, doing: str, body, **query):
        return await self.call("POST", path, doing, body=body, query=query)

    async def delete(self, path: str, doing: str):
        return await self.call("DELETE", path, doing)

    async def pages(self, path: str, doing: str, **query) -> list[dict]:
        """Return all entities of a list that comes in pages."""
        entities: list[dict] = []
        for number in itertools.count():
            page = await self.get(path, doing, pageSize=PAGE, page=number, **query)
            entities += self.rows(page)
            if not page["hasNext"]:
                return entities

    def entity(self, answer) -> dict:
        """Return an answer that must be one thing of the server's, such as a device."""
        if not isinstance(answer, dict) or "id" not in answer:
            raise self.strange()
        return answer

    def rows(self, page) -> list[dict]:
        """Return what a page has."""
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise self.strange()
        return page["data"]

    async def upload(self, path: str, doing: str, name: str, data: bytes, **query):
        """Post a file, as the part `file` of a form."""
        answer = await self.call("POST", path, doing, file=(name, data), query=query)
        return self.entity(answer)

    async def call(self, method, path, doing, *, body=None, file=None, query=None):
        """Return the JSON of an answer, None for an empty one. A busy server is asked again, and
        an expired token renewed.
        """
        renewed = False
        wait_s = BUSY_S
        for left in reversed(range(TRIES)):
            token = self._header
            status, headers, text = await self._send(method, path, doing, body, file, query)
            if status == TOO_MANY and left:
                asked = headers.get("Retry-After", "")
                asked_s = int(asked) if asked.isdecimal() else wait_s
                await asyncio.sleep(min(asked_s, BUSY_LONGEST_S))
                wait_s *= 2
            elif status == UNAUTHORIZED and not renewed and not self.credentials.api_key:
                renewed = True
                async with self._logging_in:
                    if self._header is token:  # of requests under way one renews it for all
                        await self._log_in()
            else:
                break
        return self._result(status, headers, text, doing)

    async def _log_in(self) -> None:
        if self.credentials.api_key:
            self._header = "ApiKey " + self.credentials.api_key
            await self.get("/api/deviceProfileInfo/default", "logging in")
            return
        self._header = ""
        body = {"username": self.credentials.user, "password": self.credentials.password}
        sent = await self._send("POST", "/api/auth/login", "logging in", body, None, None)
        answer = self._result(*sent, "logging in")
        if not isinstance(answer, dict) or not isinstance(answer.get("token"), str):
            raise self.strange()
        self._header = "Bearer " + answer["token"]

    async def _send(self, method, path, doing, body, file, query):
        # Return status, headers and text.
        headers = {"X-Authorization": self._header} if self._header else {}
        data = None
        if file:
            data = aiohttp.FormData()
            data.add_field(
                "file", file[1], filename=file[0], content_type="application/octet-stream"
            )
        try:
            async with self._session.request(
                method,
                self.url + path,
                params=query or None,
                json=body,
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                text = await response.text()
        except asyncio.TimeoutError:
            raise Unreachable(f"{doing}: {self.url} does not answer") from None
        except aiohttp.ClientConnectorCertificateError:
            raise PublishError(
                f"{self.url} has a certificate that this PC does not trust"
            ) from None
        except aiohttp.ClientConnectorSSLError:
            raise Unreachable(
                f"{doing}: {self.url} speaks no TLS with this PC; give http:// if it has none"
            ) from None
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno or 0  # below 0 it is one of getaddrinfo's
            why = os.strerror(number) if number > 0 else error.os_error.strerror
            raise Unreachable(f"{doing}: {self.url} is not reached: {why}") from None
        except (aiohttp.ClientError, OSError):
            raise Unreachable(f"{doing}: the connection to {self.url} was lost") from None
        except UnicodeDecodeError:
            raise self.strange() from None
        if "Date" in response.headers:
            self._note_time(response.headers["Date"])
        return response.status, response.headers, text

    def _note_time(self, date: str) -> None:
        try:
            theirs = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        self.skew_ms = round(1000 * (theirs - time.time()))
        if abs(self.skew_ms) < 2000:  # the header counts whole seconds
            self.skew_ms = 0

    def strange(self) -> Unreachable:
        """Return what to raise for an answer that is none of the server's: something before it
        has given that, perhaps, and a later try may reach the server itself.
        """
        return Unreachable(f"{self.url} answers, but not as ThingsBoard does")

    def _result(self, status, headers, text, doing):
        try:
            value = json.loads(text) if text else None
        except ValueError:
            value = text
        if status < 300:
            if isinstance(value, str):
                raise self.strange()
            return value
        if status < 400:
            where = headers.get("Location", "another address")
            raise PublishError(f"{self.url} sends us to {where}: give the address it has there")
        if status == UNAUTHORIZED:
            raise Refused(f"{self.url} refuses {self.credentials.named}", status)
        if status == NOT_FOUND and not isinstance(value, dict):  # no device is missing
            raise self.strange()
        told = value.get("message") if isinstance(value, dict) else ""
        told = "".join(c for c in str(told or f"HTTP {status}") if c.isprintable())[:300]
        if status >= 500 or status == TOO_MANY:
            raise Unreachable(f"{doing}: {self.url} has trouble: {told}")
        raise Refused(f"{doing}: {self.url} says no: {told}", status)
