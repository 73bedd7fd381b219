"""What ttc raises."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations


class Error(ValueError):
    """Something that was given to ttc is not what it should be.

    The message is a sentence: what was found where, what was expected, what to do.
    Whatever raised it has changed nothing.
    """


class UnsupportedError(Error):
    """A model that ttc cannot export; the message names the module by its path."""
