//===- StatesTest.cpp - Which tensors become states? ----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace {

/// The states of a batch.
std::vector<Tensor> statesOf(int64_t batch, float first = 1.0f) {
  return {Tensor("net.1.mem", {batch, FAKE_NEURONS}, first),
          Tensor("net.1.syn", {batch, FAKE_NEURONS}, first + 50)};
}

Outcome set(FakeSession &fake, std::vector<Tensor> tensors, int flags = 0,
            uint64_t timestep = 9) {
  std::vector<ttc_tensor> table = views(tensors);
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_set_states(fake.session, table.data(), table.size(),
                                  flags, timestep, error);
  });
}

/// Both to a session without states and to one with states of batch 2.
void refused(const std::vector<Tensor> &tensors, ttc_status code,
             const char *cause, const std::string &part = std::string(),
             int flags = 0) {
  for (int64_t batch : {0, 2}) {
    FakeSession fake;
    if (batch)
      fake.step(batch, 3);
    std::vector<float> before = fake.states();
    uint64_t timestep = ttc_session_timestep(fake.session);
    Outcome outcome = set(fake, tensors, flags);
    CAPTURE(outcome);
    CHECK(outcome.code == code);
    CHECK(outcome.mentions(std::string("[") + cause + "]"));
    CHECK(outcome.mentions(part));
    CHECK(fake.states() == before);
    CHECK(ttc_session_timestep(fake.session) == timestep);
  }
}

std::vector<float> flat(const std::vector<Tensor> &tensors) {
  std::vector<float> result;
  for (const Tensor &tensor : tensors)
    result.insert(result.end(), tensor.data.begin(), tensor.data.end());
  return result;
}

} // namespace

TEST_CASE("States that are set are copies") {
  FakeSession fake;
  std::vector<Tensor> tensors = statesOf(2);
  REQUIRE(set(fake, tensors).code == TTC_OK);
  CHECK(fake.states() == flat(tensors));
  CHECK(ttc_session_batch(fake.session) == 2);
  CHECK(ttc_session_timestep(fake.session) == 9);
  fake.step(2, 0);
  CHECK(fake.states() != flat(tensors));
  CHECK(flat(tensors) == flat(statesOf(2)));
}

TEST_CASE("K1 a state is missing") {
  refused({statesOf(2)[0]}, TTC_ERROR_MISSING, "MissingKey", "'net.1.syn'");
}

TEST_CASE("K2 a state too many") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors.emplace_back("net.3.mem", std::vector<int64_t>{2, 4});
  tensors.emplace_back("other", std::vector<int64_t>{1});
  refused(tensors, TTC_ERROR_UNEXPECTED, "UnexpectedKey", "'net.3.mem'");
  refused(tensors, TTC_ERROR_UNEXPECTED, "UnexpectedKey", "'other'");
}

TEST_CASE("K3 aliases") {
  std::vector<Tensor> tensors = statesOf(2);
  for (const char *alias : {"net._modules[1].mem", "_modules[net].1.mem",
                            "_modules[net]._modules[1].mem", ".net.1.mem",
                            "._modules[net]._modules[1].mem"}) {
    Tensor copy = tensors[0];
    copy.name = alias;
    tensors.push_back(copy);
  }
  FakeSession fake;
  REQUIRE(set(fake, tensors).code == TTC_OK);
  CHECK(fake.states() == flat(statesOf(2)));
  // An alias alone is enough.
  FakeSession alone;
  REQUIRE(set(alone, {tensors[1], tensors[4]}).code == TTC_OK);
  CHECK(alone.states() == flat(statesOf(2)));

  tensors[3].data[5] = -1;
  refused(tensors, TTC_ERROR_UNEXPECTED, "ConflictingAlias",
          "'net.1.mem' and '_modules[net].1.mem'");
  // The same numbers are not the same bits.
  tensors = statesOf(2);
  tensors[0].data[0] = 0.0f;
  tensors.push_back(tensors[0]);
  tensors.back().name = "net._modules[1].mem";
  tensors.back().data[0] = -0.0f;
  refused(tensors, TTC_ERROR_UNEXPECTED, "ConflictingAlias");
  // What only resembles an alias is a name.
  tensors = statesOf(2);
  tensors[0].name = "net.x_modules[1].mem";
  refused(tensors, TTC_ERROR_UNEXPECTED, "UnexpectedKey");
  tensors[0].name = "net._modules[1.mem";
  refused(tensors, TTC_ERROR_UNEXPECTED, "UnexpectedKey");
}

TEST_CASE("A state that is given twice") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors.push_back(tensors[0]);
  refused(tensors, TTC_ERROR_UNEXPECTED, "DuplicateKey");
}

TEST_CASE("K4 the wrong rank") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors[1].shape = {8};
  refused(tensors, TTC_ERROR_SHAPE, "RankMismatch",
          "'net.1.syn' has the shape [8], [batch, 4] is expected");
}

TEST_CASE("K5 the wrong size") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors[1] = Tensor("net.1.syn", {2, 5});
  refused(tensors, TTC_ERROR_SHAPE, "ShapeMismatch", "[2, 5]");
}

TEST_CASE("K6 batches that disagree") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors[1] = Tensor("net.1.syn", {3, 4});
  refused(tensors, TTC_ERROR_SHAPE, "BatchMismatch",
          "with batch 2, which 'net.1.mem' has");
}

TEST_CASE("K7 a batch that is not the session's") {
  FakeSession fake;
  fake.step(2, 0);
  std::vector<float> before = fake.states();
  Outcome outcome = set(fake, statesOf(3));
  CHECK(outcome.code == TTC_ERROR_SHAPE);
  CHECK(outcome.mentions("the session's states have batch 2"));
  CHECK(fake.states() == before);
  REQUIRE(ttc_session_zero(fake.session, nullptr) == TTC_OK);
  CHECK(set(fake, statesOf(3)).code == TTC_OK);

  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.batch = 2;
  FakeSession fixed(descriptor);
  CHECK(set(fixed, statesOf(3)).mentions("was compiled for batch 2"));
  CHECK(set(fixed, statesOf(2)).code == TTC_OK);
}

TEST_CASE("K8 the wrong dtype") {
  std::vector<Tensor> tensors = statesOf(2);
  tensors[0].dtype = TTC_DTYPE_I32;
  refused(tensors, TTC_ERROR_DTYPE, "DTypeMismatch",
          "'net.1.mem' is I32, F32 is expected");
}

TEST_CASE("K9 NaN and infinity are values") {
  std::vector<Tensor> tensors = statesOf(1);
  tensors[0].data[0] = std::numeric_limits<float>::quiet_NaN();
  tensors[0].data[1] = -std::numeric_limits<float>::infinity();
  FakeSession fake;
  REQUIRE(set(fake, tensors).code == TTC_OK);
  std::vector<float> states = fake.states();
  CHECK(std::isnan(states[0]));
  CHECK(states[1] == -std::numeric_limits<float>::infinity());
}

TEST_CASE("A subnormal comes back as zero of its sign") {
  std::vector<Tensor> tensors = statesOf(1);
  tensors[0].data[0] = std::numeric_limits<float>::denorm_min();
  tensors[0].data[1] = -1e-40f;
  tensors[0].data[2] = std::numeric_limits<float>::min();
  FakeSession fake;
  REQUIRE(set(fake, tensors).code == TTC_OK);
  std::vector<float> states = fake.states();
  CHECK(std::memcmp(&states[0], "\0\0\0\0", 4) == 0);
  CHECK(states[1] == 0.0f);
  CHECK(std::signbit(states[1]));
  CHECK(states[2] == std::numeric_limits<float>::min());
}

TEST_CASE("K10 no states at all are what a new session has") {
  FakeSession fake;
  CHECK(set(fake, {}, 0, 0).code == TTC_OK);
  CHECK(ttc_session_batch(fake.session) == TTC_BATCH);
  std::vector<float> first = fake.step(2, 0);
  fake.step(2, 1);
  CHECK(set(fake, {}, 0, 0).code == TTC_OK);
  CHECK(ttc_session_batch(fake.session) == TTC_BATCH);
  CHECK(ttc_session_timestep(fake.session) == 0);
  CHECK(fake.step(2, 0) == first);
}

TEST_CASE("K18 a batch of zero") {
  refused(statesOf(0), TTC_ERROR_SHAPE, "InvalidBatch");
}

TEST_CASE("K19 states beyond memory are refused before anything is allocated") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.states_size = {0, 1000};
  FakeSession fake(descriptor);
  REQUIRE(ttc_model_set_budget(fake.model, 1999, nullptr) == TTC_OK);
  Outcome outcome = set(fake, statesOf(2));
  CHECK(outcome.code == TTC_ERROR_MEMORY);
  CHECK(outcome.mentions("[BudgetExceeded]"));
  CHECK(ttc_session_batch(fake.session) == TTC_BATCH);
}

TEST_CASE(
    "Leniently, what is missing stays and what is unknown is passed over") {
  std::vector<Tensor> some = {statesOf(2)[1],
                              Tensor("other", std::vector<int64_t>{1})};
  FakeSession fresh;
  REQUIRE(set(fresh, some, TTC_LOAD_LENIENT).code == TTC_OK);
  std::vector<float> states = fresh.states();
  std::vector<float> expected(8, 0.0f);
  expected.insert(expected.end(), some[0].data.begin(), some[0].data.end());
  CHECK(states == expected);

  FakeSession live;
  live.step(2, 0);
  std::vector<float> before = live.states();
  REQUIRE(set(live, some, TTC_LOAD_LENIENT).code == TTC_OK);
  std::copy(before.begin(), before.begin() + 8, expected.begin());
  CHECK(live.states() == expected);
  CHECK(ttc_session_timestep(live.session) == 9);

  // Nothing at all changes nothing.
  REQUIRE(set(live, {}, TTC_LOAD_LENIENT).code == TTC_OK);
  CHECK(live.states() == expected);
  FakeSession none;
  REQUIRE(set(none, {}, TTC_LOAD_LENIENT).code == TTC_OK);
  CHECK(ttc_session_batch(none.session) == TTC_BATCH);

  // But what is there must fit.
  some[0] = Tensor("net.1.syn", {2, 5});
  refused(some, TTC_ERROR_SHAPE, "ShapeMismatch", "", TTC_LOAD_LENIENT);
}

TEST_CASE("States can be set from views of themselves, exchanged") {
  FakeSession fake;
  fake.step(2, 0);
  std::vector<float> before = fake.states();
  ttc_tensor states[2];
  for (size_t i = 0; i < 2; ++i)
    REQUIRE(ttc_session_state(fake.session, i, &states[i], nullptr) == TTC_OK);
  std::swap(states[0].name, states[1].name);
  REQUIRE(ttc_session_set_states(fake.session, states, 2, 0, 1, nullptr) ==
          TTC_OK);
  std::vector<float> after = fake.states();
  CHECK(std::equal(after.begin(), after.begin() + 8, before.begin() + 8));
  CHECK(std::equal(after.begin() + 8, after.end(), before.begin()));
}

TEST_CASE("Wrong arguments") {
  FakeSession fake;
  CHECK(ttc_session_set_states(fake.session, nullptr, 1, 0, 0, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_set_states(nullptr, nullptr, 0, 0, 0, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(set(fake, statesOf(1), 16).code == TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_load(fake.session, "x", 16, nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_load(fake.session, nullptr, 0, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_save(fake.session, nullptr, nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_load_latest(fake.session, "x", 0, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
}
