"""Whether the Python examples of the documentation run."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
PAGES = {page.name: page for page in sorted(DOCS.glob("*.md")) if BLOCK.search(page.read_text())}


def test_there_are_examples():
    assert "states.md" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, tmp_path, monkeypatch):
    """One page is one program: a block goes on from those before it."""
    monkeypatch.chdir(tmp_path)
    text, names = PAGES[page].read_text(), {"__name__": page}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(PAGES[page]), "exec"), names)
