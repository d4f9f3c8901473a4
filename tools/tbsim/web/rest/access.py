"""Who may call: a name and a password for a JWT, the JWT for everything else."""

import secrets
import time

import jwt

from .errors import EXPIRED, unauthorized

USER, PASSWORD = "tenant@thingsboard.org", "tenant"  # as a new ThingsBoard has them
TOKEN_S, REFRESH_S = 9000, 604_800  # security.jwt.tokenExpirationTime, refreshTokenExpTime
ALGORITHM = "HS512"


class Access:
    """Makes and reads the tokens of one server; its key dies with it, as do its tokens."""

    def __init__(self):
        self.api_key = secrets.token_urlsafe(32)  # stands for the same user
        self._key = secrets.token_bytes(64)
        self.token_s = TOKEN_S

    def log_in(self, body) -> dict:
        """Return a pair of tokens for {"username", "password"}; RestError for anybody else."""
        if not isinstance(body, dict) or (body.get("username"), body.get("password")) != (
            USER,
            PASSWORD,
        ):
            raise unauthorized("Invalid username or password")
        return self._pair()

    def renew(self, body) -> dict:
        """Return a new pair for {"refreshToken"}."""
        token = body.get("refreshToken") if isinstance(body, dict) else None
        self._read(token, "REFRESH_TOKEN")
        return self._pair()

    def check(self, header: str | None) -> None:
        """Raise RestError unless a request's X-Authorization (or Authorization) lets it in."""
        scheme, _, token = (header or "").partition(" ")
        if scheme == "ApiKey" and secrets.compare_digest(token.encode(), self.api_key.encode()):
            return
        if scheme != "Bearer":
            raise unauthorized("Authentication failed")
        self._read(token, "TENANT_ADMIN")

    def _pair(self) -> dict:
        return {
            "token": self._token("TENANT_ADMIN", self.token_s),
            "refreshToken": self._token("REFRESH_TOKEN", REFRESH_S),
        }

    def _token(self, scope: str, seconds: int) -> str:
        now = int(time.time())
        claims = {"sub": USER, "scopes": [scope], "iat": now, "exp": now + seconds}
        return jwt.encode(claims, self._key, ALGORITHM)

    def _read(self, token, scope: str) -> None:
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM])
        except jwt.ExpiredSignatureError:
            raise unauthorized("Token has expired", EXPIRED) from None
        except jwt.InvalidTokenError:
            raise unauthorized("Authentication failed") from None
        if claims["scopes"] != [scope]:
            raise unauthorized("Authentication failed")
