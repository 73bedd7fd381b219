//===- GeneratorTest.cpp - Who keeps the random numbers? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "ttc/runtime.hpp"

namespace {

using Numbers = std::pair<uint64_t, uint64_t>; ///< seed and position

void seed(MixedSession &mixed, uint64_t seed) {
  REQUIRE(ttc_session_seed(mixed.session, seed, nullptr) == TTC_OK);
}

Outcome load(MixedSession &mixed, const std::string &path, int flags,
             std::string *note = nullptr) {
  ttc_error error = {};
  ttc_status status =
      ttc_session_load(mixed.session, path.c_str(), flags, &error);
  CHECK(error.code == status);
  if (note)
    *note = error.message;
  return {status, error.message};
}

void save(MixedSession &mixed, const std::string &path) {
  REQUIRE(ttc_session_save(mixed.session, path.c_str(), nullptr) == TTC_OK);
}

/// The mixed model as it would be without random numbers, but for its step.
const ttc_model_descriptor withoutGenerator = [] {
  ttc_model_descriptor descriptor = ttc_model_mixed;
  descriptor.has_generator = 0;
  return descriptor;
}();

} // namespace

TEST_CASE("A seed decides the random numbers, a step uses up one position") {
  MixedSession a, b, c;
  CHECK(a.generator() == Numbers(0, 0));
  seed(b, 0);
  seed(c, 1);
  std::vector<double> first = a.step(2, 0);
  CHECK(b.step(2, 0) == first);
  CHECK(c.step(2, 0) != first);
  CHECK(a.generator() == Numbers(0, 1));
  CHECK(c.generator() == Numbers(1, 1));
  // The same input and states, but another position.
  REQUIRE(ttc_session_zero(a.session, nullptr) == TTC_OK);
  CHECK(a.step(2, 0) != first);
  CHECK(a.generator() == Numbers(0, 2));
  // Seeding begins again, whether there are states or not.
  REQUIRE(ttc_session_zero(a.session, nullptr) == TTC_OK);
  seed(a, 0);
  CHECK(a.step(2, 0) == first);
  seed(a, UINT64_MAX);
  CHECK(a.generator() == Numbers(UINT64_MAX, 0));
  CHECK(ttc_session_timestep(a.session) == 1);
}

TEST_CASE("A generator can be put anywhere") {
  MixedSession a, b;
  for (int t = 0; t < 3; ++t)
    a.step(2, 0);
  REQUIRE(ttc_session_zero(a.session, nullptr) == TTC_OK);
  REQUIRE(ttc_session_set_generator(b.session, 0, 3, nullptr) == TTC_OK);
  CHECK(b.step(2, 0) == a.step(2, 0));
  REQUIRE(ttc_session_set_generator(b.session, 7, UINT64_MAX, nullptr) ==
          TTC_OK);
  CHECK(b.generator() == Numbers(7, UINT64_MAX));
}

TEST_CASE("Zeroing keeps seed and position, in any block") {
  MixedSession mixed;
  seed(mixed, 5);
  for (int64_t batch : {2, 2, 3, 1}) {
    mixed.step(batch, 0);
    Numbers before = mixed.generator();
    REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
    CHECK(mixed.generator() == before);
    REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
    CHECK(mixed.generator() == before);
  }
  CHECK(mixed.generator() == Numbers(5, 4));
}

TEST_CASE("States that are set through memory leave seed and position alone") {
  MixedSession from, to;
  seed(from, 3);
  from.step(2, 0);
  seed(to, 8);
  to.step(2, 1);
  to.step(2, 2);
  std::vector<ttc_tensor> states(3);
  for (size_t i = 0; i < 3; ++i)
    REQUIRE(ttc_session_state(from.session, i, &states[i], nullptr) == TTC_OK);
  REQUIRE(ttc_session_set_states(to.session, states.data(), 3, 0, 1, nullptr) ==
          TTC_OK);
  CHECK(to.states() == from.states());
  CHECK(to.generator() == Numbers(8, 2));
  // Some of them, none of them leniently, and none of them at all.
  REQUIRE(ttc_session_set_states(to.session, states.data(), 1, TTC_LOAD_LENIENT,
                                 1, nullptr) == TTC_OK);
  CHECK(to.generator() == Numbers(8, 2));
  REQUIRE(ttc_session_set_states(to.session, nullptr, 0, TTC_LOAD_LENIENT, 1,
                                 nullptr) == TTC_OK);
  CHECK(to.generator() == Numbers(8, 2));
  REQUIRE(ttc_session_set_states(to.session, nullptr, 0, 0, 0, nullptr) ==
          TTC_OK);
  CHECK(ttc_session_batch(to.session) == TTC_BATCH);
  CHECK(to.generator() == Numbers(8, 2));
  to.step(2, 0);
  CHECK(to.generator() == Numbers(8, 3));
}

TEST_CASE("A states file brings seed and position") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  MixedSession saved;
  seed(saved, 18446744073709551615u);
  saved.step(2, 0);
  saved.step(2, 1);
  save(saved, path);
  std::string bytes = readBytes(path);
  CHECK(bytes.find("\"ttc.rng_position\":\"2\"") != std::string::npos);
  CHECK(bytes.find("\"ttc.rng_seed\":\"18446744073709551615\"") !=
        std::string::npos);
  MixedSession fresh, live;
  seed(live, 4);
  live.step(2, 5);
  for (MixedSession *session : {&fresh, &live}) {
    std::string note = "?";
    REQUIRE(load(*session, path, 0, &note).code == TTC_OK);
    CHECK(note.empty());
    CHECK(session->generator() == Numbers(UINT64_MAX, 2));
  }
  std::vector<double> next = saved.step(2, 2);
  CHECK(fresh.step(2, 2) == next);
  CHECK(live.step(2, 2) == next);

  // K10: before the first step too.
  MixedSession early;
  seed(early, 6);
  save(early, path);
  REQUIRE(load(live, path, 0).code == TTC_OK);
  CHECK(ttc_session_batch(live.session) == TTC_BATCH);
  CHECK(live.generator() == Numbers(6, 0));
  CHECK(live.step(2, 0) == early.step(2, 0));
}

TEST_CASE("A states file without seed and position") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  MixedSession plain(withoutGenerator), mixed;
  plain.step(2, 0);
  save(plain, path);
  CHECK(readBytes(path).find("ttc.rng") == std::string::npos);
  seed(mixed, 11);
  mixed.step(2, 3);
  std::string before = mixed.states();
  Outcome outcome = load(mixed, path, 0);
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("[MissingGenerator]"));
  CHECK(outcome.mentions("TTC_LOAD_LENIENT"));
  CHECK(mixed.states() == before);
  std::string note;
  REQUIRE(load(mixed, path, TTC_LOAD_LENIENT, &note).code == TTC_OK);
  CHECK(note.find("has no seed and position for the random numbers of the "
                  "model 'mixed': those of the session stay, seed 11 and "
                  "position 1.") != std::string::npos);
  CHECK(mixed.states() == plain.states());
  CHECK(mixed.generator() == Numbers(11, 1));
}

TEST_CASE("A states file with the seed of a model that uses none") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  MixedSession mixed, plain(withoutGenerator);
  seed(mixed, 2);
  mixed.step(2, 0);
  save(mixed, path);
  Outcome outcome = load(plain, path, 0);
  CHECK(outcome.code == TTC_ERROR_UNEXPECTED);
  CHECK(outcome.mentions("[UnexpectedGenerator]"));
  CHECK(plain.states().empty());
  std::string note;
  REQUIRE(load(plain, path, TTC_LOAD_LENIENT, &note).code == TTC_OK);
  CHECK(note.find("which the model 'mixed' does not draw") !=
        std::string::npos);
  CHECK(plain.states() == mixed.states());
  CHECK(plain.generator() == Numbers(0, 0));
}

TEST_CASE("A file that others made says what was not verified") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  fake.step(1, 0);
  writeBytes(
      path,
      safetensors("{" + entry("net.1.mem", "F32", "[1,4]", "[0,16]") + "," +
                      entry("net.1.syn", "F32", "[1,4]", "[16,32]") + "}",
                  std::string(32, '\0')));
  ttc_error error = {};
  REQUIRE(ttc_session_load(fake.session, path.c_str(), TTC_LOAD_UNVERIFIED,
                           &error) == TTC_OK);
  CHECK(error.code == TTC_OK);
  CHECK(std::string(error.message).find("only its keys, shapes and dtypes") !=
        std::string::npos);
}

TEST_CASE("The generation before says that it was taken") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  std::vector<AnyTensor> tensors = mixedWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc::Weights weights = ttc::Weights::fromTensors(table);
  ttc::Model model = ttc::Model::create(ttc_model_mixed, &weights);
  ttc::Session session(model);
  session.seed(21);
  session.save(path);
  session.seed(22);
  session.save(path);
  std::string bytes = readBytes(path), note = "?";
  CHECK(session.loadLatest(path, TTC_LOAD_STRICT, &note) == 0);
  CHECK(note.empty());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  writeBytes(path, bytes);
  CHECK(session.loadLatest(path, TTC_LOAD_STRICT, &note) == 1);
  CHECK(note.find("s.safetensors'") != std::string::npos);
  CHECK(note.find("The generation before has taken its place.") !=
        std::string::npos);
  CHECK(session.generator().seed == 21);
  session.setGenerator({1, 2});
  CHECK(session.generator().position == 2);
}

TEST_CASE("A model without random numbers keeps a seed for nothing") {
  FakeSession fake, other;
  REQUIRE(ttc_session_seed(fake.session, 9, nullptr) == TTC_OK);
  CHECK(fake.step(2, 0) == other.step(2, 0));
  CHECK(fake.states() == other.states());
  uint64_t seed = 0, position = 1;
  REQUIRE(ttc_session_generator(fake.session, &seed, &position, nullptr) ==
          TTC_OK);
  CHECK(seed == 9);
  CHECK(position == 0);
}

TEST_CASE("A model of random numbers alone takes another batch at every step") {
  ttc_model_descriptor descriptor = ttc_model_mixed;
  descriptor.num_states = 0;
  descriptor.states_size = {16, 0};
  descriptor.step = [](const void *const *, void *const *, const void *,
                       void *states, void *,
                       int64_t) { ++static_cast<uint64_t *>(states)[1]; };
  MixedSession mixed(descriptor);
  seed(mixed, 3);
  for (int64_t batch : {1, 4, 2})
    mixed.step(batch, 0);
  CHECK(mixed.generator() == Numbers(3, 3));
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  save(mixed, path);
  MixedSession resumed(descriptor);
  REQUIRE(load(resumed, path, 0).code == TTC_OK);
  CHECK(resumed.generator() == Numbers(3, 3));
  resumed.step(5, 0);
  CHECK(resumed.generator() == Numbers(3, 4));
}

TEST_CASE("A descriptor that leaves no room for the generator") {
  auto refused = [](const ttc_model_descriptor &descriptor) {
    MixedSession mixed(descriptor);
    std::vector<int64_t> ids = mixedIds(1, 0);
    std::vector<double> x = mixedInput(1, 0), y(x.size());
    const void *in[] = {ids.data(), x.data()};
    void *out[] = {y.data()};
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_session_step_raw(mixed.session, in, out, 1, error);
    });
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("generator"));
    CHECK(mixed.states().empty());
  };
  std::vector<ttc_state_spec> states(ttc_model_mixed.states,
                                     ttc_model_mixed.states + 3);
  states[2].offset = {8, 0};
  ttc_model_descriptor descriptor = ttc_model_mixed;
  descriptor.states = states.data();
  refused(descriptor);
  descriptor = ttc_model_mixed;
  descriptor.num_states = 0;
  descriptor.states_size = {8, 0};
  refused(descriptor);
  descriptor = ttc_model_mixed;
  descriptor.has_generator = 2;
  ttc_model *model = nullptr;
  CHECK(ttc_model_create(&descriptor, nullptr, 1, &model, nullptr) ==
        TTC_ERROR_FORMAT);
}

TEST_CASE("Wrong arguments") {
  MixedSession mixed;
  uint64_t number = 0;
  CHECK(ttc_session_seed(nullptr, 1, nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_set_generator(nullptr, 1, 1, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_generator(nullptr, &number, &number, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_generator(mixed.session, nullptr, &number, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_generator(mixed.session, &number, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
}
