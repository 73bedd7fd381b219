//===- ModelTest.cpp - Which models and weights are refused? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "support/Checksum.h"
#include "support/CpuFeatures.h"
#include "ttc/runtime.hpp"

#include <cmath>
#include <cstring>
#include <sys/stat.h>

namespace {

Outcome create(const ttc_model_descriptor &descriptor,
               std::vector<Tensor> tensors, bool strict = true,
               ttc_model **kept = nullptr) {
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  ttc_model *model = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_create(&descriptor, weights, strict, &model, error);
  });
  ttc_weights_close(weights);
  if (outcome.code != TTC_OK)
    CHECK(model == nullptr);
  if (kept)
    *kept = model;
  else
    ttc_model_close(model);
  return outcome;
}

Outcome createWithout(const ttc_model_descriptor &descriptor) {
  ttc_model *model = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_create(&descriptor, nullptr, 1, &model, error);
  });
  ttc_model_close(model);
  return outcome;
}

/// The first output of a step of a new session, as bits of threshold and beta.
std::vector<float> firstMem(ttc_model *model) {
  ttc_session *session = nullptr;
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
  float x[FAKE_NEURONS] = {1, 1, 1, 1}, y[FAKE_NEURONS];
  const void *in[] = {x};
  void *out[] = {y};
  for (int i = 0; i < 2; ++i)
    REQUIRE(ttc_session_step_raw(session, in, out, 1, nullptr) == TTC_OK);
  ttc_tensor mem;
  REQUIRE(ttc_session_state(session, 0, &mem, nullptr) == TTC_OK);
  const float *data = static_cast<const float *>(mem.data);
  std::vector<float> result(data, data + FAKE_NEURONS);
  ttc_session_close(session);
  return result;
}

} // namespace

TEST_CASE("M21 weights in raw and in effective form give the same model") {
  std::vector<Tensor> raw = {Tensor("net.1.raw_beta", {FAKE_NEURONS}, 0.5f),
                             Tensor("net.1.raw_threshold", {}, 1.0f)};
  std::vector<Tensor> effective = {Tensor("net.1.beta", {FAKE_NEURONS}),
                                   Tensor("net.1.threshold", {})};
  for (size_t i = 0; i < FAKE_NEURONS; ++i)
    effective[0].data[i] = 1.0f / (1.0f + std::exp(-raw[0].data[i]));
  effective[1].data[0] = std::log1p(std::exp(raw[1].data[0]));
  ttc_model *a = nullptr, *b = nullptr;
  REQUIRE(create(ttc_model_fake, raw, true, &a).code == TTC_OK);
  REQUIRE(create(ttc_model_fake, effective, true, &b).code == TTC_OK);
  CHECK(firstMem(a) == firstMem(b));
  ttc_model_close(a);
  ttc_model_close(b);
}

TEST_CASE("M21 a parameter in both forms, or in none") {
  std::vector<Tensor> both = fakeWeights();
  both.emplace_back("net.1.beta", std::vector<int64_t>{FAKE_NEURONS});
  Outcome outcome = create(ttc_model_fake, both);
  CHECK(outcome.code == TTC_ERROR_UNEXPECTED);
  CHECK(outcome.mentions("both 'net.1.raw_beta' and 'net.1.beta'"));
  outcome = create(ttc_model_fake, {fakeWeights()[0]});
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("neither 'net.1.raw_threshold' nor "
                         "'net.1.threshold'"));
}

TEST_CASE("M21 everything that is wrong is said at once") {
  std::vector<Tensor> wrong = {Tensor("net.1.raw_beta", {3}),
                               Tensor("net.2.weight", {2, 2})};
  Outcome outcome = create(ttc_model_fake, wrong);
  CHECK(outcome.code == TTC_ERROR_SHAPE);
  CHECK(outcome.mentions("'net.1.raw_beta' has the shape [3], [4] is"));
  CHECK(outcome.mentions("net.1.threshold"));
  CHECK(outcome.mentions("'net.2.weight' belongs to no layer"));
}

TEST_CASE("M21 a key too many is an error only strictly") {
  std::vector<Tensor> more = fakeWeights();
  more.emplace_back("extra", std::vector<int64_t>{1});
  CHECK(create(ttc_model_fake, more).code == TTC_ERROR_UNEXPECTED);
  CHECK(create(ttc_model_fake, more, /*strict=*/false).code == TTC_OK);
  CHECK(create(ttc_model_fake, {fakeWeights()[0]}, false).code ==
        TTC_ERROR_MISSING);
}

TEST_CASE("M21 the wrong dtype or rank") {
  std::vector<Tensor> weights = fakeWeights();
  weights[0].dtype = TTC_DTYPE_I32;
  Outcome outcome = create(ttc_model_fake, weights);
  CHECK(outcome.code == TTC_ERROR_DTYPE);
  CHECK(outcome.mentions("'net.1.raw_beta' is I32, F32 is expected"));
  weights = fakeWeights();
  weights[1].shape = {1};
  outcome = create(ttc_model_fake, weights);
  CHECK(outcome.mentions("'net.1.threshold' has the shape [1], [] is"));
  CHECK(outcome.mentions("[RankMismatch]"));
}

TEST_CASE("S19 a dtype that only the format knows, where a parameter is") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(
      path,
      safetensors("{" + entry("net.1.beta", "F8_E4M3", "[4]", "[0,4]") + "," +
                      entry("net.1.threshold", "F32", "[]", "[4,8]") + "}",
                  std::string(8, '\0')));
  ttc_model *model = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_open(FAKE_LIBRARY, path.c_str(), &model, error);
  });
  CHECK(outcome.code == TTC_ERROR_DTYPE);
  CHECK(outcome.mentions("[UnsupportedDType]"));
  CHECK(outcome.mentions("w.safetensors"));
}

TEST_CASE("Weights that are not there") {
  Outcome outcome = createWithout(ttc_model_fake);
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("'net.1.beta'"));
}

TEST_CASE("Weights that were compiled in") {
  alignas(64) static unsigned char prepared[64] = {};
  ttc_model_descriptor descriptor = ttc_model_fake;
  const float values[] = {0.5f, 0.5f, 0.5f, 0.5f, 0.75f};
  std::memcpy(prepared, values, sizeof(values));
  descriptor.prepared = prepared;
  CHECK(createWithout(descriptor).code == TTC_OK);
  std::string right =
      ttc::checksumText(ttc::crc32c(prepared, descriptor.prepared_size));
  descriptor.prepared_checksum = right.c_str();
  CHECK(createWithout(descriptor).code == TTC_OK);
  descriptor.prepared_checksum = "00000000";
  CHECK(createWithout(descriptor).code == TTC_ERROR_CHECKSUM);
  // Weights that are given come first.
  CHECK(create(descriptor, fakeWeights()).code == TTC_OK);
  descriptor.prepared = prepared + 4;
  CHECK(createWithout(descriptor).code == TTC_ERROR_FORMAT);
}

TEST_CASE("M24 a model of another version") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.abi_version = TTC_ABI_VERSION + 1;
  Outcome outcome = create(descriptor, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_VERSION);
  CHECK(outcome.mentions("Compile it again"));
  descriptor = ttc_model_fake;
  descriptor.descriptor_size -= 8;
  CHECK(create(descriptor, fakeWeights()).code == TTC_ERROR_VERSION);
  // Fields that were added at the end are no reason.
  descriptor.descriptor_size += 16;
  CHECK(create(descriptor, fakeWeights()).code == TTC_OK);
}

TEST_CASE("M24 the first alternative that this machine can run is taken") {
  ttc_model_descriptor foreign = ttc_model_fake, odd = ttc_model_fake;
  foreign.target_triple = "sparc64-unknown-linux-gnu";
  odd.cpu_features = "telepathy";
  foreign.alternative = &odd;
  odd.alternative = &ttc_model_fake;
  ttc_model *model = nullptr;
  REQUIRE(create(foreign, fakeWeights(), true, &model).code == TTC_OK);
  CHECK(ttc_model_get_descriptor(model) == &ttc_model_fake);
  ttc_model_close(model);

  // None: what the last one lacks is said.
  odd.alternative = nullptr;
  Outcome outcome = create(foreign, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("telepathy"));
  // Every one of them is looked at before it is believed.
  ttc_model_descriptor old = ttc_model_fake;
  old.abi_version = 1;
  odd.alternative = &old;
  CHECK(create(foreign, fakeWeights()).code == TTC_ERROR_VERSION);
  odd.alternative = &foreign;
  outcome = create(foreign, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_FORMAT);
  CHECK(outcome.mentions("more than 64 alternatives"));
}

TEST_CASE("M24 a model for another machine") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.target_triple = "sparc64-unknown-linux-gnu";
  Outcome outcome = create(descriptor, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("[WrongArchitecture]"));
#if defined(__x86_64__)
  descriptor = ttc_model_fake;
  descriptor.cpu_features = "+sse2,-avx512f,,sse,64bit,cx8,cmov";
  CHECK(create(descriptor, fakeWeights()).code == TTC_OK);
  // fma4 is AMD's, of 2011 to 2017; amx-complex is Intel's, of 2024.
  descriptor.cpu_features = "sse2,fma4,amx-complex";
  outcome = create(descriptor, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("[MissingCpuFeature]"));
  descriptor.cpu_features = "sse2,telepathy";
  outcome = create(descriptor, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_TARGET);
  CHECK(outcome.mentions("telepathy"));
  // The registers of a matrix unit are asked for.
  descriptor.cpu_features = "amx-tile,amx-bf16";
  outcome = create(descriptor, fakeWeights());
  ttc::Status asked = ttc::requestMatrixRegisters("The model 'net'");
  if (outcome.code == TTC_OK) {
    CHECK(!asked.failed());
  } else {
    CHECK(outcome.code == TTC_ERROR_TARGET);
    CHECK((outcome.mentions("amx-tile") || outcome.mentions("AMX")));
    CHECK(asked.failed());
    CHECK(asked.message().find("--mcpu=cooperlake") != std::string::npos);
  }
  // The compiler's own answers.
  descriptor.cpu_features = "avx2";
  CHECK((create(descriptor, fakeWeights()).code == TTC_OK) ==
        bool(__builtin_cpu_supports("avx2")));
  descriptor.cpu_features = "avx512f";
  CHECK((create(descriptor, fakeWeights()).code == TTC_OK) ==
        bool(__builtin_cpu_supports("avx512f")));
  descriptor.cpu_features = "fma";
  CHECK((create(descriptor, fakeWeights()).code == TTC_OK) ==
        bool(__builtin_cpu_supports("fma")));
#endif
}

TEST_CASE("A descriptor that breaks the contract") {
  auto refused = [](const ttc_model_descriptor &descriptor) {
    Outcome outcome = create(descriptor, fakeWeights());
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("[InvalidDescriptor]"));
  };
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.name = nullptr;
  refused(descriptor);
  descriptor = ttc_model_fake;
  descriptor.schema_fingerprint = nullptr;
  refused(descriptor);
  descriptor = ttc_model_fake;
  descriptor.step = nullptr;
  refused(descriptor);
  descriptor = ttc_model_fake;
  descriptor.batch = 0;
  refused(descriptor);
  descriptor = ttc_model_fake;
  descriptor.inputs = nullptr;
  refused(descriptor);

  const int64_t batchLast[] = {4, TTC_BATCH};
  ttc_tensor_spec input = {"x", TTC_DTYPE_F32, 2, batchLast};
  descriptor = ttc_model_fake;
  descriptor.inputs = &input;
  refused(descriptor);
  const int64_t huge[] = {TTC_BATCH, INT64_MAX, 4};
  input = {"x", TTC_DTYPE_F32, 3, huge};
  refused(descriptor);
  input = {"x", 99, 1, huge + 2};
  refused(descriptor);

  ttc_state_spec swapped[] = {ttc_model_fake.states[1],
                              ttc_model_fake.states[0]};
  descriptor = ttc_model_fake;
  descriptor.states = swapped;
  refused(descriptor);
}

TEST_CASE("M22 weights that do not fit into memory") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.prepared_size = uint64_t(1) << 60;
  Outcome outcome = create(descriptor, fakeWeights());
  CHECK(outcome.code == TTC_ERROR_MEMORY);
  CHECK(outcome.mentions("[BudgetExceeded]"));
}

TEST_CASE("A model lives until its last session is closed") {
  ttc_model *model = nullptr;
  REQUIRE(create(ttc_model_fake, fakeWeights(), true, &model).code == TTC_OK);
  ttc_session *session = nullptr;
  REQUIRE(ttc_session_create(model, &session, nullptr) == TTC_OK);
  ttc_model_close(model);
  float x[FAKE_NEURONS] = {}, y[FAKE_NEURONS];
  const void *in[] = {x};
  void *out[] = {y};
  CHECK(ttc_session_step_raw(session, in, out, 1, nullptr) == TTC_OK);
  ttc_session_close(session);
}

TEST_CASE("A model from a shared library") {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc::Weights weights = ttc::Weights::fromTensors(table);
  ttc::Model model = ttc::Model::open(FAKE_LIBRARY, weights);
  CHECK(std::string(model.descriptor().name) == "fake");
  ttc::Session session(model);
  Tensor x("x", {1, FAKE_NEURONS}, 2), y("y", {1, FAKE_NEURONS});
  session.step(x.view(), y.view());
  CHECK(session.timestep() == 1);
  CHECK(session.batch() == 1);
  CHECK(y.data == std::vector<float>(FAKE_NEURONS, 1.0f));
  session.zero();
  CHECK(session.batch() == TTC_BATCH);
  Tensor wrong("x", {1, FAKE_NEURONS + 1});
  try {
    session.step(wrong.view(), y.view());
    FAIL("a wrong shape was taken");
  } catch (const ttc::Error &error) {
    CHECK(error.code() == TTC_ERROR_SHAPE);
    CHECK(std::string(error.what()).find("'x'") != std::string::npos);
  }
}

TEST_CASE("A library that is none") {
  TemporaryDirectory directory;
  auto open = [](const std::string &path) {
    ttc_model *model = nullptr;
    return outcomeOf([&](ttc_error *error) {
      return ttc_model_open(path.c_str(), nullptr, &model, error);
    });
  };
  CHECK(open(directory / "none.so").code == TTC_ERROR_NOT_FOUND);
  CHECK(open(directory / ".").code == TTC_ERROR_IO);
  std::string text = directory / "text.so";
  writeBytes(text, "not an object");
  CHECK(open(text).code == TTC_ERROR_FORMAT);
  std::string pipe = directory / "pipe.so";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(open(pipe).code == TTC_ERROR_IO);
  // The C library itself is no model.
  Outcome outcome = open("/proc/self/exe");
  CHECK(outcome.code != TTC_OK);
}

TEST_CASE("Null arguments") {
  ttc_model *model = nullptr;
  CHECK(ttc_model_create(nullptr, nullptr, 1, &model, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_model_create(&ttc_model_fake, nullptr, 1, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_model_open(nullptr, nullptr, &model, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_model_get_descriptor(nullptr) == nullptr);
  ttc_model_close(nullptr);
  ttc_weights_close(nullptr);
  ttc_session_close(nullptr);
}

TEST_CASE("Names of dtypes and statuses") {
  for (int32_t dtype = TTC_DTYPE_F32; dtype <= TTC_DTYPE_BOOL; ++dtype) {
    CHECK(ttc_dtype_name(dtype) != nullptr);
    CHECK(ttc_dtype_size(dtype) > 0);
  }
  CHECK(std::string(ttc_dtype_name(TTC_DTYPE_BF16)) == "BF16");
  CHECK(ttc_dtype_name(0) == nullptr);
  CHECK(ttc_dtype_size(99) == 0);
  for (int status = TTC_OK; status <= TTC_ERROR_DEVICE; ++status)
    CHECK(std::string(ttc_status_name(static_cast<ttc_status>(status))) !=
          "unknown");
}
