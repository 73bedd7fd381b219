//===- AnyModel.h - How is any compiled model stepped? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With inputs made from its descriptor and the number of the step, the same in
// every process. TTC_TEST_MODELS names libraries, separated by colons, each
// with its weights beside it (net.so, net.safetensors); without it the tests
// take the two models that are written by hand.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ANYMODEL_H
#define TTC_ANYMODEL_H

#include "Fixtures.h"

/// A library, its weights, and the inputs of its steps.
class AnyModel {
public:
  explicit AnyModel(const std::string &library);
  ~AnyModel();
  AnyModel(const AnyModel &) = delete;
  AnyModel &operator=(const AnyModel &) = delete;

  ttc_session *newSession() const;
  /// One step of a session, number `t`; all outputs, one after the other.
  std::string step(ttc_session *session, uint64_t t);
  /// The same without anything that allocates: the inputs are those of the last
  /// step, the outputs are not looked at.
  bool stepAgain(ttc_session *session);
  /// All states; empty while there are none.
  std::string states(const ttc_session *session) const;
  int64_t batch() const { return batch_; }

private:
  const ttc_model_descriptor &descriptor() const {
    return *ttc_model_get_descriptor(model);
  }
  void makeInputs(uint64_t t);

  ttc_model *model = nullptr;
  int64_t batch_ = 3; ///< where the model takes any
  std::vector<std::vector<unsigned char>> inputs, outputs;
  std::vector<const void *> in;
  std::vector<void *> out;
};

/// The libraries that the test is to take. Those written by hand get weights in
/// `directory`.
std::vector<std::string> testModels(const TemporaryDirectory &directory);

#endif // TTC_ANYMODEL_H
