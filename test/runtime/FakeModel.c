//===- FakeModel.c - What might the compiler have made? -----------*- C -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model written by hand against model.h, so that the runtime is tested
// without the compiler: a layer SLIB of four neurons, then a count of its
// steps,
//
//   syn = syn * alpha + x * (1 - alpha)
//   mem = mem * beta + syn;  s = mem > threshold;  mem -= s * threshold
//   y   = s
//
// with alpha fixed to 0.5, beta a decay a neuron and threshold one for the
// layer.
//
//===----------------------------------------------------------------------===//

#include "FakeModel.h"

#include <math.h>
#include <stddef.h>

enum { N = FAKE_NEURONS };

typedef struct Prepared {
  float beta[N];
  float threshold;
} Prepared;

static void prepare(const void *const *params, const uint8_t *raw,
                    void *prepared) {
  Prepared *to = prepared;
  const float *beta = params[0];
  const float *threshold = params[1];
  for (int i = 0; i < N; ++i)
    to->beta[i] = raw[0] ? 1.0f / (1.0f + expf(-beta[i])) : beta[i];
  to->threshold = raw[1] ? log1pf(expf(*threshold)) : *threshold;
}

static void step(const void *const *inputs, void *const *outputs,
                 const void *prepared, void *states, void *scratch,
                 int64_t batch) {
  const Prepared *with = prepared;
  const float *x = inputs[0];
  float *y = outputs[0];
  float *syn = scratch;
  float *mem = states;
  float *last = mem + batch * N;
  for (int64_t i = 0; i < batch * N; ++i) {
    syn[i] = last[i] * 0.5f + x[i] * 0.5f;
    last[i] = syn[i];
    mem[i] = mem[i] * with->beta[i % N] + syn[i];
    y[i] = mem[i] > with->threshold ? 1.0f : 0.0f;
    mem[i] -= y[i] * with->threshold;
  }
}

static void run(const void *const *inputs, void *const *outputs,
                const void *prepared, void *states, void *scratch,
                int64_t batch, int64_t steps) {
  for (int64_t t = 0; t < steps; ++t) {
    const void *in[] = {(const float *)inputs[0] + t * batch * N};
    void *out[] = {(float *)outputs[0] + t * batch * N};
    step(in, out, prepared, states, scratch, batch);
  }
}

// A worker's part of the second loop is another one's of the first: without the
// barrier, and the one at the end of a step, the bits are others.
static void sharedStep(const void *const *inputs, void *const *outputs,
                       const void *prepared, void *states, void *scratch,
                       int64_t batch, const ttc_team *team, int64_t worker) {
  const Prepared *with = prepared;
  const float *x = inputs[0];
  float *y = outputs[0];
  float *syn = scratch;
  float *mem = states;
  float *last = mem + batch * N;
  const int64_t size = batch * N, workers = team->workers;
  for (int64_t i = size * worker / workers; i < size * (worker + 1) / workers;
       ++i) {
    syn[i] = last[i] * 0.5f + x[i] * 0.5f;
    last[i] = syn[i];
  }
  team->barrier(team, worker);
  const int64_t other = workers - 1 - worker;
  for (int64_t i = size * other / workers; i < size * (other + 1) / workers;
       ++i) {
    mem[i] = mem[i] * with->beta[i % N] + syn[i];
    y[i] = mem[i] > with->threshold ? 1.0f : 0.0f;
    mem[i] -= y[i] * with->threshold;
  }
}

static void sharedRun(const void *const *inputs, void *const *outputs,
                      const void *prepared, void *states, void *scratch,
                      int64_t batch, int64_t steps, const ttc_team *team,
                      int64_t worker) {
  for (int64_t t = 0; t < steps; ++t) {
    const void *in[] = {(const float *)inputs[0] + t * batch * N};
    void *out[] = {(float *)outputs[0] + t * batch * N};
    if (t)
      team->barrier(team, worker);
    sharedStep(in, out, prepared, states, scratch, batch, team, worker);
  }
}

static const int64_t batched[] = {TTC_BATCH, N};
static const int64_t neurons[] = {N};

static const ttc_tensor_spec inputs[] = {{"x", TTC_DTYPE_F32, 2, batched}};
static const ttc_tensor_spec outputs[] = {{"y", TTC_DTYPE_F32, 2, batched}};
static const ttc_param_spec params[] = {
    {{"net.1.beta", TTC_DTYPE_F32, 1, neurons},
     "net.1.raw_beta",
     TTC_ACTIVATION_SIGMOID,
     0},
    {{"net.1.threshold", TTC_DTYPE_F32, 0, NULL},
     "net.1.raw_threshold",
     TTC_ACTIVATION_SOFTPLUS,
     0}};
static const ttc_state_spec states[] = {
    {{"net.1.mem", TTC_DTYPE_F32, 2, batched}, {0, 0}},
    {{"net.1.syn", TTC_DTYPE_F32, 2, batched}, {0, N * sizeof(float)}}};

const ttc_model_descriptor ttc_model_fake = {
    TTC_ABI_VERSION,
    sizeof(ttc_model_descriptor),
    "fake",
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    FAKE_TRIPLE,
    FAKE_FEATURES,
    TTC_BATCH,
    1,
    1,
    2,
    2,
    inputs,
    outputs,
    params,
    states,
    sizeof(Prepared),
    {0, 2 * N * sizeof(float)},
    {0, N * sizeof(float)},
    NULL,
    NULL,
    prepare,
    step,
    run,
    NULL,
    0,
    0,
    NULL,
    FAKE_WORKERS,
    0,
    sharedStep,
    sharedRun,
    NULL};

#ifndef FAKE_INSIDE_ANOTHER
// The name by which a library's loader finds it.
extern const ttc_model_descriptor ttc_model
    __attribute__((alias("ttc_model_fake"), visibility("default")));
#endif
