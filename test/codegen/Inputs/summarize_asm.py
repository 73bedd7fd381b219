"""What do the functions of x86 assembly call, and what is in their innermost loops?

Reads assembly from standard input and prints one line a function and one an innermost
loop, so that tests can count instructions and see that nothing else is there:

    net.step: calls nothing
    net.step: loop: 16 vfmadd231ps zmm from memory, 1 vbroadcastss zmm from memory, 0 on the stack, 3 others
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import collections
import re
import sys

FUNCTION = re.compile(r"^([A-Za-z_][\w.$]*):")
LABEL = re.compile(r"^(\.LBB\w+):")
INSTRUCTION = re.compile(r"^\t([a-z][a-z0-9]*)(?:\t(.*))?$")
JUMP = re.compile(r"^j[a-z]+$")


def read_functions(lines):
    """Yields (name, list of labels and instructions), each instruction a pair."""
    name, body = None, []
    for line in lines:
        line = line.split("#")[0].rstrip()
        if match := FUNCTION.match(line):
            name, body = match.group(1), []
        elif line.startswith(".Lfunc_end") and name:
            yield name, body
            name = None
        elif name and (match := LABEL.match(line)):
            body.append((match.group(1) + ":", ""))
        elif name and (match := INSTRUCTION.match(line)):
            body.append((match.group(1), match.group(2) or ""))


def innermost_loops(body):
    """The bodies of loops without a loop inside: from a label to the jump back to it."""
    labels = {word[:-1]: i for i, (word, _) in enumerate(body) if word.endswith(":")}
    ranges = [(labels[target], i) for i, (word, target) in enumerate(body)
              if JUMP.match(word) and labels.get(target, i) < i]
    for first, last in ranges:
        inside = [r for r in ranges if r != (first, last) and first <= r[0] and r[1] <= last]
        if not inside:
            yield [item for item in body[first:last + 1] if not item[0].endswith(":")]


def describe(loop):
    """Vector arithmetic by kind, and how much of the loop is something else."""
    kinds = collections.Counter()
    others = stack = 0
    for word, operands in loop:
        registers = re.findall(r"%([xyz]mm)\d+", operands)
        from_memory = "(%r" in operands and not re.match(r"^%\w+,\s*[-\w.]*\(", operands)
        stack += "(%rsp" in operands
        if word.startswith(("vfm", "vfn", "vbroadcast", "mulps", "addps", "vmulps", "vaddps",
                            "vpmovsx", "vcvtdq2ps")):
            kinds[f"{word} {max(registers)}{' from memory' if from_memory else ''}"] += 1
        else:
            others += 1
    parts = [f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda k: (-k[1], k[0]))]
    return ", ".join(parts + [f"{stack} on the stack", f"{others} others"])


for name, body in read_functions(sys.stdin):
    calls = sorted({operands.removesuffix("@PLT") for word, operands in body
                    if word.startswith("call")})
    print(f"{name}: calls {', '.join(calls) or 'nothing'}")
    for loop in innermost_loops(body):
        print(f"{name}: loop: {describe(loop)}")
