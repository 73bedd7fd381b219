/* Runs a model without a runtime, on whatever it was compiled for.
 *
 * Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   run_anywhere write FILE [BATCH]
 *     writes the outputs of 20 timesteps and the states after them
 *   run_anywhere compare FILE [BATCH [TOLERANCE]]
 *     compares them with those that another machine has written
 *
 * Weights and inputs are made from the numbers of their elements. A sequence in
 * one call must give the bits of its steps, and each row by itself those that
 * it has among the others.
 */
#include "ttc/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const ttc_model_descriptor ttc_model_net;

enum { STEPS = 20 };
static size_t batch = 3;

static size_t bytes_of(const ttc_tensor_spec *spec) {
  size_t bytes = 4;
  for (int32_t d = 0; d < spec->rank; ++d)
    bytes *= (size_t)(spec->shape[d] == TTC_BATCH ? batch : spec->shape[d]);
  return bytes;
}

static void *allocate(size_t bytes) {
  void *block =
      aligned_alloc(TTC_ALIGNMENT, (bytes / TTC_ALIGNMENT + 1) * TTC_ALIGNMENT);
  if (!block)
    exit(2);
  return memset(block, 0, (bytes / TTC_ALIGNMENT + 1) * TTC_ALIGNMENT);
}

/* A number in [-1, 1) that every machine has alike. */
static float number(uint32_t seed, size_t element) {
  uint32_t x = (seed + 1) * 2654435761u ^ (uint32_t)element * 2246822519u;
  x ^= x >> 15;
  x *= 3266489917u;
  x ^= x >> 13;
  return (float)(int32_t)(x & 0xFFFFFF) / 8388608.0f - 1.0f;
}

int main(int argc, char **argv) {
  const ttc_model_descriptor *model = &ttc_model_net;
  if (argc > 3)
    batch = (size_t)atoi(argv[3]);
  double tolerance = argc > 4 ? atof(argv[4]) : 2e-5;
  if (argc < 3 || argc > 5 || batch < 1 || model->num_inputs != 1 ||
      model->num_outputs != 1 || model->num_params > 64)
    return 2;
  const void *params[64];
  uint8_t raw[64] = {0};
  for (uint32_t p = 0; p < model->num_params; ++p) {
    size_t count = bytes_of(&model->params[p].tensor) / 4;
    float *values = allocate(count * 4);
    for (size_t i = 0; i < count; ++i)
      values[i] = model->params[p].activation ? 0.5f + 0.3f * number(p, i)
                                              : 0.3f * number(p, i);
    params[p] = values;
  }
  void *prepared = allocate(model->prepared_size);
  model->prepare(params, raw, prepared);

  size_t in = bytes_of(&model->inputs[0]), out = bytes_of(&model->outputs[0]);
  size_t states =
      model->states_size.fixed + batch * model->states_size.per_batch;
  char *x = allocate(STEPS * in), *y = allocate(STEPS * out),
       *y_run = allocate(STEPS * out);
  for (size_t i = 0; i < STEPS * in / 4; ++i)
    ((float *)x)[i] = 2 * number(1000, i);
  char *s = allocate(states), *s_run = allocate(states);
  void *scratch = allocate(model->scratch_size.fixed +
                           batch * model->scratch_size.per_batch);
  for (size_t t = 0; t < STEPS; ++t) {
    const void *inputs[] = {x + t * in};
    void *outputs[] = {y + t * out};
    model->step(inputs, outputs, prepared, s, scratch, (int64_t)batch);
  }
  const void *inputs[] = {x};
  void *outputs[] = {y_run};
  model->run(inputs, outputs, prepared, s_run, scratch, (int64_t)batch, STEPS);
  if (memcmp(y, y_run, STEPS * out) || memcmp(s, s_run, states)) {
    printf("a sequence has other bits than its steps\n");
    return 1;
  }

  for (size_t row = 0; model->batch == TTC_BATCH && row < batch; ++row) {
    memset(s_run, 0, states);
    for (size_t t = 0; t < STEPS; ++t) {
      const void *inputs[] = {x + t * in + row * (in / batch)};
      void *outputs[] = {y_run};
      model->step(inputs, outputs, prepared, s_run, scratch, 1);
      if (memcmp(y + t * out + row * (out / batch), y_run, out / batch)) {
        printf("row %zu alone has other bits than among %zu\n", row, batch);
        return 1;
      }
    }
  }

  FILE *file = fopen(argv[2], argv[1][0] == 'w' ? "wb" : "rb");
  if (!file)
    return 2;
  if (argv[1][0] == 'w')
    return fwrite(y, 1, STEPS * out, file) != STEPS * out ||
           fwrite(s, 1, states, file) != states || fclose(file) != 0;
  double worst = 0, largest = 0;
  for (size_t part = 0; part < 2; ++part) {
    float *own = (float *)(part ? s : y);
    for (size_t i = 0; i < (part ? states : STEPS * out) / 4; ++i) {
      float other;
      if (fread(&other, 4, 1, file) != 1)
        return 2;
      double error = fabs((double)own[i] - other) / (1 + fabs((double)other));
      /* What is no number is no agreement. */
      worst = error <= worst ? worst : error;
      largest = fabs((double)other) > largest ? fabs((double)other) : largest;
    }
  }
  printf("%s: the largest value is %g, the largest relative error %g\n",
         model->target_triple, largest, worst);
  return !(worst < tolerance && largest > 0.1);
}
