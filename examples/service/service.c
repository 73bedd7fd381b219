/* A service that holds thousands of streams on one copy of the weights, from C.
 *
 * Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * cc -O2 -Iruntime/include examples/service/service.c -o service -Lbuild/lib
 * -lttc_runtime
 *
 *   ./service ./libnet.so - states [streams [resident [steps]]]
 *
 * The weights are a file, or "-" where the model was compiled with them. Each
 * stream is a session. At most `resident` of them stay in memory: the one that
 * has been idle longest is saved to a file of the folder `states` and closed,
 * and comes back from it when its next input arrives. One stream is compared,
 * bit for bit, with a session that was never evicted. */
#include <ttc/runtime.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { NOBODY = -1, COMPARED = 0, COMPARISONS = 10 };

static void check(ttc_status status, const ttc_error *error) {
  if (status != TTC_OK) {
    fprintf(stderr, "%s\n", error->message);
    exit(1);
  }
}

static void require(int condition, const char *sentence) {
  if (!condition) {
    fprintf(stderr, "%s\n", sentence);
    exit(1);
  }
}

/* Memory for `count` things of `size` bytes, zeroed. */
static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  require(memory != NULL, "There is not enough memory.");
  return memory;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The most memory that this program has had so far. */
static double peak_bytes(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * (double)usage.ru_maxrss;
}

/* Mixes numbers: the next of a generator, and the inputs of a stream. */
static uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/* A stream, in a list of those in memory from the one that was used last to the
 * one that has been idle longest. */
typedef struct stream {
  ttc_session *session; /* null while it is in its file, or has not begun */
  int on_disk;
  int64_t newer, older;
} stream;

typedef struct service {
  ttc_model *model;
  const char *folder;
  stream *streams;
  int64_t num_streams, max_resident, num_resident;
  int64_t newest, oldest;
  int64_t evictions, returns;
  float *input, *output, *expected;
  size_t input_size, output_size;
} service;

static void unlink_stream(service *s, int64_t id) {
  stream *one = &s->streams[id];
  *(one->newer == NOBODY ? &s->newest : &s->streams[one->newer].older) =
      one->older;
  *(one->older == NOBODY ? &s->oldest : &s->streams[one->older].newer) =
      one->newer;
}

static void make_newest(service *s, int64_t id) {
  stream *one = &s->streams[id];
  one->newer = NOBODY;
  one->older = s->newest;
  *(s->newest == NOBODY ? &s->oldest : &s->streams[s->newest].newer) = id;
  s->newest = id;
}

static void name_file(const service *s, int64_t id, char *path, size_t size) {
  int length =
      snprintf(path, size, "%s/%lld.safetensors", s->folder, (long long)id);
  require(length > 0 && (size_t)length < size,
          "The folder's name is too long.");
}

/* From memory to its file. When this returns, no crash can lose it. */
static void evict(service *s, int64_t id) {
  ttc_error error;
  char path[4096];
  name_file(s, id, path, sizeof(path));
  check(ttc_session_save(s->streams[id].session, path, &error), &error);
  ttc_session_close(s->streams[id].session);
  s->streams[id].session = NULL;
  s->streams[id].on_disk = 1;
  unlink_stream(s, id);
  --s->num_resident;
  ++s->evictions;
}

/* The session of a stream, which is now the one that was used last. */
static ttc_session *find(service *s, int64_t id) {
  stream *one = &s->streams[id];
  if (one->session) {
    unlink_stream(s, id);
    make_newest(s, id);
    return one->session;
  }
  if (s->num_resident == s->max_resident)
    evict(s, s->oldest);
  ttc_error error;
  check(ttc_session_create(s->model, &one->session, &error), &error);
  if (one->on_disk) {
    char path[4096];
    name_file(s, id, path, sizeof(path));
    check(ttc_session_load(one->session, path, TTC_LOAD_STRICT, &error),
          &error);
    ++s->returns;
  }
  make_newest(s, id);
  ++s->num_resident;
  return one->session;
}

/* The input of a stream's next step: one in five elements is an event. */
static void make_input(service *s, int64_t id, uint64_t timestep) {
  uint64_t at = mix((uint64_t)id << 32 | timestep);
  for (size_t i = 0; i < s->input_size; ++i)
    s->input[i] = (at = mix(at)) % 5 == 0 ? 1.0f : 0.0f;
}

static void step(service *s, ttc_session *session, float *output) {
  ttc_error error;
  const void *inputs[] = {s->input};
  void *outputs[] = {output};
  check(ttc_session_step_raw(session, inputs, outputs, /*batch=*/1, &error),
        &error);
}

static void serve(service *s, int64_t id) {
  ttc_session *session = find(s, id);
  make_input(s, id, ttc_session_timestep(session));
  step(s, session, s->output);
}

/* The elements of a tensor at batch 1. */
static size_t elements(const ttc_tensor_spec *spec) {
  size_t count = 1;
  require(spec->dtype == TTC_DTYPE_F32, "This program serves F32 models only.");
  for (int32_t i = 0; i < spec->rank; ++i)
    count *= spec->shape[i] == TTC_BATCH ? 1 : (size_t)spec->shape[i];
  return count;
}

static int64_t argument(int argc, char **argv, int index, int64_t otherwise) {
  return argc > index ? atoll(argv[index]) : otherwise;
}

int main(int argc, char **argv) {
  require(argc >= 4, "usage: service ./libnet.so weights.safetensors|- folder "
                     "[streams [resident [steps]]]");
  service s = {.folder = argv[3], .newest = NOBODY, .oldest = NOBODY};
  s.num_streams = argument(argc, argv, 4, 10000);
  s.max_resident = argument(argc, argv, 5, s.num_streams - 100);
  const int64_t steps = argument(argc, argv, 6, 2 * s.num_streams);
  require(s.num_streams > 1 && s.max_resident > 0 && steps >= 0,
          "streams, resident and steps must be positive.");
  mkdir(s.folder, 0700);

  ttc_error error;
  const char *weights = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
  check(ttc_model_open(argv[1], weights, &s.model, &error), &error);
  const ttc_model_descriptor *model = ttc_model_get_descriptor(s.model);
  require(model->num_inputs == 1 && model->num_outputs == 1,
          "This program serves models with one input and one output.");
  s.input_size = elements(&model->inputs[0]);
  s.output_size = elements(&model->outputs[0]);
  s.input = allocate(s.input_size, sizeof(float));
  s.output = allocate(s.output_size, sizeof(float));
  s.expected = allocate(s.output_size, sizeof(float));
  s.streams = allocate((size_t)s.num_streams, sizeof(stream));
  for (int64_t id = 0; id < s.num_streams; ++id)
    s.streams[id].newer = s.streams[id].older = NOBODY;
  uint64_t states = 0, scratch = 0;
  check(ttc_model_session_bytes(s.model, 1, &states, &scratch, &error), &error);
  ttc_session *never_evicted = NULL;
  check(ttc_session_create(s.model, &never_evicted, &error), &error);

  /* Every stream begins; the first ones are evicted by the last ones. */
  const double memory = peak_bytes();
  for (int64_t id = 1; id < s.num_streams; ++id)
    serve(&s, id);
  const double grown = peak_bytes() - memory;

  /* Inputs arrive in any order. */
  const double start = seconds();
  uint64_t random = 1;
  int64_t compared = 0;
  for (int64_t i = 0; i < steps; ++i) {
    random = mix(random);
    serve(&s, 1 + (int64_t)(random % (uint64_t)(s.num_streams - 1)));
    if (i % (steps / COMPARISONS + 1) != 0)
      continue;
    serve(&s, COMPARED);
    step(&s, never_evicted, s.expected);
    require(memcmp(s.output, s.expected, s.output_size * sizeof(float)) == 0,
            "The evicted stream differs from the one that was not.");
    evict(&s, COMPARED);
    ++compared;
  }
  const double elapsed = seconds() - start;

  printf("streams:              %lld, %lld of them in memory\n",
         (long long)s.num_streams, (long long)s.num_resident);
  printf("bytes a session:      %llu of states; %.0f measured, all included\n",
         (unsigned long long)states, grown / (double)s.num_resident);
  printf("weights:              %llu bytes, once\n",
         (unsigned long long)model->prepared_size);
  printf("evictions:            %lld, and %lld came back\n",
         (long long)s.evictions, (long long)s.returns);
  printf("steps per second:     %.0f (with those)\n",
         (double)(steps + compared) / elapsed);
  printf("compared:             %lld steps between evictions, bit for bit the "
         "same\n",
         (long long)compared);

  for (int64_t id = 0; id < s.num_streams; ++id)
    ttc_session_close(s.streams[id].session);
  ttc_session_close(never_evicted);
  ttc_model_close(s.model);
  free(s.streams);
  free(s.expected);
  free(s.output);
  free(s.input);
  return 0;
}
