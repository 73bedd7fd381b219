//===- Fixtures.h - What do the runtime's tests share? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FIXTURES_H
#define TTC_FIXTURES_H

#include "FakeModel.h"
#include "MixedModel.h"
#include "ttc/runtime.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

/// A directory that goes away with what is in it.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string operator/(const std::string &name) const;

private:
  std::string path;
};

std::string readBytes(const std::string &path);
void writeBytes(const std::string &path, const std::string &bytes);
bool fileExists(const std::string &path);

/// A safetensors file of this header, whatever it is, and this data.
std::string safetensors(const std::string &header,
                        const std::string &data = std::string());
/// One entry of a header.
std::string entry(const std::string &name, const std::string &dtype,
                  const std::string &shape, const std::string &offsets);

/// A tensor of f32 that owns its data.
struct Tensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> data;
  int32_t dtype = TTC_DTYPE_F32;

  Tensor(std::string name, std::vector<int64_t> shape, float first = 0);
  ttc_tensor view();
};

std::vector<ttc_tensor> views(std::vector<Tensor> &tensors);

/// A tensor of any dtype that owns its data.
struct AnyTensor {
  std::string name;
  int32_t dtype;
  std::vector<int64_t> shape;
  std::vector<unsigned char> data;

  template <typename T>
  AnyTensor(std::string givenName, int32_t dtype, std::vector<int64_t> shape,
            const std::vector<T> &values)
      : name(std::move(givenName)), dtype(dtype), shape(std::move(shape)) {
    const auto *bytes = reinterpret_cast<const unsigned char *>(values.data());
    data.assign(bytes, bytes + values.size() * sizeof(T));
  }
  ttc_tensor view();
};

std::vector<ttc_tensor> views(std::vector<AnyTensor> &tensors);

/// The weights of the fake model.
std::vector<Tensor> fakeWeights();

/// The fake model with its weights, and a session.
struct FakeSession {
  ttc_model *model = nullptr;
  ttc_session *session = nullptr;

  explicit FakeSession(const ttc_model_descriptor &descriptor = ttc_model_fake);
  ~FakeSession();
  FakeSession(const FakeSession &) = delete;
  FakeSession &operator=(const FakeSession &) = delete;

  /// A step on an input made from `seed`; returns the output.
  std::vector<float> step(int64_t batch, int seed);
  /// All states as they are now, one after the other; empty if there are none.
  std::vector<float> states() const;
};

/// The input of the fake model's step number `seed`.
std::vector<float> fakeInput(int64_t batch, int seed);

/// The weights of the mixed model.
std::vector<AnyTensor> mixedWeights();

/// The mixed model with its weights, and a session.
struct MixedSession {
  ttc_model *model = nullptr;
  ttc_session *session = nullptr;

  explicit MixedSession(
      const ttc_model_descriptor &descriptor = ttc_model_mixed);
  ~MixedSession();
  MixedSession(const MixedSession &) = delete;
  MixedSession &operator=(const MixedSession &) = delete;

  /// A step on an input made from `seed`; returns the output.
  std::vector<double> step(int64_t batch, int seed);
  /// The bytes of all states as they are now, one after the other; empty if
  /// there are none.
  std::string states() const;
  /// Seed and position of the random numbers.
  std::pair<uint64_t, uint64_t> generator() const;
};

/// The inputs of the mixed model's step number `seed`.
std::vector<int64_t> mixedIds(int64_t batch, int seed);
std::vector<double> mixedInput(int64_t batch, int seed);

/// What a call that should fail gave.
struct Outcome {
  ttc_status code = TTC_OK;
  std::string message;

  bool mentions(const std::string &part) const {
    return message.find(part) != std::string::npos;
  }
};

doctest::String toString(const Outcome &outcome);

/// Calls with an error, and checks that the two agree on the code.
template <typename Call> Outcome outcomeOf(Call &&call) {
  ttc_error error = {};
  ttc_status status = call(&error);
  if (status != TTC_OK)
    CHECK(error.code == status);
  return {status, status == TTC_OK ? "" : error.message};
}

/// Opens a file of weights and, unless `flags` are for the table alone, reads
/// each of its tensors.
ttc_status openAndRead(const std::string &path, int flags,
                       ttc_weights *&weights, ttc_error *error);

#endif // TTC_FIXTURES_H
