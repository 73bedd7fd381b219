//===- StepTimer.cpp - How long does a call of a compiled model take? -----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over ttc_session_step_raw and ttc_session_run_raw for callers that
// cannot loop without a cost of their own, such as Python. Every call takes the
// next of a rotating set of inputs, as a stream does: with one input for ever,
// a branch predictor would learn the events by heart.
//
// The clock is that of this process: on a core that is shared, what others take
// of it is not counted.
//
//===----------------------------------------------------------------------===//

#include "ttc/runtime.h"

#include <ctime>

namespace {

double nanosecondsBetween(const timespec &from, const timespec &to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) * 1e9 +
         static_cast<double>(to.tv_nsec - from.tv_nsec);
}

/// Nanoseconds a call by a clock of clock_gettime, or -1 if one failed: the
/// error then says why.
template <typename Call>
double timeCalls(clockid_t clock, int64_t calls, Call call) {
  timespec from, to;
  clock_gettime(clock, &from);
  for (int64_t i = 0; i < calls; ++i)
    if (call() != TTC_OK)
      return -1;
  clock_gettime(clock, &to);
  return nanosecondsBetween(from, to) / static_cast<double>(calls);
}

/// A place in a set of buffers that is gone through again and again.
class Rotation {
public:
  explicit Rotation(int64_t size) : size(size) {}
  int64_t next() {
    int64_t now = at;
    at = at + 1 == size ? 0 : at + 1;
    return now;
  }

private:
  int64_t size;
  int64_t at = 0;
};

//===----------------------------------------------------------------------===//
// A model that does nothing
//===----------------------------------------------------------------------===//

void prepareNothing(const void *const *, const uint8_t *, void *) {}
void stepNothing(const void *const *, void *const *, const void *, void *,
                 void *, int64_t) {}
void runNothing(const void *const *, void *const *, const void *, void *,
                void *, int64_t, int64_t) {}

#if defined(__x86_64__)
constexpr const char *triple = "x86_64-unknown-linux-gnu";
#elif defined(__aarch64__)
constexpr const char *triple = "aarch64-unknown-linux-gnu";
#else
constexpr const char *triple = "riscv64-unknown-linux-gnu";
#endif

constexpr int64_t shape[] = {TTC_BATCH, 1};
constexpr ttc_tensor_spec input = {"x", TTC_DTYPE_F32, 2, shape};
constexpr ttc_tensor_spec output = {"y", TTC_DTYPE_F32, 2, shape};
constexpr ttc_model_descriptor nothing = {
    TTC_ABI_VERSION,
    sizeof(ttc_model_descriptor),
    "nothing",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    triple,
    "",
    TTC_BATCH,
    /*num_inputs=*/1,
    /*num_outputs=*/1,
    /*num_params=*/0,
    /*num_states=*/0,
    &input,
    &output,
    nullptr,
    nullptr,
    /*prepared_size=*/0,
    /*states_size=*/{0, 0},
    /*scratch_size=*/{0, 0},
    nullptr,
    nullptr,
    prepareNothing,
    stepNothing,
    runNothing,
    /*input_limits=*/nullptr,
    /*has_generator=*/0,
    /*reserved=*/0,
    /*alternative=*/nullptr};

} // namespace

/// Calls ttc_session_step_raw `calls` times, call i on the inputs i modulo
/// `inputSets` and the outputs i modulo `outputSets`. Returns nanoseconds a
/// call by that clock of clock_gettime, or -1 and a filled error.
extern "C" TTC_API double
ttc_bench_steps(ttc_session *session, const void *const *const *inputs,
                int64_t inputSets, void *const *const *outputs,
                int64_t outputSets, int64_t batch, int64_t calls, int32_t clock,
                ttc_error *error) {
  Rotation in(inputSets), out(outputSets);
  return timeCalls(clock, calls, [&] {
    return ttc_session_step_raw(session, inputs[in.next()], outputs[out.next()],
                                batch, error);
  });
}

/// As ttc_bench_steps, with ttc_session_run_raw over `steps` timesteps a call.
extern "C" TTC_API double
ttc_bench_runs(ttc_session *session, const void *const *const *inputs,
               int64_t inputSets, void *const *const *outputs,
               int64_t outputSets, int64_t batch, int64_t steps, int64_t calls,
               int32_t clock, ttc_error *error) {
  Rotation in(inputSets), out(outputSets);
  return timeCalls(clock, calls, [&] {
    return ttc_session_run_raw(session, inputs[in.next()], outputs[out.next()],
                               batch, steps, error);
  });
}

/// Nanoseconds that ttc_session_step_raw takes around a model that does
/// nothing: the call, its checks and its return. -1 and a filled error if it
/// fails.
extern "C" TTC_API double ttc_bench_empty(int64_t calls, ttc_error *error) {
  ttc_model *model = nullptr;
  ttc_session *session = nullptr;
  double nanoseconds = -1;
  if (ttc_model_create(&nothing, nullptr, 1, &model, error) == TTC_OK &&
      ttc_session_create(model, &session, error) == TTC_OK) {
    float x = 0, y = 0;
    const void *inputs[] = {&x};
    void *outputs[] = {&y};
    nanoseconds = timeCalls(CLOCK_PROCESS_CPUTIME_ID, calls, [&] {
      return ttc_session_step_raw(session, inputs, outputs, 1, error);
    });
  }
  ttc_session_close(session);
  ttc_model_close(model);
  return nanoseconds;
}
