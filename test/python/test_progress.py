"""Whether long work shows itself on a terminal, and nowhere else."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import io
import sys
import time

import pytest
from ttc.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_shown_after_a_second(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("exporting 'net'"), progress("compiling 'net.mlir'"):
        time.sleep(1.5)
    shown = stream.getvalue()
    if isinstance(stream, Terminal):
        assert "exporting 'net', 1 s" in shown and shown.endswith("\r\033[K")
    else:
        assert shown == ""
    assert "compiling" not in shown  # a part of what is shown already


def test_nothing_of_what_is_quick(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(KeyError), progress("exporting 'net'"):
        raise KeyError
    assert terminal.getvalue() == ""
