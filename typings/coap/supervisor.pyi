from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

async def supervise(
    work: Callable[[], Coroutine[Any, Any, Any]], report: Callable[[Exception | None], Any]
) -> NoReturn: ...
