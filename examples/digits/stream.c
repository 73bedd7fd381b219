/* Streams the digits through the compiled model, one timestep a call, from C.
 *
 * Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * scripts/demo.sh compiles hard.mlir and this file and runs it:
 *   stream test_events.npy test_labels.npy hard_outputs.npy
 * It prints the accuracy of the compiled model and of the reference's outputs,
 * the largest difference between the two, and how many timesteps it made in a
 * second. */
#include "digits.h" /* made by: ttc hard.mlir -o libdigits.so */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  STEPS = 32,
  IMAGES = 360,
  PIXELS = HARD_IN_X_SIZE,
  CLASSES = HARD_OUT_OUTPUT0_SIZE
};

/* The data of an .npy file of exactly `bytes` bytes; ends the program if it is
 * not. */
static void *read_npy(const char *path, size_t bytes) {
  unsigned char head[10];
  FILE *file = fopen(path, "rb");
  void *data = malloc(bytes);
  if (!file || !data || fread(head, 1, 10, file) != 10 ||
      memcmp(head, "\x93NUMPY\x01", 7) != 0 ||
      fseek(file, 10 + head[8] + 256 * head[9], SEEK_SET) != 0 ||
      fread(data, 1, bytes, file) != bytes || fgetc(file) != EOF) {
    fprintf(stderr, "%s is not an .npy file with %zu bytes of data\n", path,
            bytes);
    exit(1);
  }
  fclose(file);
  return data;
}

static void check(ttc_status status, const ttc_error *error) {
  if (status != TTC_OK) {
    fprintf(stderr, "%s\n", error->message);
    exit(1);
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Counts the images whose class is the largest output, summed over time. */
static int count_correct(const float *outputs, const int64_t *labels) {
  int correct = 0;
  for (int image = 0; image < IMAGES; ++image) {
    float sum[CLASSES] = {0};
    int best = 0;
    for (int t = 0; t < STEPS; ++t)
      for (int c = 0; c < CLASSES; ++c)
        sum[c] += outputs[(t * IMAGES + image) * CLASSES + c];
    for (int c = 1; c < CLASSES; ++c)
      if (sum[c] > sum[best])
        best = c;
    correct += best == labels[image];
  }
  return correct;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr,
            "usage: %s test_events.npy test_labels.npy hard_outputs.npy\n",
            argv[0]);
    return 1;
  }
  const uint8_t *events = read_npy(argv[1], STEPS * IMAGES * PIXELS);
  const int64_t *labels = read_npy(argv[2], IMAGES * sizeof(int64_t));
  const float *reference =
      read_npy(argv[3], STEPS * IMAGES * CLASSES * sizeof(float));
  float *outputs = malloc(STEPS * IMAGES * CLASSES * sizeof(float));

  /* The weights are in the library: none are given here. */
  ttc_error error;
  ttc_model *model = NULL;
  ttc_session *session = NULL;
  check(ttc_model_create(&ttc_model_hard, NULL, 1, &model, &error), &error);
  check(ttc_session_create(model, &session, &error), &error);

  /* One image after the other, as they would come from a sensor. */
  double start = seconds();
  for (int image = 0; image < IMAGES; ++image) {
    check(ttc_session_zero(session, &error), &error);
    for (int t = 0; t < STEPS; ++t) {
      float x[PIXELS];
      for (int pixel = 0; pixel < PIXELS; ++pixel)
        x[pixel] = events[(t * IMAGES + image) * PIXELS + pixel];
      float *y = outputs + (t * IMAGES + image) * CLASSES;
      check(hard_step(session, x, y, /*batch=*/1, &error), &error);
    }
  }
  double elapsed = seconds() - start;

  double largest = 0;
  for (int i = 0; i < STEPS * IMAGES * CLASSES; ++i)
    largest = fmax(largest, fabs((double)outputs[i] - reference[i]));
  printf("accuracy, compiled:   %.2f %%\n",
         100.0 * count_correct(outputs, labels) / IMAGES);
  printf("accuracy, reference:  %.2f %%\n",
         100.0 * count_correct(reference, labels) / IMAGES);
  printf("largest difference:   %.2g\n", largest);
  printf("steps per second:     %.0f (compiled, batch 1, from C)\n",
         STEPS * IMAGES / elapsed);

  ttc_session_close(session);
  ttc_model_close(model);
  free(outputs);
  free((void *)reference);
  free((void *)labels);
  free((void *)events);
  return 0;
}
