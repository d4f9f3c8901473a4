"""What a request is refused with: ThingsboardErrorResponse, and its codes."""

import time
from http import HTTPStatus

from aiohttp import web

AUTHENTICATION, EXPIRED, BAD_REQUEST, NOT_FOUND, CONFLICT = 10, 11, 31, 32, 35


class RestError(Exception):
    """The request is refused: HTTP status, the server's own code, and its words."""

    def __init__(self, status: HTTPStatus, code: int, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> web.Response:
        body = {
            "status": self.status.value,
            "message": self.message,
            "errorCode": self.code,
            "timestamp": time.time_ns() // 1_000_000,
        }
        return web.json_response(body, status=self.status)


def unauthorized(message: str, code: int = AUTHENTICATION) -> RestError:
    return RestError(HTTPStatus.UNAUTHORIZED, code, message)


def bad_request(message: str) -> RestError:
    return RestError(HTTPStatus.BAD_REQUEST, BAD_REQUEST, message)


def not_found(what: str, id: str) -> RestError:
    return RestError(HTTPStatus.NOT_FOUND, NOT_FOUND, f"{what} with id [{id}] is not found")


def conflict(what: str) -> RestError:
    message = f"{what} was already changed by someone else"
    return RestError(HTTPStatus.CONFLICT, CONFLICT, message)
