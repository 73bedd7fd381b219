//===- FakeKernels.c - What might the compiler have made for GPUs? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of FakeModel.c, as an image for the emulator. They take detours
// that a compiler would not, so that all of the emulator is needed: what one
// thread writes to the scratch memory another one reads, and the threshold
// comes to each lane from the first one of its warp.
//
// With FAKE_FAULT they have a fault, which the emulator must find:
//   1  the barrier between writing and reading is missing
//   2  the first thread ends without having been at the barrier
//   3  the lane that is read does not take part
//   4  the barrier is a cluster's, whatever was launched
//
//===----------------------------------------------------------------------===//

#include "FakeModel.h"

#include <stdint.h>

#ifndef FAKE_FAULT
#define FAKE_FAULT 0
#endif

int64_t ttc_gpu_thread(void);
int64_t ttc_gpu_threads(void);
int64_t ttc_gpu_block(int32_t axis);
int64_t ttc_gpu_blocks(int32_t axis);
int64_t ttc_gpu_cluster_blocks(void);
void ttc_gpu_block_barrier(void);
void ttc_gpu_cluster_barrier(void);
void ttc_gpu_grid_barrier(uint32_t *barriers);
float ttc_gpu_read_lane_f32(float value, int32_t lane);

enum { N = FAKE_NEURONS };

typedef struct Prepared {
  float beta[N];
  float threshold;
} Prepared;

/// The rows that this block's part of the batch has, and the team that makes
/// them.
typedef struct Share {
  int64_t firstRow, rows;
  int64_t worker, workers;
  uint32_t *barriers;
} Share;

static Share share(int64_t batch, uint32_t *barriers) {
  int64_t part = ttc_gpu_block(1), parts = ttc_gpu_blocks(1);
  int64_t first = batch * part / parts;
  Share result = {first, batch * (part + 1) / parts - first,
                  ttc_gpu_block(0) * ttc_gpu_threads() + ttc_gpu_thread(),
                  ttc_gpu_blocks(0) * ttc_gpu_threads(), barriers + 2 * part};
  return result;
}

static void barrier(const Share *own) {
  if (FAKE_FAULT == 4 || ttc_gpu_cluster_blocks() > 1)
    ttc_gpu_cluster_barrier();
  else if (ttc_gpu_blocks(0) == 1)
    ttc_gpu_block_barrier();
  else
    ttc_gpu_grid_barrier(own->barriers);
}

static void step(const float *x, float *y, const Prepared *with, float *states,
                 float *scratch, int64_t batch, const Share *own) {
  const int64_t begin = own->firstRow * N, count = own->rows * N;
  float *mem = states + begin, *last = states + batch * N + begin;
  float *syn = scratch + begin;
#if FAKE_FAULT == 3
  if (own->worker == 0)
    return;
#endif
  const float threshold = ttc_gpu_read_lane_f32(
      ttc_gpu_thread() % 32 == 0 ? with->threshold : -1.0f, 0);
  for (int64_t i = own->worker; i < count; i += own->workers)
    syn[i] = last[i] * 0.5f + x[begin + i] * 0.5f;
#if FAKE_FAULT == 2
  if (own->worker == 0)
    return;
#endif
#if FAKE_FAULT != 1
  barrier(own);
#endif
  for (int64_t i = own->worker; i < count; i += own->workers) {
    int64_t e = count - 1 - i;
    last[e] = syn[e];
    mem[e] = mem[e] * with->beta[e % N] + syn[e];
    y[begin + e] = mem[e] > threshold ? 1.0f : 0.0f;
    mem[e] -= y[begin + e] * threshold;
  }
}

void ttc_step(const float *x, float *y, const Prepared *with, float *states,
              float *scratch, int64_t batch, uint32_t *barriers) {
  const Share own = share(batch, barriers);
  step(x, y, with, states, scratch, batch, &own);
}

void ttc_run(const float *x, float *y, const Prepared *with, float *states,
             float *scratch, int64_t batch, int64_t steps, uint32_t *barriers) {
  const Share own = share(batch, barriers);
  for (int64_t t = 0; t < steps; ++t) {
    step(x + t * batch * N, y + t * batch * N, with, states, scratch, batch,
         &own);
    barrier(&own);
  }
}
