//===- AotiTimer.cpp - How long does a call of a package take? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop in C++, as StepTimer.cpp is one for ttc, so that neither engine is
// charged for Python. Built by aotinductor.py against the PyTorch that it
// finds.
//
//===----------------------------------------------------------------------===//

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Model {
  explicit Model(const std::string &path)
      : loader(path, "model", /*run_single_threaded=*/true) {}

  torch::inductor::AOTIModelPackageLoader loader;
  std::vector<std::vector<int64_t>> stateShapes;
  std::vector<at::Tensor> states;
};

double now() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 +
         static_cast<double>(time.tv_nsec);
}

} // namespace

/// Loads a package; null and a filled reason if it cannot be.
extern "C" void *ttc_aoti_open(const char *path, char *reason, int64_t size) {
  try {
    c10::InferenceMode inference;
    return new Model(path);
  } catch (const std::exception &error) {
    std::snprintf(reason, static_cast<size_t>(size), "%s", error.what());
    return nullptr;
  }
}

extern "C" void ttc_aoti_close(void *model) {
  delete static_cast<Model *>(model);
}

/// Tells the shape of the next state.
extern "C" void ttc_aoti_add_state(void *model, const int64_t *shape,
                                   int64_t rank) {
  static_cast<Model *>(model)->stateShapes.emplace_back(shape, shape + rank);
}

extern "C" void ttc_aoti_zero(void *model) {
  static_cast<Model *>(model)->states.clear();
}

/// Runs timesteps on `count` inputs of one shape, in turn, and copies the
/// outputs to `outputs`, if that is not null. Returns nanoseconds a timestep,
/// or -1 and a filled reason.
extern "C" double ttc_aoti_steps(void *pointer, const float *inputs,
                                 int64_t count, const int64_t *shape,
                                 int64_t rank, float *outputs, int64_t steps,
                                 char *reason, int64_t size) {
  try {
    c10::InferenceMode inference;
    Model &model = *static_cast<Model *>(pointer);
    if (model.states.empty())
      for (const std::vector<int64_t> &stateShape : model.stateShapes)
        model.states.push_back(at::zeros(stateShape));

    c10::IntArrayRef sizes(shape, static_cast<size_t>(rank));
    std::vector<at::Tensor> wrapped;
    for (int64_t i = 0; i < count; ++i)
      wrapped.push_back(at::from_blob(const_cast<float *>(inputs) +
                                          i * c10::multiply_integers(sizes),
                                      sizes, at::kFloat));

    double start = now();
    for (int64_t i = 0, at = 0; i < steps;
         ++i, at = at + 1 == count ? 0 : at + 1) {
      std::vector<at::Tensor> arguments;
      arguments.reserve(model.states.size() + 1);
      arguments.push_back(wrapped[static_cast<size_t>(at)]);
      for (at::Tensor &state : model.states)
        arguments.push_back(std::move(state));
      std::vector<at::Tensor> results =
          model.loader.boxed_run(std::move(arguments));
      for (size_t s = 0; s < model.states.size(); ++s)
        model.states[s] = std::move(results[s + 1]);
      if (outputs) {
        at::Tensor result = results[0].contiguous();
        std::memcpy(outputs, result.data_ptr<float>(), result.nbytes());
        outputs += result.numel();
      }
    }
    return (now() - start) / static_cast<double>(steps);
  } catch (const std::exception &error) {
    std::snprintf(reason, static_cast<size_t>(size), "%s", error.what());
    return -1;
  }
}
