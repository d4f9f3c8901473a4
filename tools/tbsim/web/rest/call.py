"""One request as a function of the store sees it, and the pages that lists are answered in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ...model.store import Store
from ...simulator import Simulator
from .errors import bad_request


class Upload(NamedTuple):
    """The part `file` of a multipart body."""

    name: str
    content_type: str
    data: bytes


@dataclass
class Call:
    """One request. path: what its route names; query: as in the URL; body: JSON or an Upload."""

    sim: Simulator
    path: dict[str, str]
    query: Mapping[str, str]
    body: object = None

    @property
    def store(self) -> Store:
        return self.sim.store

    def fields(self) -> dict:
        """Return the body, an object; RestError if it is none."""
        if not isinstance(self.body, dict):
            raise bad_request("Invalid request body")
        return self.body

    def number(self, name: str) -> int:
        """Return a number of the query that must be there, 0 or more."""
        text = self.query.get(name, "")
        if not text.isdecimal():
            raise bad_request(f"Incorrect {name} {text}")
        return int(text)


def paged(call: Call, entities: Iterable, shape: Callable, name: Callable) -> dict:
    """Return a page of entities whose name has the query's textSearch in it, in order of names.

    shape(entity) is what is told of each.
    """
    size, number = call.number("pageSize"), call.number("page")
    text = call.query.get("textSearch", "").lower()
    found = sorted((e for e in entities if text in name(e).lower()), key=name)
    return page([shape(e) for e in found[number * size :][:size]], len(found), size, number)


def page(data: list, total: int, size: int, number: int) -> dict:
    """Return PageData as the server words it."""
    if size < 1:
        raise bad_request(f"Incorrect page size {size}")
    return {
        "data": data,
        "totalPages": -(-total // size),
        "totalElements": total,
        "hasNext": (number + 1) * size < total,
    }
