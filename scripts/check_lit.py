#!/usr/bin/env python3
"""Which lit tests can never fail?

    scripts/check_lit.py [FILE or FOLDER ...]     (default: the folders that lit runs)
    scripts/check_lit.py --self-test

A test whose RUN line lacks its colon, or whose CHECK lines have a prefix that no FileCheck
names, passes for ever. This finds such tests, prints one line each, and exits with 1.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import re
import shlex
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["dialect", "passes", "codegen", "tools"]
SUFFIXES = {".mlir", ".test"}
# Files that lit and its tests read, and that are no tests.
NO_TESTS = {"lit.cfg.py", "lit.site.cfg.py", "lit.site.cfg.py.in", "CMakeLists.txt"}

COMMENT = r"^\s*(?://|#|;)\s*"
# What lit itself reads.
KEYWORDS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "END", "DEFINE", "REDEFINE", "ALLOW_RETRIES"}
SUFFIX = re.compile(r"-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+)$")
DIRECTIVE = re.compile(COMMENT + r"([A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*)\s*(:?)(?=\s|:|$)")
EXPECTATION = re.compile(r"expected-(?:error|warning|note|remark)")
SECTION = re.compile(r"^(?://|#)--- *(\S+)")


def run_lines(lines):
    """The commands of the RUN lines, continued lines joined."""
    commands, pending = [], ""
    for line in lines:
        if match := re.match(COMMENT + r"RUN:(.*)", line):
            text = pending + match.group(1).strip()
            if text.endswith("\\"):
                pending = text[:-1] + " "
            else:
                commands.append(text)
                pending = ""
    return commands


def file_checks(commands):
    """Yields (file, prefixes) for every FileCheck of the commands."""
    for command in commands:
        for part in re.split(r"\|\|?|&&|;", command):
            try:
                words = shlex.split(part)
            except ValueError:
                words = part.split()
            if "FileCheck" not in words:
                continue
            words = words[words.index("FileCheck") + 1:]
            prefixes, files, skip = [], [], False
            for i, word in enumerate(words):
                if skip:
                    skip = False
                elif match := re.match(r"--?check-prefix(?:es)?=(.*)", word):
                    prefixes += match.group(1).split(",")
                elif re.fullmatch(r"--?check-prefix(?:es)?", word) and i + 1 < len(words):
                    prefixes += words[i + 1].split(",")
                    skip = True
                elif re.match(r"\d*[<>]", word):
                    skip = word in {"<", ">", ">>", "2>"}
                elif not word.startswith("-"):
                    files.append(word)
            if files:
                yield files[0], prefixes or ["CHECK"]


def sections(lines):
    """The parts of a file that split-file makes, by name, each with the number of its first
    line; what stands in front of the first is named ''."""
    parts, name = {"": (1, [])}, ""
    for number, line in enumerate(lines, 1):
        if match := SECTION.match(line):
            name = match.group(1)
            parts[name] = (number + 1, [])
        else:
            parts[name][1].append(line)
    return parts


def check(path):
    """Yields (line, sentence) for everything in a test that cannot fail."""
    lines = path.read_text().splitlines()
    commands = run_lines(lines)
    if not commands:
        yield 1, "has no RUN line: nothing of it is tested"

    parts = sections(lines) if any("split-file" in c for c in commands) else {"": (1, lines)}
    named = {name: set() for name in parts}
    for file, prefixes in file_checks(commands):
        if file == "%s":
            named[""].update(prefixes)
        elif (name := file.rsplit("/", 1)[-1]) in named:
            named[name].update(prefixes)
        elif file == f"%S/{path.name}":
            named[""].update(prefixes)

    for name, (first, part) in parts.items():
        used = set()
        for number, line in enumerate(part, first):
            match = DIRECTIVE.match(line)
            if not match:
                continue
            word, colon = match.groups()
            prefix = word
            while SUFFIX.search(prefix):
                prefix = SUFFIX.sub("", prefix)
            if not colon:
                if word in KEYWORDS - {"END"} or prefix in named[name]:
                    yield number, f"'{word}' lacks its colon: the line is a comment"
            elif prefix in named[name]:
                used.add(prefix)
            elif word not in KEYWORDS:
                known = ", ".join(sorted(named[name])) or "none"
                yield number, (f"the prefix '{prefix}' is one that no FileCheck of this file "
                               f"names (named: {known}): the line is never checked")
        for prefix in sorted(named[name] - used):
            yield first, f"FileCheck looks for '{prefix}', but no line has it"

    verifies = any(re.search(r"(?<!\S)--?verify-diagnostics\b", c) for c in commands)
    expects = next((n for n, line in enumerate(lines, 1) if EXPECTATION.search(line)), None)
    if verifies and not expects:
        yield 1, "is run with --verify-diagnostics, but expects no diagnostic"
    if expects and commands and not verifies:
        yield expects, "expects a diagnostic, but no RUN line has --verify-diagnostics"


def find_tests(paths):
    """Yields (path, whether lit runs it) for everything below the paths but inputs."""
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.name not in NO_TESTS and not (
                    {"Inputs", "__pycache__"} & set(file.parts)):
                yield file, file.suffix in SUFFIXES


def check_all(paths):
    complaints = []
    for file, is_test in find_tests(paths):
        if not is_test:
            complaints.append((file, 1, "is no test that lit runs (.mlir, .test), and stands in "
                               "no Inputs folder"))
            continue
        complaints += [(file, line, sentence) for line, sentence in check(file)]
    return complaints


#===----------------------------------------------------------------------===#
# Its own test: a file for each complaint, and files that deserve none
#===----------------------------------------------------------------------===#

WRONG = {
    "no-run.mlir": ("// CHECK: x\n", "has no RUN line"),
    "run-colon.mlir": ("// RUN tt-opt %s | FileCheck %s\n// CHECK: x\n", "'RUN' lacks its colon"),
    "check-colon.mlir": ("// RUN: tt-opt %s | FileCheck %s\n// CHECK: x\n// CHECK-NEXT y\n",
                         "'CHECK-NEXT' lacks its colon"),
    "prefix.mlir": ("// RUN: tt-opt %s | FileCheck %s --check-prefix=A\n// A: x\n// B: y\n",
                    "the prefix 'B'"),
    "suffix.mlir": ("// RUN: tt-opt %s | FileCheck %s\n// CHECK: x\n// CHECK-NXT: y\n",
                    "the prefix 'CHECK-NXT'"),
    "no-filecheck.mlir": ("// RUN: tt-opt %s\n// CHECK: x\n", "the prefix 'CHECK'"),
    "nothing-to-find.mlir": ("// RUN: tt-opt %s | FileCheck %s --check-prefixes=A,B\n// A: x\n",
                             "FileCheck looks for 'B'"),
    "expects-nothing.mlir": ("// RUN: tt-opt %s --verify-diagnostics\n", "expects no diagnostic"),
    "not-verified.mlir": ("// RUN: tt-opt %s\n// expected-error @+1 {{x}}\n",
                          "no RUN line has --verify-diagnostics"),
    "section.test": ("# RUN: split-file %s %t\n# RUN: ttc %t/a.mlir | FileCheck %t/a.mlir\n"
                     "#--- a.mlir\n// CHECK: x\n#--- b.mlir\n// CHECK: y\n", "the prefix 'CHECK'"),
    "stray.txt": ("", "is no test that lit runs"),
}
RIGHT = {
    "plain.mlir": "// RUN: tt-opt %s | FileCheck %s\n// CHECK-LABEL: x\n// CHECK-COUNT-2: y\n",
    "continued.mlir": "// RUN: tt-opt %s \\\n// RUN:   | FileCheck %s --check-prefixes=A,B-C\n"
                      "// A-NEXT: x\n// B-C-NOT: y\n",
    "verified.mlir": "// RUN: tt-opt %s --verify-diagnostics\n// expected-error @+1 {{x}}\n",
    "exit-code.mlir": "// RUN: not ttc %s\n",
    "section.test": "# RUN: split-file %s %t && cd %t\n# RUN: ttc a.mlir 2>&1 | FileCheck a.mlir\n"
                    "# RUN: ttc a.mlir > x.txt; FileCheck %s --check-prefix=X --input-file=x.txt\n"
                    "# X: y\n#--- a.mlir\n// CHECK: x\n",
}


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, expected) in WRONG.items():
            path = pathlib.Path(folder, "wrong-" + name)
            path.write_text(text)
            found = [sentence for _, _, sentence in check_all([path])]
            if not any(expected in sentence for sentence in found):
                failures.append(f"{path.name}: expected '{expected}', found {found}")
        for name, text in RIGHT.items():
            path = pathlib.Path(folder, "right-" + name)
            path.write_text(text)
            if found := check_all([path]):
                failures.append(f"{path.name}: expected nothing, found {found}")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"check_lit: {len(WRONG) + len(RIGHT) - len(failures)} of "
          f"{len(WRONG) + len(RIGHT)} cases of the self-test are right")
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    paths = [pathlib.Path(a) for a in arguments] or [ROOT / "test" / f for f in FOLDERS]
    if missing := [path for path in paths if not path.exists()]:
        print(f"check_lit: there is no '{missing[0]}'", file=sys.stderr)
        return 1
    complaints = check_all(paths)
    for file, line, sentence in complaints:
        print(f"{file}:{line}: {sentence}")
    return 1 if complaints else 0


sys.exit(main(sys.argv[1:]))
