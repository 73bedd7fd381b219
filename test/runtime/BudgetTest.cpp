//===- BudgetTest.cpp - Is memory counted before it is taken? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

namespace {

Outcome stepRaw(ttc_session *session, const void *x, void *y, int64_t batch) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_step_raw(session, &x, &y, batch, error);
  });
}

} // namespace

TEST_CASE("M22 a model of which no session fits into memory is not loaded") {
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  auto refused = [&](const ttc_model_descriptor &descriptor, const char *part,
                     const char *cause) {
    ttc_model *model = nullptr;
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_model_create(&descriptor, weights, 1, &model, error);
    });
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_MEMORY);
    CHECK(outcome.mentions(part));
    CHECK(outcome.mentions(cause));
    CHECK(model == nullptr);
  };
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.scratch_size = {0, uint64_t(1) << 60};
  refused(descriptor, "the scratch memory", "[BudgetExceeded]");
  descriptor.batch = 16;
  refused(descriptor, "at batch 16", "[Overflow]");
  descriptor = ttc_model_fake;
  descriptor.states_size = {uint64_t(1) << 60, 32};
  refused(descriptor, "the set of states", "[BudgetExceeded]");
  ttc_weights_close(weights);
}

TEST_CASE("M22 K19 a budget is kept before anything is allocated") {
  FakeSession fake;
  const uint64_t row = 2 * FAKE_NEURONS * sizeof(float);
  REQUIRE(ttc_model_set_budget(fake.model, 3 * row, nullptr) == TTC_OK);
  std::vector<float> x(64), y(64);
  Outcome outcome = stepRaw(fake.session, x.data(), y.data(), 4);
  CHECK(outcome.code == TTC_ERROR_MEMORY);
  CHECK(outcome.mentions("[BudgetExceeded]"));
  CHECK(outcome.mentions("128 bytes are needed, the model's budget is 96"));
  CHECK(ttc_session_batch(fake.session) == TTC_BATCH);
  CHECK(stepRaw(fake.session, x.data(), y.data(), 3).code == TTC_OK);

  // A session that is there goes on; a copy of it would be a new one.
  REQUIRE(ttc_model_set_budget(fake.model, row, nullptr) == TTC_OK);
  CHECK(stepRaw(fake.session, x.data(), y.data(), 3).code == TTC_OK);
  ttc_session *copy = nullptr;
  CHECK(ttc_session_fork(fake.session, &copy, nullptr) == TTC_ERROR_MEMORY);
  CHECK(copy == nullptr);
  REQUIRE(ttc_model_set_budget(fake.model, 0, nullptr) == TTC_OK);
  CHECK(ttc_session_fork(fake.session, &copy, nullptr) == TTC_OK);
  ttc_session_close(copy);

  // Scratch memory alone.
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.scratch_size = {0, 1000};
  FakeSession wide(descriptor);
  REQUIRE(ttc_model_set_budget(wide.model, 3000, nullptr) == TTC_OK);
  outcome = stepRaw(wide.session, x.data(), y.data(), 4);
  CHECK(outcome.mentions("the scratch memory of the model 'fake' at batch 4"));
  CHECK(outcome.mentions("[BudgetExceeded]"));
  CHECK(ttc_session_batch(wide.session) == TTC_BATCH);
  CHECK(stepRaw(wide.session, x.data(), y.data(), 3).code == TTC_OK);
  CHECK(ttc_model_set_budget(nullptr, 1, nullptr) == TTC_ERROR_ARGUMENT);
}

TEST_CASE("What a session needs is known before its first step") {
  FakeSession fake;
  uint64_t states = 0, scratch = 0;
  REQUIRE(ttc_model_session_bytes(fake.model, 3, &states, &scratch, nullptr) ==
          TTC_OK);
  CHECK(states == 3 * 2 * FAKE_NEURONS * sizeof(float));
  CHECK(scratch == 3 * FAKE_NEURONS * sizeof(float));
  auto refused = [&](const ttc_model *model, int64_t batch) {
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_model_session_bytes(model, batch, &states, &scratch, error);
    });
    CHECK(states == 3 * 2 * FAKE_NEURONS * sizeof(float));
    return outcome;
  };
  CHECK(refused(fake.model, 0).mentions("[InvalidBatch]"));
  CHECK(refused(fake.model, INT64_MAX).mentions("[Overflow]"));
  CHECK(refused(nullptr, 1).code == TTC_ERROR_ARGUMENT);
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.batch = 2;
  FakeSession fixed(descriptor);
  CHECK(refused(fixed.model, 3).mentions("compiled for batch 2"));
  CHECK(ttc_model_session_bytes(fake.model, 1, nullptr, &scratch, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_model_session_bytes(fake.model, 1, &states, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
}
