"""Whether objects of the compiler contain nothing that they should not: check_object.py OBJECT...

No stack that could be executed; nothing writable but tables that the loader relocates and then
protects; no symbol of others but those of the list below; one symbol for others. Prints a line
an object, and what is wrong with it.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
import shutil
import subprocess
import sys

# What prepare takes from the C library, and what fills or copies memory.
TAKEN = {"exp", "log", "memset", "memcpy"}
MODEL = re.compile(r"ttc_model_\w+")


def output(tool: str, *arguments: str) -> str:
    # Debian has LLVM's tools under names with its version.
    program = shutil.which(tool) or f"{tool}-22"
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def findings(path: str) -> list[str]:
    found = []
    stack = False
    for line in output("llvm-readelf", "-SW", path).splitlines():
        columns = re.match(r" *\[ *\d+\] (\S+) +\S+ +\S+ \S+ (\S+) \S+ +([A-Zp]*) ", line)
        if not columns:
            continue
        name, size, flags = columns.groups()
        stack |= name == ".note.GNU-stack" and "X" not in flags
        if "W" in flags and not name.startswith(".data.rel.ro") and int(size, 16):
            found.append(f"writable section {name}")
        if "W" in flags and "X" in flags:
            found.append(f"section {name} can be written and executed")
    if not stack:
        found.append("no section says that its stack is not executed")
    undefined = {
        line.split()[-1] for line in output("llvm-nm", "--undefined-only", path).splitlines()
    }
    found += [f"takes {name}" for name in sorted(undefined - TAKEN)]
    defined = [
        line.split()[-1]
        for line in output("llvm-nm", "--extern-only", "--defined-only", path).splitlines()
    ]
    if len(defined) != 1 or not MODEL.fullmatch(defined[0]):
        found.append(f"defines {', '.join(defined) or 'nothing'}")
    return found


def main() -> int:
    bad = 0
    for path in sys.argv[1:]:
        found = findings(path)
        bad += bool(found)
        print(f"{path}: {'; '.join(found) or 'good'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
