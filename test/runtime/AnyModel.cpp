//===- AnyModel.cpp - How is any compiled model stepped? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AnyModel.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <sstream>

namespace fs = std::filesystem;

namespace {

size_t bytesOf(const ttc_tensor_spec &spec, int64_t batch) {
  size_t bytes = ttc_dtype_size(spec.dtype);
  for (int32_t i = 0; i < spec.rank; ++i)
    bytes *=
        static_cast<size_t>(spec.shape[i] == TTC_BATCH ? batch : spec.shape[i]);
  return bytes;
}

template <typename T>
void fill(std::vector<unsigned char> &bytes, const std::vector<T> &values) {
  REQUIRE(values.size() * sizeof(T) == bytes.size());
  std::memcpy(bytes.data(), values.data(), bytes.size());
}

std::string weightsOf(const std::string &library) {
  return fs::path(library).replace_extension(".safetensors").string();
}

template <typename AnyTensors>
void saveWeights(AnyTensors tensors, const std::string &path) {
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  REQUIRE(ttc_weights_save(weights, path.c_str(), nullptr) == TTC_OK);
  ttc_weights_close(weights);
}

} // namespace

AnyModel::AnyModel(const std::string &library) {
  std::string weights = weightsOf(library);
  ttc_error error = {};
  ttc_status status = ttc_model_open(
      library.c_str(), fs::exists(weights) ? weights.c_str() : nullptr, &model,
      &error);
  CAPTURE(library);
  CAPTURE(std::string(error.message));
  REQUIRE(status == TTC_OK);
  if (descriptor().batch != TTC_BATCH)
    batch_ = descriptor().batch;
  for (uint32_t i = 0; i < descriptor().num_inputs; ++i)
    inputs.emplace_back(bytesOf(descriptor().inputs[i], batch_));
  for (uint32_t i = 0; i < descriptor().num_outputs; ++i)
    outputs.emplace_back(bytesOf(descriptor().outputs[i], batch_));
  for (const auto &input : inputs)
    in.push_back(input.data());
  for (auto &output : outputs)
    out.push_back(output.data());
}

AnyModel::~AnyModel() { ttc_model_close(model); }

ttc_session *AnyModel::newSession() const {
  ttc_session *session = nullptr;
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
  return session;
}

void AnyModel::makeInputs(uint64_t t) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::mt19937_64 random(t * 1000 + i);
    const ttc_tensor_spec &spec = descriptor().inputs[i];
    const int64_t *limits = descriptor().input_limits;
    const uint64_t limit =
        limits && limits[i] ? static_cast<uint64_t>(limits[i]) : 100;
    const size_t count = inputs[i].size() / ttc_dtype_size(spec.dtype);
    std::vector<float> floats;
    std::vector<double> doubles;
    std::vector<int32_t> narrow;
    std::vector<int64_t> wide;
    for (size_t k = 0; k < count; ++k) {
      uint64_t bits = random();
      double value = static_cast<double>(bits >> 40) / 4194304.0 - 1.5;
      floats.push_back(static_cast<float>(value));
      doubles.push_back(value);
      narrow.push_back(static_cast<int32_t>(bits % limit));
      wide.push_back(static_cast<int64_t>(bits % limit));
      if (spec.dtype == TTC_DTYPE_U8 || spec.dtype == TTC_DTYPE_BOOL)
        inputs[i][k] = bits & 1;
    }
    switch (spec.dtype) {
    case TTC_DTYPE_F32:
      fill(inputs[i], floats);
      break;
    case TTC_DTYPE_F64:
      fill(inputs[i], doubles);
      break;
    case TTC_DTYPE_I32:
      fill(inputs[i], narrow);
      break;
    case TTC_DTYPE_I64:
      fill(inputs[i], wide);
      break;
    case TTC_DTYPE_F16:
    case TTC_DTYPE_BF16:
      // Any bits but those of infinities and NaN.
      for (size_t k = 0; k < count; ++k)
        inputs[i][2 * k + 1] = static_cast<unsigned char>(0x30 + (k + t) % 16);
      break;
    default:
      break;
    }
  }
}

std::string AnyModel::step(ttc_session *session, uint64_t t) {
  makeInputs(t);
  REQUIRE(ttc_session_step_raw(session, in.data(), out.data(), batch_,
                               nullptr) == TTC_OK);
  std::string result;
  for (const auto &output : outputs)
    result.append(reinterpret_cast<const char *>(output.data()), output.size());
  return result;
}

bool AnyModel::stepAgain(ttc_session *session) {
  return ttc_session_step_raw(session, in.data(), out.data(), batch_,
                              nullptr) == TTC_OK &&
         ttc_session_run_raw(session, in.data(), out.data(), batch_,
                             /*steps=*/1, nullptr) == TTC_OK;
}

std::string AnyModel::states(const ttc_session *session) const {
  std::string result;
  for (uint32_t i = 0; i < descriptor().num_states; ++i) {
    ttc_tensor state;
    REQUIRE(ttc_session_state(session, i, &state, nullptr) == TTC_OK);
    size_t bytes = ttc_dtype_size(state.dtype);
    for (int32_t d = 0; d < state.rank; ++d)
      bytes *= static_cast<size_t>(std::max<int64_t>(state.shape[d], 0));
    if (state.data)
      result.append(static_cast<const char *>(state.data), bytes);
  }
  return result;
}

std::vector<std::string> testModels(const TemporaryDirectory &directory) {
  std::vector<std::string> libraries;
  if (const char *given = std::getenv("TTC_TEST_MODELS")) {
    std::istringstream list(given);
    for (std::string name; std::getline(list, name, ':');)
      libraries.push_back(name);
    REQUIRE_FALSE(libraries.empty());
    return libraries;
  }
  libraries = {directory / "fake.so", directory / "mixed.so"};
  fs::create_symlink(FAKE_LIBRARY, libraries[0]);
  fs::create_symlink(MIXED_LIBRARY, libraries[1]);
  saveWeights(fakeWeights(), weightsOf(libraries[0]));
  saveWeights(mixedWeights(), weightsOf(libraries[1]));
  return libraries;
}
