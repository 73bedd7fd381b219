#!/usr/bin/env python3
"""Writes docs/tour.md from its template and the tools' real output, so that it cannot rot.

    scripts/tour.py           writes the page
    scripts/tour.py --check   fails, and says where, if the page is not what the tools print

A line `{{file PATH LANGUAGE}}` of the template becomes the file; `{{run ttc ARGUMENTS}}` the
output of build/bin/ttc; after a bar, a part of it: a function by its first words, or the
innermost loop of a function in assembly.
"""

import argparse
import difflib
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "docs/tour.template.md"
PAGE = ROOT / "docs/tour.md"


def innermost_loop(assembly: str, function: str) -> str:
    """A loop without another in it, from its label to the jump back: the one with the most
    fused multiply-adds."""
    lines = assembly.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith(function + ":")), None)
    if start is None:
        sys.exit(f"scripts/tour.py: the assembly has no function '{function}'")
    end = next(i for i in range(start, len(lines)) if lines[i].startswith(".Lfunc_end"))
    lines = lines[start:end]
    labels = {line.split(":")[0]: i for i, line in enumerate(lines) if re.match(r"\.\w+:", line)}
    loops = []
    for i, line in enumerate(lines):
        jump = re.match(r"\s+j\w+\s+(\.\w+)$", line)
        if jump and labels.get(jump.group(1), i) < i:
            loops.append((labels[jump.group(1)], i))
    innermost = [(first, last) for first, last in loops
                 if not any(first <= a and b <= last for a, b in loops if (a, b) != (first, last))]
    count, first, last = max((sum("vfmadd231ps" in x for x in lines[first : last + 1]), first, last)
                             for first, last in innermost)
    if not count:
        sys.exit(f"scripts/tour.py: '{function}' has no loop with fused multiply-adds")
    return "\n".join(line.split("#")[0].rstrip() for line in lines[first : last + 1])


def part_of(output: str, what: str) -> str:
    if what.startswith("innermost loop of "):
        return innermost_loop(output, what.removeprefix("innermost loop of "))
    lines = output.splitlines()
    starts = [i for i, line in enumerate(lines) if line.strip().startswith(what)]
    if not starts:
        sys.exit(f"scripts/tour.py: the output has no part that starts with '{what}'")
    start = starts[0]
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = next(i for i in range(start + 1, len(lines)) if lines[i] == " " * indent + "}")
    return "\n".join(line[indent:] for line in lines[start : end + 1])


def render(match: re.Match[str]) -> str:
    words = match.group(1)
    kind, _, rest = words.partition(" ")
    if kind == "file":
        path, language = rest.split()
        return f"```{language}\n{(ROOT / path).read_text().rstrip()}\n```"
    command, _, part = rest.partition(" | ")
    arguments = shlex.split(command)
    done = subprocess.run([str(ROOT / "build/bin" / arguments[0]), *arguments[1:]], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"scripts/tour.py: '{command}' failed: {done.stderr}")
    output = part_of(done.stdout, part) if part else done.stdout
    # The triple is this machine's, which the page is not about.
    output = re.sub(r"\b\w+-(\w+-)?linux-gnu\b", "x86_64-linux-gnu", output)
    emit = re.search(r"--emit=(\w+)", command)
    language = {"asm": "asm", "json": "json", "header": "c"}.get(emit.group(1) if emit else "", "mlir")
    return f"    $ {command}\n\n```{language}\n{output.rstrip()}\n```"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    check = parser.parse_args().check
    page = re.sub(r"^\{\{(.*)\}\}$", render, TEMPLATE.read_text(), flags=re.MULTILINE)
    if not check:
        PAGE.write_text(page)
        return
    present = PAGE.read_text() if PAGE.exists() else ""
    if present != page:
        sys.stderr.writelines(difflib.unified_diff(
            present.splitlines(True), page.splitlines(True), "docs/tour.md", "the tools' output"))
        sys.exit("docs/tour.md is not what the tools print: run scripts/tour.py and read the difference")


if __name__ == "__main__":
    main()
