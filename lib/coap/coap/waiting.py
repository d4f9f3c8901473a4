# Waits for a datagram as asyncio does, but with the socket registered once for its life.
#
# IOQueue.queue_read() of asyncio registers a socket each time that it is waited for, and takes it
# out again when it is ready. Registering allocates. Where memory is out, select.poll() keeps an
# entry without an object, and its next poll() crashes the interpreter (poll_set_add_obj() of
# extmod/modselect.c: "This case is not handled"). So a socket that is ready stays registered here,
# with an empty mask until it is waited for again: that only writes a number.
#
# What is used of asyncio.core is the same from MicroPython 1.25 to 1.29: _io_queue.map has for the
# id of a stream a list, whose first item is the task that reads; _dequeue(stream) takes both out.

import asyncio
import gc
import select

from micropython import const

_ROOM = const(2048)  # bytes free, with which a registration will not fail


def wait(stream):
    """Let the running task, which has to yield now, go on when the stream can be read.

    Raises MemoryError, which leaves no trace.
    """
    queue = asyncio.core._io_queue  # type: ignore[attr-defined]  # no stub has it
    entry = queue.map.get(id(stream))
    if entry:
        queue.poller.modify(stream, select.POLLIN)
        task = asyncio.current_task()
        entry[0] = task
        task.data = queue  # so a cancellation finds it
        return
    gc.collect()
    if gc.mem_free() < _ROOM:
        raise MemoryError
    _kept(queue).append(stream)
    try:
        queue.queue_read(stream)
    except Exception:
        _kept(queue).remove(stream)
        queue.map.pop(id(stream), None)
        raise


def forget(stream):
    """Take a stream out of asyncio's poller, if it is there: before it is dropped."""
    queue = asyncio.core._io_queue  # type: ignore[attr-defined]  # no stub has it
    kept = _kept(queue)
    if stream in kept:
        kept.remove(stream)
        queue._dequeue(stream)


def _kept(queue):
    # The streams that stay registered; their list stands in the queue, for it is theirs.
    if hasattr(queue, "kept"):
        return queue.kept
    kept = queue.kept = []

    def dequeue(stream):
        if stream in kept:
            queue.map[id(stream)][0] = None
            queue.poller.modify(stream, 0)
        else:
            asyncio.core.IOQueue._dequeue(queue, stream)  # type: ignore[attr-defined]

    queue._dequeue = dequeue
    return kept
