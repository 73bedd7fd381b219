"""Whether a model can be exported, and every reason why it cannot."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import json
from collections.abc import Iterable

from torch import nn

from .errors import Error, Finding, Place
from .exporting import Examples, check_examples, export_model


class Report(list[str]):
    """What keeps a model from being exported: sentences, none for a model that can be."""

    def __init__(self, findings: Iterable[Finding]):
        self.findings = tuple(findings)
        super().__init__(finding.sentence for finding in self.findings)

    def json(self) -> str:
        """The findings as a JSON list of objects.

        Each has `module` (its path, empty for the model), `file` and `line` of the forward (empty
        and 0 where no code of the user's is on the way), and `sentence`.
        """
        return json.dumps(
            [
                {
                    "module": finding.place.path,
                    "file": finding.place.file,
                    "line": finding.place.line,
                    "sentence": finding.sentence,
                }
                for finding in self.findings
            ],
            indent=2,
        )

    def __str__(self) -> str:
        return "\n".join(self) or "the model can be exported"


def check(model: nn.Module, example_input: Examples, batch: int | None = None) -> Report:
    """Finds everything that keeps a model from being exported, at once.

    The arguments are those of `ttc.export`; the model is left as it is. Raises Error for arguments
    that are no model and no examples.
    """
    check_examples(model, example_input)
    try:
        return Report(export_model(model, example_input, "net", batch, strict=False).findings)
    except Error as error:
        # What ends the tracing leaves nothing more to be found.
        return Report([Finding(str(error), Place())])
