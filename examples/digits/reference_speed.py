"""How many timesteps a second the reference makes on the digits, for the demo to compare with.

Prints one line; needs PyTorch and tracetorch, which the compiled model does not.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import pathlib
import sys
import time

import numpy as np
import torch
import tracetorch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import train  # noqa: E402

FOLDER = pathlib.Path(__file__).parent


def main() -> None:
    torch.set_num_threads(1)
    model = train.DigitsModel(tracetorch.functional.round_ste()).eval()
    model.TTcompile()
    events = torch.from_numpy(np.load(FOLDER / "test_events.npy")).float()
    steps, images = 0, events.shape[1]
    with torch.inference_mode():
        for t in range(32):  # warms up
            model(events[t, :1])
        start = time.perf_counter()
        while time.perf_counter() - start < 1.0:
            model.zero_states()
            for t in range(events.shape[0]):
                image = steps // 32 % images
                model(events[t, image:image + 1])
                steps += 1
        elapsed = time.perf_counter() - start
    print(f"steps per second:     {steps / elapsed:.0f} (reference, TTcompiled, eager PyTorch "
          f"{torch.__version__}, batch 1)")


if __name__ == "__main__":
    main()
