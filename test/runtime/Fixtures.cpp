//===- Fixtures.cpp - What do the runtime's tests share? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "ttc-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

std::string TemporaryDirectory::operator/(const std::string &name) const {
  return path + "/" + name;
}

std::string readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void writeBytes(const std::string &path, const std::string &bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  REQUIRE(file.good());
}

bool fileExists(const std::string &path) {
  return fs::exists(fs::symlink_status(path));
}

std::string safetensors(const std::string &header, const std::string &data) {
  uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

std::string entry(const std::string &name, const std::string &dtype,
                  const std::string &shape, const std::string &offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

Tensor::Tensor(std::string givenName, std::vector<int64_t> givenShape,
               float first)
    : name(std::move(givenName)), shape(std::move(givenShape)) {
  size_t count = 1;
  for (int64_t size : shape)
    count *= static_cast<size_t>(size);
  for (size_t i = 0; i < count; ++i)
    data.push_back(first + 0.125f * static_cast<float>(i));
}

ttc_tensor Tensor::view() {
  return {name.c_str(), dtype, static_cast<int32_t>(shape.size()), shape.data(),
          data.data()};
}

std::vector<ttc_tensor> views(std::vector<Tensor> &tensors) {
  std::vector<ttc_tensor> result;
  for (Tensor &tensor : tensors)
    result.push_back(tensor.view());
  return result;
}

ttc_tensor AnyTensor::view() {
  return {name.c_str(), dtype, static_cast<int32_t>(shape.size()), shape.data(),
          data.data()};
}

std::vector<ttc_tensor> views(std::vector<AnyTensor> &tensors) {
  std::vector<ttc_tensor> result;
  for (AnyTensor &tensor : tensors)
    result.push_back(tensor.view());
  return result;
}

std::vector<Tensor> fakeWeights() {
  return {Tensor("net.1.raw_beta", {FAKE_NEURONS}, 0.5f),
          Tensor("net.1.threshold", {}, 0.75f)};
}

FakeSession::FakeSession(const ttc_model_descriptor &descriptor) {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  REQUIRE(ttc_model_create(&descriptor, weights, 1, &model, nullptr) == TTC_OK);
  ttc_weights_close(weights);
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
}

FakeSession::~FakeSession() {
  ttc_session_close(session);
  ttc_model_close(model);
}

std::vector<float> fakeInput(int64_t batch, int seed) {
  std::vector<float> input(static_cast<size_t>(batch) * FAKE_NEURONS);
  for (size_t i = 0; i < input.size(); ++i)
    input[i] = 1.0f + std::sin(static_cast<float>(seed) * 1.7f +
                               static_cast<float>(i));
  return input;
}

std::vector<float> FakeSession::step(int64_t batch, int seed) {
  std::vector<float> input = fakeInput(batch, seed);
  std::vector<float> output(input.size());
  const void *in[] = {input.data()};
  void *out[] = {output.data()};
  REQUIRE(ttc_session_step_raw(session, in, out, batch, nullptr) == TTC_OK);
  return output;
}

std::vector<float> FakeSession::states() const {
  std::vector<float> result;
  for (size_t i = 0; i < ttc_model_fake.num_states; ++i) {
    ttc_tensor state;
    REQUIRE(ttc_session_state(session, i, &state, nullptr) == TTC_OK);
    if (!state.data)
      continue;
    const float *data = static_cast<const float *>(state.data);
    result.insert(result.end(), data,
                  data + state.shape[0] * int64_t(FAKE_NEURONS));
  }
  return result;
}

std::vector<AnyTensor> mixedWeights() {
  std::vector<double> table;
  for (int i = 0; i < MIXED_ROWS * MIXED_SIZE; ++i)
    table.push_back(0.25 * i - 1.0);
  return {{"embed.weight", TTC_DTYPE_F64, {MIXED_ROWS, MIXED_SIZE}, table},
          {"rnn.bias",
           TTC_DTYPE_F64,
           {MIXED_SIZE},
           std::vector<double>{0.5, 0.25, -0.125}},
          {"rnn.raw_beta", TTC_DTYPE_F64, {}, std::vector<double>{1.5}}};
}

MixedSession::MixedSession(const ttc_model_descriptor &descriptor) {
  std::vector<AnyTensor> tensors = mixedWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  REQUIRE(ttc_model_create(&descriptor, weights, 1, &model, nullptr) == TTC_OK);
  ttc_weights_close(weights);
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
}

MixedSession::~MixedSession() {
  ttc_session_close(session);
  ttc_model_close(model);
}

std::vector<int64_t> mixedIds(int64_t batch, int seed) {
  std::vector<int64_t> ids;
  for (int64_t b = 0; b < batch; ++b)
    ids.push_back((b * 3 + seed) % MIXED_ROWS);
  return ids;
}

std::vector<double> mixedInput(int64_t batch, int seed) {
  std::vector<double> input(static_cast<size_t>(batch) * MIXED_SIZE);
  for (size_t i = 0; i < input.size(); ++i)
    input[i] = std::cos(seed * 1.3 + static_cast<double>(i));
  return input;
}

std::vector<double> MixedSession::step(int64_t batch, int seed) {
  std::vector<int64_t> ids = mixedIds(batch, seed);
  std::vector<double> x = mixedInput(batch, seed), y(x.size());
  const void *in[] = {ids.data(), x.data()};
  void *out[] = {y.data()};
  REQUIRE(ttc_session_step_raw(session, in, out, batch, nullptr) == TTC_OK);
  return y;
}

std::string MixedSession::states() const {
  std::string result;
  for (size_t i = 0; i < ttc_model_get_descriptor(model)->num_states; ++i) {
    ttc_tensor state;
    REQUIRE(ttc_session_state(session, i, &state, nullptr) == TTC_OK);
    size_t bytes = ttc_dtype_size(state.dtype);
    for (int32_t d = 0; d < state.rank; ++d)
      bytes *= static_cast<size_t>(state.shape[d]);
    if (state.data)
      result.append(static_cast<const char *>(state.data), bytes);
  }
  return result;
}

std::pair<uint64_t, uint64_t> MixedSession::generator() const {
  uint64_t seed = 0, position = 0;
  REQUIRE(ttc_session_generator(session, &seed, &position, nullptr) == TTC_OK);
  return {seed, position};
}

doctest::String toString(const Outcome &outcome) {
  return (std::string(ttc_status_name(outcome.code)) + ": " + outcome.message)
      .c_str();
}

ttc_status openAndRead(const std::string &path, int flags,
                       ttc_weights *&weights, ttc_error *error) {
  ttc_status status =
      ttc_weights_open_with(path.c_str(), flags, &weights, error);
  if (flags == TTC_WEIGHTS_META)
    return status;
  for (size_t i = 0; status == TTC_OK && i < ttc_weights_count(weights); ++i) {
    ttc_tensor tensor;
    status = ttc_weights_at(weights, i, &tensor, error);
  }
  return status;
}
