"""One line on a terminal about what takes longer than a second; silence elsewhere."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

_under_way = threading.local()


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Shows `what` and the seconds it has taken on stderr, from the first second to the end.

    What is done within something that shows itself already shows nothing of its own.
    """
    stream = sys.stderr
    if getattr(_under_way, "what", None) or stream is None or not stream.isatty():
        yield
        return
    _under_way.what = what
    start, ended = time.monotonic(), threading.Event()

    def draw() -> None:
        while not ended.wait(1.0):
            stream.write(f"\r\033[Kttc: {what}, {time.monotonic() - start:.0f} s")
            stream.flush()

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        _under_way.what = None
        ended.set()
        thread.join()
        if time.monotonic() - start >= 1.0:
            stream.write("\r\033[K")
            stream.flush()
