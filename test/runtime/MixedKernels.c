//===- MixedKernels.c - What if a GPU's model draws random numbers? -------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of MixedModel.c, as an image for the emulator: the first thread
// makes the whole step by the functions of the CPU.
//
//===----------------------------------------------------------------------===//

#include "MixedModel.h"

int64_t ttc_gpu_thread(void);
int64_t ttc_gpu_block(int32_t axis);

static int isFirst(void) {
  return ttc_gpu_thread() == 0 && ttc_gpu_block(0) == 0;
}

void ttc_step(const void *ids, const void *x, void *y, const void *prepared,
              void *states, void *scratch, int64_t batch, uint32_t *barriers) {
  const void *inputs[] = {ids, x};
  void *outputs[] = {y};
  (void)barriers;
  if (isFirst())
    ttc_model_mixed.step(inputs, outputs, prepared, states, scratch, batch);
}

void ttc_run(const void *ids, const void *x, void *y, const void *prepared,
             void *states, void *scratch, int64_t batch, int64_t steps,
             uint32_t *barriers) {
  const void *inputs[] = {ids, x};
  void *outputs[] = {y};
  (void)barriers;
  if (isFirst())
    ttc_model_mixed.run(inputs, outputs, prepared, states, scratch, batch,
                        steps);
}
