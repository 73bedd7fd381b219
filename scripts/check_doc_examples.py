#!/usr/bin/env python3
"""Do the examples of the documentation parse, and does each After follow from its Before?

    scripts/check_doc_examples.py [--tt-opt PATH] [--fix] [FILE ...]

Every ```mlir block of dialect/*.td, passes/*.td, codegen/*.td, docs/*.md and README.md must
be IR that tt-opt reads. In the description of a pass, the block behind a line that begins
with "Before" is what the pass is given, and the block behind "After" must be what it prints:
the same IR, whatever the values and affine maps are called, and without a module around it
that has no attributes. Options of the pass stand in the Before line: "Before (`batch=8`):".
--fix writes what the pass prints into the After blocks.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import argparse
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATTERNS = ["dialect/*.td", "passes/*.td", "codegen/*.td", "docs/*.md", "README.md"]

BLOCK = re.compile(r"^([ \t]*)```mlir[ \t]*\n(.*?)^[ \t]*```[ \t]*$", re.M | re.S)
PASS = re.compile(r'^def \w+ : \w*Pass<"([\w-]+)"', re.M)
DEFINITION = re.compile(r"^(?:def|class) ", re.M)
ROLE = re.compile(r"^[ \t]*(Before|After)\b(.*)$", re.M)
OPTIONS = re.compile(r"`([\w-]+=[^`]*)`")


class Example:
    """A block: where it is, its text, and what the prose around it says that it is."""

    def __init__(self, path, text, match):
        self.path = path
        self.span = match.span(2)
        self.indent = match.group(1)
        self.source = textwrap.dedent(match.group(2))
        self.line = text.count("\n", 0, match.start()) + 1
        self.flag = self.role = None
        self.options = ""
        definitions = [m.start() for m in DEFINITION.finditer(text, 0, match.start())]
        passes = [m for m in PASS.finditer(text, 0, match.start())]
        if path.suffix == ".td" and passes and passes[-1].start() == definitions[-1]:
            self.flag = passes[-1].group(1)
            # The line that announces the block stands between it and the one in front.
            prose = text[definitions[-1]:match.start()].rsplit("```", 1)[-1]
            for role in ROLE.finditer(prose):
                self.role = role.group(1)
                if options := OPTIONS.search(role.group(2)):
                    self.options = options.group(1)


def run_tt_opt(tt_opt, source, *arguments):
    """What tt-opt prints; raises ValueError with its first error if it refuses."""
    done = subprocess.run([tt_opt, *arguments], input=source, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        raise ValueError(errors[0] if errors else done.stderr.strip()[:200] or
                         f"tt-opt ended with code {done.returncode}")
    return done.stdout


def without_module(text):
    """Takes away the module that tt-opt puts around everything, if it says nothing."""
    match = re.search(r"^module \{\n(.*)^\}\n", text, re.M | re.S)
    if not match:
        return text.strip() + "\n"
    inner = re.sub(r"^  ", "", match.group(1), flags=re.M)
    return text[:match.start()] + inner


def check_file(path, tt_opt, fix):
    """Yields (line, sentence) for every example that is wrong; mends them in place if told."""
    text = path.read_text()
    examples = [Example(path, text, match) for match in BLOCK.finditer(text)]
    before, mended = None, []
    for example in examples:
        if example.role == "After":
            if not before or before.flag != example.flag:
                yield example.line, "an After without a Before in front of it"
                continue
            argument = "--" + before.flag + (f"={before.options}" if before.options else "")
            given, before = before, None
            try:
                expected = run_tt_opt(tt_opt, given.source, argument)
            except ValueError as error:
                yield given.line, f"{argument} refuses its Before: {error}"
                continue
            try:
                found = run_tt_opt(tt_opt, example.source)
            except ValueError as error:
                found = None
                if not fix:
                    yield example.line, f"does not parse: {error}"
                    continue
            if found != expected:
                if fix:
                    mended.append((example, without_module(expected)))
                else:
                    yield example.line, (f"is not what {argument} makes of the Before at line "
                                         f"{given.line}: run scripts/check_doc_examples.py --fix")
            continue
        if before:
            yield before.line, "a Before without an After behind it"
            before = None
        if example.role == "Before":
            before = example
        try:
            run_tt_opt(tt_opt, example.source)
        except ValueError as error:
            yield example.line, f"does not parse: {error}"
    if before:
        yield before.line, "a Before without an After behind it"
    documented = {e.flag for e in examples if e.role == "After"}
    if path.suffix == ".td" and path.parent.name == "passes":
        for match in PASS.finditer(text):
            if match.group(1) not in documented:
                yield (text.count("\n", 0, match.start()) + 1,
                       f"the pass {match.group(1)} has no Before and After")
    for example, new in reversed(mended):
        start, end = example.span
        text = text[:start] + textwrap.indent(new, example.indent) + text[end:]
    if mended:
        path.write_text(text)
        print(f"{path}: {len(mended)} After blocks rewritten")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tt-opt", default=str(ROOT / "build" / "bin" / "tt-opt"),
                        help="the tt-opt to ask (default: build/bin/tt-opt)")
    parser.add_argument("--fix", action="store_true", help="rewrite the After blocks")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    files = options.files or sorted(f for p in PATTERNS for f in ROOT.glob(p))
    wrong = examples = 0
    for file in files:
        examples += len(BLOCK.findall(file.read_text()))
        for line, sentence in check_file(file, options.tt_opt, options.fix):
            print(f"{file}:{line}: {sentence}")
            wrong += 1
    if not examples:
        print("check_doc_examples: there is no example at all in what was given", file=sys.stderr)
        return 1
    print(f"check_doc_examples: {examples} examples, {wrong} complaints")
    return 1 if wrong else 0


sys.exit(main())
