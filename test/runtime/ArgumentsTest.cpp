//===- ArgumentsTest.cpp - What if an argument is missing? ----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function of the C API with every pointer that must not be null as null,
// and with indices beyond the end.
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

namespace {

/// A call that must say which of its arguments is null.
template <typename Call> void refusesNull(const char *name, Call &&call) {
  CAPTURE(name);
  Outcome outcome = outcomeOf(call);
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_ERROR_ARGUMENT);
  CHECK(outcome.mentions("[NullPointer]"));
  CHECK(outcome.mentions(name));
  // The error is optional.
  CHECK(call(nullptr) == TTC_ERROR_ARGUMENT);
}

struct SomeWeights {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  SomeWeights() {
    REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                     nullptr) == TTC_OK);
  }
  ~SomeWeights() { ttc_weights_close(weights); }
};

} // namespace

TEST_CASE("M23 weights without an argument") {
  SomeWeights some;
  ttc_weights *weights = some.weights, *out = nullptr;
  ttc_tensor tensor;
  const char *key = nullptr, *value = nullptr;
  refusesNull("path",
              [&](ttc_error *e) { return ttc_weights_open(nullptr, &out, e); });
  refusesNull("out",
              [&](ttc_error *e) { return ttc_weights_open("x", nullptr, e); });
  refusesNull("tensors", [&](ttc_error *e) {
    return ttc_weights_from_tensors(nullptr, 1, &out, e);
  });
  refusesNull("out", [&](ttc_error *e) {
    return ttc_weights_from_tensors(some.table.data(), 1, nullptr, e);
  });
  refusesNull("weights", [&](ttc_error *e) {
    return ttc_weights_at(nullptr, 0, &tensor, e);
  });
  refusesNull("out", [&](ttc_error *e) {
    return ttc_weights_at(weights, 0, nullptr, e);
  });
  refusesNull("weights", [&](ttc_error *e) {
    return ttc_weights_find(nullptr, "x", &tensor, e);
  });
  refusesNull("name", [&](ttc_error *e) {
    return ttc_weights_find(weights, nullptr, &tensor, e);
  });
  refusesNull("out", [&](ttc_error *e) {
    return ttc_weights_find(weights, "x", nullptr, e);
  });
  refusesNull("weights", [&](ttc_error *e) {
    return ttc_weights_metadata_at(nullptr, 0, &key, &value, e);
  });
  refusesNull("key", [&](ttc_error *e) {
    return ttc_weights_metadata_at(weights, 0, nullptr, &value, e);
  });
  refusesNull("value", [&](ttc_error *e) {
    return ttc_weights_metadata_at(weights, 0, &key, nullptr, e);
  });
  refusesNull("weights",
              [&](ttc_error *e) { return ttc_weights_save(nullptr, "x", e); });
  refusesNull("path", [&](ttc_error *e) {
    return ttc_weights_save(weights, nullptr, e);
  });
  CHECK(out == nullptr);
  // What returns no status says nothing of nothing.
  CHECK(ttc_weights_count(nullptr) == 0);
  CHECK(ttc_weights_name(nullptr, 0) == nullptr);
  CHECK(ttc_weights_dtype(nullptr, 0) == nullptr);
  CHECK(ttc_weights_bytes(nullptr, 0) == 0);
  CHECK(ttc_weights_metadata_count(nullptr) == 0);
  CHECK(ttc_weights_device(nullptr) == nullptr);
  ttc_weights_close(nullptr);
}

TEST_CASE("M23 weights beyond the end") {
  SomeWeights some;
  ttc_tensor tensor;
  const char *key = nullptr, *value = nullptr;
  REQUIRE(ttc_weights_count(some.weights) == 2);
  CHECK(std::string(ttc_weights_name(some.weights, 1)) == "net.1.threshold");
  CHECK(ttc_weights_bytes(some.weights, 0) == 16);
  CHECK(ttc_weights_name(some.weights, 2) == nullptr);
  CHECK(ttc_weights_dtype(some.weights, 2) == nullptr);
  CHECK(ttc_weights_bytes(some.weights, 2) == 0);
  CHECK(outcomeOf([&](ttc_error *e) {
          return ttc_weights_at(some.weights, 2, &tensor, e);
        }).mentions("[NoSuchIndex]"));
  CHECK(outcomeOf([&](ttc_error *e) {
          return ttc_weights_metadata_at(some.weights, 0, &key, &value, e);
        }).mentions("[NoSuchIndex]"));
  // Four times 2^62 bytes.
  const int64_t huge[] = {int64_t(1) << 62};
  std::vector<std::string> names = {"a", "b", "c", "d"};
  std::vector<ttc_tensor> tensors;
  unsigned char byte = 0;
  for (const std::string &name : names)
    tensors.push_back({name.c_str(), TTC_DTYPE_U8, 1, huge, &byte});
  ttc_weights *out = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *e) {
    return ttc_weights_from_tensors(tensors.data(), tensors.size(), &out, e);
  });
  CHECK(outcome.mentions("[Overflow]"));
  CHECK(out == nullptr);
}

TEST_CASE("M23 sessions and states files without an argument") {
  FakeSession fake;
  ttc_session *session = fake.session;
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  int generation = 0;
  refusesNull("model", [&](ttc_error *e) {
    return ttc_session_create(nullptr, &session, e);
  });
  refusesNull("out", [&](ttc_error *e) {
    return ttc_session_create(fake.model, nullptr, e);
  });
  refusesNull("session", [&](ttc_error *e) {
    return ttc_session_save(nullptr, path.c_str(), e);
  });
  refusesNull("path", [&](ttc_error *e) {
    return ttc_session_save(fake.session, nullptr, e);
  });
  refusesNull("session", [&](ttc_error *e) {
    return ttc_session_load(nullptr, path.c_str(), 0, e);
  });
  refusesNull("path", [&](ttc_error *e) {
    return ttc_session_load(fake.session, nullptr, 0, e);
  });
  refusesNull("session", [&](ttc_error *e) {
    return ttc_session_load_latest(nullptr, path.c_str(), 0, &generation, e);
  });
  refusesNull("path", [&](ttc_error *e) {
    return ttc_session_load_latest(fake.session, nullptr, 0, &generation, e);
  });
  refusesNull("generation", [&](ttc_error *e) {
    return ttc_session_load_latest(fake.session, path.c_str(), 0, nullptr, e);
  });
  refusesNull("path",
              [&](ttc_error *e) { return ttc_states_verify(nullptr, e); });
  CHECK(session == fake.session);
  CHECK_FALSE(fileExists(path));
  // A flag that does not exist.
  for (int flags : {64, -1}) {
    CHECK(ttc_session_load(fake.session, path.c_str(), flags, nullptr) ==
          TTC_ERROR_ARGUMENT);
    CHECK(ttc_session_load_latest(fake.session, path.c_str(), flags,
                                  &generation, nullptr) == TTC_ERROR_ARGUMENT);
  }
}
