//===- MixedModel.c - What else might the compiler have made? -----*- C -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A second model written by hand, of everything that FakeModel.c has not: an
// input that indexes a table, F64 throughout, a stacked state whose batch is
// second, states that are stored narrow, and random numbers (an order of its
// own: the runtime only keeps seed and position).
//
//   v = table[ids] + x + bias + u
//   h[0] = h[0] * beta + v;  h[1] = h[1] * beta + h[0];  y = h[1]
//   trace = h[0], cut to BF16;  half = 1 + steps / 1024
//
//===----------------------------------------------------------------------===//

#include "MixedModel.h"

#include "FakeModel.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { N = MIXED_SIZE };

typedef struct Prepared {
  double table[MIXED_ROWS][N];
  double bias[N];
  double beta;
} Prepared;

static void prepare(const void *const *params, const uint8_t *raw,
                    void *prepared) {
  Prepared *to = prepared;
  memcpy(to->table, params[0], sizeof(to->table));
  const double *beta = params[1];
  const double *bias = params[2];
  to->beta = raw[1] ? 1.0 / (1.0 + exp(-*beta)) : *beta;
  for (int i = 0; i < N; ++i)
    to->bias[i] = raw[2] ? asinh(bias[i]) : bias[i];
}

/// A number in [0, 1) that differs with every argument.
static double uniform(uint64_t seed, uint64_t position, uint64_t index) {
  uint64_t mixed = seed * 0x9E3779B97F4A7C15u + position;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u + index;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
  return (double)(mixed >> 11) * 0x1p-53;
}

/// The rows of the batch from `first` to `last`, but for the generator.
static void stepRows(const void *const *inputs, void *const *outputs,
                     const void *prepared, void *states, void *scratch,
                     int64_t batch, int64_t first, int64_t last) {
  const Prepared *with = prepared;
  const int64_t *ids = inputs[0];
  const double *x = inputs[1];
  double *y = outputs[0];
  double *v = scratch;
  const uint64_t *generator = states;
  double *h = (double *)((char *)states + 64);
  uint16_t *trace = (uint16_t *)(h + MIXED_LAYERS * batch * N);
  uint16_t *half = trace + batch * N;
  for (int64_t i = first * N; i < last * N; ++i) {
    v[i] = with->table[ids[i / N]][i % N] + x[i] + with->bias[i % N] +
           uniform(generator[0], generator[1], (uint64_t)i);
    h[i] = h[i] * with->beta + v[i];
    h[batch * N + i] = h[batch * N + i] * with->beta + h[i];
    y[i] = h[batch * N + i];
    float narrow = (float)h[i];
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    trace[i] = (uint16_t)(bits >> 16);
  }
  for (int64_t b = first; b < last; ++b)
    half[b] = (uint16_t)(0x3C00 | ((half[b] + 1) & 0x3FF));
}

static void step(const void *const *inputs, void *const *outputs,
                 const void *prepared, void *states, void *scratch,
                 int64_t batch) {
  stepRows(inputs, outputs, prepared, states, scratch, batch, 0, batch);
  ++((uint64_t *)states)[1];
}

static void run(const void *const *inputs, void *const *outputs,
                const void *prepared, void *states, void *scratch,
                int64_t batch, int64_t steps) {
  for (int64_t t = 0; t < steps; ++t) {
    const void *in[] = {(const int64_t *)inputs[0] + t * batch,
                        (const double *)inputs[1] + t * batch * N};
    void *out[] = {(double *)outputs[0] + t * batch * N};
    step(in, out, prepared, states, scratch, batch);
  }
}

// One worker moves the generator on, when all have drawn.
static void sharedStep(const void *const *inputs, void *const *outputs,
                       const void *prepared, void *states, void *scratch,
                       int64_t batch, const ttc_team *team, int64_t worker) {
  stepRows(inputs, outputs, prepared, states, scratch, batch,
           batch * worker / team->workers,
           batch * (worker + 1) / team->workers);
  team->barrier(team, worker);
  if (worker == 0)
    ++((uint64_t *)states)[1];
}

static void sharedRun(const void *const *inputs, void *const *outputs,
                      const void *prepared, void *states, void *scratch,
                      int64_t batch, int64_t steps, const ttc_team *team,
                      int64_t worker) {
  for (int64_t t = 0; t < steps; ++t) {
    const void *in[] = {(const int64_t *)inputs[0] + t * batch,
                        (const double *)inputs[1] + t * batch * N};
    void *out[] = {(double *)outputs[0] + t * batch * N};
    sharedStep(in, out, prepared, states, scratch, batch, team, worker);
    team->barrier(team, worker);
  }
}

static const int64_t batchAlone[] = {TTC_BATCH};
static const int64_t batchOne[] = {TTC_BATCH, 1};
static const int64_t batched[] = {TTC_BATCH, N};
static const int64_t stacked[] = {MIXED_LAYERS, TTC_BATCH, N};
static const int64_t table[] = {MIXED_ROWS, N};
static const int64_t vector[] = {N};

static const ttc_tensor_spec inputs[] = {{"ids", TTC_DTYPE_I64, 1, batchAlone},
                                         {"x", TTC_DTYPE_F64, 2, batched}};
static const int64_t limits[] = {MIXED_ROWS, 0};
static const ttc_tensor_spec outputs[] = {{"y", TTC_DTYPE_F64, 2, batched}};
static const ttc_param_spec params[] = {
    {{"embed.weight", TTC_DTYPE_F64, 2, table}, NULL, 0, 0},
    {{"rnn.beta", TTC_DTYPE_F64, 0, NULL},
     "rnn.raw_beta",
     TTC_ACTIVATION_SIGMOID,
     0},
    {{"rnn.bias", TTC_DTYPE_F64, 1, vector},
     "rnn.raw_bias",
     TTC_ACTIVATION_ARCSINH,
     0}};
// The generator, then h, trace and half.
static const ttc_state_spec states[] = {
    {{"a.half", TTC_DTYPE_F16, 2, batchOne},
     {64, MIXED_LAYERS * N * sizeof(double) + N * sizeof(uint16_t)}},
    {{"b.trace", TTC_DTYPE_BF16, 2, batched},
     {64, MIXED_LAYERS * N * sizeof(double)}},
    {{"rnn.h", TTC_DTYPE_F64, 3, stacked}, {64, 0}}};

const ttc_model_descriptor ttc_model_mixed = {
    TTC_ABI_VERSION,
    sizeof(ttc_model_descriptor),
    "mixed",
    "5555555555555555555555555555555555555555555555555555555555555555",
    "6666666666666666666666666666666666666666666666666666666666666666",
    FAKE_TRIPLE,
    FAKE_FEATURES,
    TTC_BATCH,
    2,
    1,
    3,
    3,
    inputs,
    outputs,
    params,
    states,
    sizeof(Prepared),
    {64, MIXED_LAYERS * N * sizeof(double) + N * sizeof(uint16_t) +
             sizeof(uint16_t)},
    {0, N * sizeof(double)},
    NULL,
    NULL,
    prepare,
    step,
    run,
    limits,
    1,
    0,
    NULL,
    FAKE_WORKERS,
    0,
    sharedStep,
    sharedRun,
    NULL};

// The name by which a library's loader finds it.
#ifdef TTC_MIXED_ALONE
extern const ttc_model_descriptor ttc_model
    __attribute__((alias("ttc_model_mixed"), visibility("default")));
#endif
