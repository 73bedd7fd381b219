//===- StateAccessTest.cpp - Is one state, or one row, what was asked? ----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "ttc/runtime.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace {

constexpr int64_t N = FAKE_NEURONS;

Outcome get(const ttc_session *session, const char *name, void *data,
            size_t bytes) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_get_state(session, name, data, bytes, error);
  });
}

std::vector<float> get(const FakeSession &fake, const char *name,
                       int64_t batch) {
  std::vector<float> state(static_cast<size_t>(batch * N));
  REQUIRE(get(fake.session, name, state.data(), state.size() * sizeof(float))
              .code == TTC_OK);
  return state;
}

Outcome set(ttc_session *session, const ttc_tensor &tensor) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_set_state(session, &tensor, error);
  });
}

Outcome zeroRows(ttc_session *session, const std::vector<uint8_t> &rows) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_zero_rows(session, rows.data(), rows.size(), error);
  });
}

std::vector<float> concatenated(std::vector<float> first,
                                const std::vector<float> &second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

} // namespace

TEST_CASE("A state is copied by key") {
  FakeSession fake;
  fake.step(2, 0);
  fake.step(2, 1);
  std::vector<float> mem = get(fake, "net.1.mem", 2);
  CHECK(concatenated(mem, get(fake, "net.1.syn", 2)) == fake.states());
  CHECK(get(fake, "net._modules[1].mem", 2) == mem);
  fake.step(2, 2);
  CHECK(get(fake, "net.1.mem", 2) != mem);
}

TEST_CASE("A state that cannot be copied says why") {
  FakeSession fake;
  float room[4 * N] = {};
  Outcome outcome = get(fake.session, "net.1.mem", room, sizeof(room));
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("[AbsentState]"));
  CHECK(outcome.mentions("'net.1.mem'"));
  fake.step(2, 0);
  outcome = get(fake.session, "net.2.mem", room, sizeof(room));
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("[MissingKey]"));
  CHECK(outcome.mentions("it has 'net.1.mem', 'net.1.syn'"));
  for (size_t bytes : {size_t(0), 2 * N * sizeof(float) - 1, sizeof(room)}) {
    outcome = get(fake.session, "net.1.mem", room, bytes);
    CHECK(outcome.code == TTC_ERROR_SHAPE);
    CHECK(outcome.mentions("[2, 4] and 32 bytes"));
    CHECK(outcome.mentions("[SizeMismatch]"));
  }
  for (float element : room)
    CHECK(element == 0);
  CHECK(get(fake.session, "net.1.mem", nullptr, 32).code == TTC_ERROR_ARGUMENT);
  CHECK(get(fake.session, nullptr, room, 32).code == TTC_ERROR_ARGUMENT);
  CHECK(get(nullptr, "net.1.mem", room, 32).code == TTC_ERROR_ARGUMENT);
}

TEST_CASE("One state is replaced, the others stay") {
  FakeSession fake;
  fake.step(2, 0);
  std::vector<float> mem = get(fake, "net.1.mem", 2);
  Tensor syn("net.1.syn", {2, N}, 3);
  REQUIRE(set(fake.session, syn.view()).code == TTC_OK);
  CHECK(get(fake, "net.1.mem", 2) == mem);
  CHECK(get(fake, "net.1.syn", 2) == syn.data);
  CHECK(ttc_session_timestep(fake.session) == 1);
  // By an alias, and from a view of another of its states.
  ttc_tensor view;
  REQUIRE(ttc_session_state(fake.session, 1, &view, nullptr) == TTC_OK);
  view.name = "_modules[net]._modules[1].mem";
  REQUIRE(set(fake.session, view).code == TTC_OK);
  CHECK(get(fake, "net.1.mem", 2) == syn.data);
}

TEST_CASE("Where no states exist, the others become zero") {
  FakeSession fake, given;
  Tensor mem("net.1.mem", {3, N}, 1);
  REQUIRE(set(fake.session, mem.view()).code == TTC_OK);
  CHECK(ttc_session_batch(fake.session) == 3);
  CHECK(get(fake, "net.1.syn", 3) == std::vector<float>(3 * N, 0.0f));
  // As if both had been given.
  std::vector<Tensor> both = {mem, Tensor("net.1.syn", {3, N})};
  both[1].data.assign(3 * N, 0);
  std::vector<ttc_tensor> table = views(both);
  REQUIRE(ttc_session_set_states(given.session, table.data(), 2, 0, 0,
                                 nullptr) == TTC_OK);
  CHECK(fake.step(3, 5) == given.step(3, 5));
}

TEST_CASE("K1 to K8 of one state") {
  for (int64_t batch : {0, 2}) {
    FakeSession fake;
    if (batch)
      fake.step(batch, 0);
    std::vector<float> before = fake.states();
    auto refused = [&](ttc_tensor tensor, ttc_status code, const char *cause) {
      Outcome outcome = set(fake.session, tensor);
      CAPTURE(outcome);
      CHECK(outcome.code == code);
      CHECK(outcome.mentions(std::string("[") + cause + "]"));
      CHECK(fake.states() == before);
    };
    Tensor unknown("net.2.mem", {2, N}), flat("net.1.mem", {2 * N}),
        wide("net.1.mem", {2, N + 1}), none("net.1.mem", {0, N}),
        integers("net.1.mem", {2, N}), tall("net.1.mem", {3, N});
    refused(unknown.view(), TTC_ERROR_MISSING, "MissingKey");
    refused(flat.view(), TTC_ERROR_SHAPE, "RankMismatch");
    refused(wide.view(), TTC_ERROR_SHAPE, "ShapeMismatch");
    refused(none.view(), TTC_ERROR_SHAPE, "InvalidBatch");
    integers.dtype = TTC_DTYPE_I32;
    refused(integers.view(), TTC_ERROR_DTYPE, "DTypeMismatch");
    if (batch)
      refused(tall.view(), TTC_ERROR_SHAPE, "BatchMismatch");
    ttc_tensor nothing = tall.view();
    nothing.data = nullptr;
    refused(nothing, TTC_ERROR_ARGUMENT, "NullPointer");
    CHECK(ttc_session_set_state(fake.session, nullptr, nullptr) ==
          TTC_ERROR_ARGUMENT);
    CHECK(ttc_session_set_state(nullptr, &nothing, nullptr) ==
          TTC_ERROR_ARGUMENT);
  }
}

TEST_CASE("One state is zeroed") {
  FakeSession fake;
  // There is none yet: all are zero.
  CHECK(ttc_session_zero_state(fake.session, "net.1.mem", nullptr) == TTC_OK);
  CHECK(ttc_session_batch(fake.session) == TTC_BATCH);
  fake.step(2, 0);
  std::vector<float> syn = get(fake, "net.1.syn", 2);
  REQUIRE(ttc_session_zero_state(fake.session, "net._modules[1].mem",
                                 nullptr) == TTC_OK);
  CHECK(get(fake, "net.1.mem", 2) == std::vector<float>(2 * N, 0.0f));
  CHECK(get(fake, "net.1.syn", 2) == syn);
  CHECK(ttc_session_timestep(fake.session) == 1);
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_zero_state(fake.session, "mem", error);
  });
  CHECK(outcome.code == TTC_ERROR_MISSING);
  CHECK(outcome.mentions("[MissingKey]"));
  CHECK(ttc_session_zero_state(fake.session, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_zero_state(nullptr, "net.1.mem", nullptr) ==
        TTC_ERROR_ARGUMENT);
}

TEST_CASE("Rows that are zeroed begin again, the others go on") {
  FakeSession fake, fresh, untouched;
  for (int t = 0; t < 5; ++t) {
    fake.step(4, t);
    untouched.step(4, t);
  }
  REQUIRE(zeroRows(fake.session, {1, 0, 0, 255}).code == TTC_OK);
  CHECK(ttc_session_timestep(fake.session) == 5);
  std::vector<float> mixed = fake.step(4, 5), begun = fresh.step(4, 5),
                     gone = untouched.step(4, 5);
  for (size_t row = 0; row < 4; ++row)
    for (size_t i = row * N; i < (row + 1) * N; ++i)
      CHECK(mixed[i] == (row == 0 || row == 3 ? begun : gone)[i]);
  REQUIRE(zeroRows(fake.session, {0, 0, 0, 0}).code == TTC_OK);
  CHECK(fake.states() != fresh.states());
  REQUIRE(zeroRows(fake.session, {1, 1, 1, 1}).code == TTC_OK);
  CHECK(fake.states() == std::vector<float>(8 * N, 0.0f));
}

TEST_CASE("Rows of stacked states are zeroed in every layer") {
  MixedSession mixed;
  mixed.step(3, 0);
  mixed.step(3, 1);
  double before[MIXED_LAYERS][3][MIXED_SIZE],
      after[MIXED_LAYERS][3][MIXED_SIZE];
  REQUIRE(get(mixed.session, "rnn.h", before, sizeof(before)).code == TTC_OK);
  REQUIRE(zeroRows(mixed.session, {0, 1, 0}).code == TTC_OK);
  REQUIRE(get(mixed.session, "rnn.h", after, sizeof(after)).code == TTC_OK);
  for (int layer = 0; layer < MIXED_LAYERS; ++layer)
    for (int row = 0; row < 3; ++row)
      for (int i = 0; i < MIXED_SIZE; ++i) {
        CHECK(before[layer][row][i] != 0);
        CHECK(after[layer][row][i] == (row == 1 ? 0 : before[layer][row][i]));
      }
  uint16_t half[3];
  REQUIRE(get(mixed.session, "a.half", half, sizeof(half)).code == TTC_OK);
  CHECK(half[0] != 0);
  CHECK(half[1] == 0);
  CHECK(half[2] != 0);
  // The generator is no row.
  CHECK(mixed.generator() == std::pair<uint64_t, uint64_t>(0, 2));
}

TEST_CASE("Rows that do not fit the batch are refused") {
  FakeSession fake;
  // Without states any number may be meant.
  CHECK(zeroRows(fake.session, {1, 1}).code == TTC_OK);
  fake.step(3, 0);
  std::vector<float> before = fake.states();
  for (size_t count : {0, 2, 4}) {
    Outcome outcome =
        zeroRows(fake.session, std::vector<uint8_t>(count, uint8_t(1)));
    CHECK(outcome.code == TTC_ERROR_SHAPE);
    CHECK(outcome.mentions("the batch of the session is 3"));
    CHECK(fake.states() == before);
  }
  CHECK(ttc_session_zero_rows(fake.session, nullptr, 3, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_zero_rows(nullptr, nullptr, 0, nullptr) ==
        TTC_ERROR_ARGUMENT);
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.batch = 2;
  FakeSession fixed(descriptor);
  CHECK(zeroRows(fixed.session, {1}).mentions("the model 'fake' is 2"));
}

TEST_CASE("States without a batch have no rows") {
  // The first state is one vector for all rows.
  static const int64_t vector[] = {N}, batched[] = {TTC_BATCH, N};
  static const ttc_state_spec states[] = {
      {{"net.1.mean", TTC_DTYPE_F32, 1, vector}, {0, 0}},
      {{"net.1.mem", TTC_DTYPE_F32, 2, batched}, {16, 0}}};
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.states = states;
  descriptor.states_size = {16, 16};
  FakeSession fake(descriptor);
  Tensor mean("net.1.mean", {N}, 1), mem("net.1.mem", {2, N}, 2);
  // Alone it does not say for which batch.
  CHECK(set(fake.session, mean.view()).mentions("[UnknownBatch]"));
  REQUIRE(set(fake.session, mem.view()).code == TTC_OK);
  REQUIRE(set(fake.session, mean.view()).code == TTC_OK);
  REQUIRE(zeroRows(fake.session, {1, 1}).code == TTC_OK);
  std::vector<float> data(N);
  REQUIRE(get(fake.session, "net.1.mean", data.data(), 16).code == TTC_OK);
  CHECK(data == mean.data);
  CHECK(get(fake, "net.1.mem", 2) == std::vector<float>(2 * N, 0.0f));
}

TEST_CASE("A fork goes its own way") {
  MixedSession mixed, alone;
  REQUIRE(ttc_session_seed(mixed.session, 7, nullptr) == TTC_OK);
  REQUIRE(ttc_session_seed(alone.session, 7, nullptr) == TTC_OK);
  for (int t = 0; t < 3; ++t) {
    mixed.step(2, t);
    alone.step(2, t);
  }
  MixedSession other;
  ttc_session_close(other.session);
  other.session = nullptr;
  REQUIRE(ttc_session_fork(mixed.session, &other.session, nullptr) == TTC_OK);
  CHECK(other.states() == alone.states());
  CHECK(other.generator() == alone.generator());
  CHECK(ttc_session_timestep(other.session) == 3);
  CHECK(ttc_session_batch(other.session) == 2);
  // Neither sees what the other does.
  mixed.step(2, 9);
  CHECK(other.states() == alone.states());
  CHECK(other.step(2, 3) == alone.step(2, 3));
  REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
  CHECK(other.step(2, 4) == alone.step(2, 4));
  CHECK(other.states() == alone.states());

  // Before the first step, too.
  FakeSession fake, twin;
  ttc_session_close(twin.session);
  twin.session = nullptr;
  REQUIRE(ttc_session_fork(fake.session, &twin.session, nullptr) == TTC_OK);
  CHECK(ttc_session_batch(twin.session) == TTC_BATCH);
  CHECK(twin.step(3, 0) == fake.step(3, 0));
  CHECK(ttc_session_fork(nullptr, &twin.session, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_session_fork(fake.session, nullptr, nullptr) == TTC_ERROR_ARGUMENT);
}

TEST_CASE("A detached session goes on as it was") {
  FakeSession fake, other;
  fake.step(2, 0);
  other.step(2, 0);
  CHECK(ttc_session_detach(fake.session, nullptr) == TTC_OK);
  CHECK(fake.states() == other.states());
  CHECK(fake.step(2, 1) == other.step(2, 1));
  CHECK(ttc_session_detach(nullptr, nullptr) == TTC_ERROR_ARGUMENT);
}

TEST_CASE("K9 elements that are NaN or infinite are counted, or refused") {
  FakeSession fake;
  std::vector<Tensor> tensors = {Tensor("net.1.mem", {2, N}, 1),
                                 Tensor("net.1.syn", {2, N}, 1)};
  tensors[0].data[1] = std::numeric_limits<float>::quiet_NaN();
  tensors[0].data[2] = -std::numeric_limits<float>::infinity();
  tensors[0].data[7] = std::numeric_limits<float>::infinity();
  tensors[1].data[0] = -std::numeric_limits<float>::quiet_NaN();
  std::vector<ttc_tensor> table = views(tensors);
  auto setAll = [&](int flags, ttc_error *error) {
    return ttc_session_set_states(fake.session, table.data(), 2, flags, 0,
                                  error);
  };
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return setAll(TTC_LOAD_REFUSE_NONFINITE, error);
  });
  CHECK(outcome.code == TTC_ERROR_VALUE);
  CHECK(outcome.mentions("[NonFiniteState]"));
  CHECK(outcome.mentions("3 of 8 elements of 'net.1.mem' are NaN or infinite"));
  CHECK(outcome.mentions("1 of 8 elements of 'net.1.syn'"));
  CHECK(fake.states().empty());

  ttc_error note = {};
  REQUIRE(setAll(0, &note) == TTC_OK);
  CHECK(note.code == TTC_OK);
  CHECK(std::string(note.message) ==
        "3 of 8 elements of 'net.1.mem' are NaN or infinite. "
        "1 of 8 elements of 'net.1.syn' are NaN or infinite.");

  // A states file of them; neither what is there nor the flag is lost.
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  REQUIRE(ttc_session_save(fake.session, path.c_str(), nullptr) == TTC_OK);
  FakeSession other;
  other.step(1, 0);
  std::vector<float> before = other.states();
  outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_load(other.session, path.c_str(),
                            TTC_LOAD_REFUSE_NONFINITE, error);
  });
  CHECK(outcome.code == TTC_ERROR_SHAPE); // all that is wrong, in one sentence
  CHECK(outcome.mentions("3 of 8 elements"));
  CHECK(other.states() == before);
  REQUIRE(ttc_session_zero(other.session, nullptr) == TTC_OK);
  int generation = 0;
  CHECK(ttc_session_load_latest(other.session, path.c_str(),
                                TTC_LOAD_REFUSE_NONFINITE, &generation,
                                nullptr) == TTC_ERROR_VALUE);
  CHECK(ttc_session_batch(other.session) == TTC_BATCH);
  REQUIRE(ttc_session_load(other.session, path.c_str(), 0, &note) == TTC_OK);
  CHECK(std::string(note.message).find("3 of 8") == 0);
  // One state alone.
  REQUIRE(ttc_session_set_state(fake.session, &table[1], &note) == TTC_OK);
  CHECK(std::string(note.message).find("1 of 8") == 0);
  tensors[1].data[0] = 0;
  REQUIRE(ttc_session_set_state(fake.session, &table[1], &note) == TTC_OK);
  CHECK(std::string(note.message).empty());
}

TEST_CASE("K9 of the other types") {
  MixedSession mixed;
  mixed.step(2, 0);
  ttc_error note = {};
  const int64_t shape[] = {2, MIXED_SIZE}, one[] = {2, 1},
                stacked[] = {MIXED_LAYERS, 2, MIXED_SIZE};
  // The largest finite ones beside infinities.
  uint16_t trace[] = {0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0, 0xFF7F};
  ttc_tensor tensor = {"b.trace", TTC_DTYPE_BF16, 2, shape, trace};
  REQUIRE(ttc_session_set_state(mixed.session, &tensor, &note) == TTC_OK);
  CHECK(std::string(note.message).find("3 of 6 elements of 'b.trace'") == 0);
  uint16_t half[] = {0x7BFF, 0xFC00};
  tensor = {"a.half", TTC_DTYPE_F16, 2, one, half};
  REQUIRE(ttc_session_set_state(mixed.session, &tensor, &note) == TTC_OK);
  CHECK(std::string(note.message).find("1 of 2 elements of 'a.half'") == 0);
  double h[MIXED_LAYERS * 2 * MIXED_SIZE] = {std::numeric_limits<double>::max(),
                                             std::nan("")};
  tensor = {"rnn.h", TTC_DTYPE_F64, 3, stacked, h};
  REQUIRE(ttc_session_set_state(mixed.session, &tensor, &note) == TTC_OK);
  CHECK(std::string(note.message).find("1 of 12 elements of 'rnn.h'") == 0);
}

TEST_CASE("K22 no state is converted to the model's type") {
  MixedSession mixed;
  mixed.step(2, 0);
  std::string before = mixed.states();
  const int64_t stacked[] = {MIXED_LAYERS, 2, MIXED_SIZE};
  float narrow[MIXED_LAYERS * 2 * MIXED_SIZE] = {};
  ttc_tensor tensor = {"rnn.h", TTC_DTYPE_F32, 3, stacked, narrow};
  CHECK(set(mixed.session, tensor).mentions("'rnn.h' is F32, F64 is expected"));
  CHECK(mixed.states() == before);
}

TEST_CASE("The C++ face of sessions") {
  std::vector<Tensor> tensors = fakeWeights();
  ttc::Weights weights = ttc::Weights::fromTensors(views(tensors));
  ttc::Model model = ttc::Model::create(ttc_model_fake, &weights);
  ttc::SessionBytes bytes = model.sessionBytes(2);
  CHECK(bytes.states == 64);
  CHECK(bytes.scratch == 32);
  ttc::Session session(model);
  Tensor x("x", {2, N}, 1), y("y", {2, N});
  session.step(x.view(), y.view());
  ttc::Session copy = session.fork();
  CHECK(copy.timestep() == 1);
  std::vector<float> mem(2 * N), syn(2 * N);
  copy.state("net.1.mem", mem.data(), 32);
  copy.zero("net.1.mem");
  Tensor given("net.1.syn", {2, N}, 4);
  copy.setState(given.view());
  copy.state("net.1.syn", syn.data(), 32);
  CHECK(syn == given.data);
  copy.zeroRows({0, 1});
  copy.detach();
  copy.state("net.1.syn", syn.data(), 32);
  for (size_t i = 0; i < 2 * N; ++i)
    CHECK(syn[i] == (i < N ? given.data[i] : 0));
  session.state("net.1.syn", syn.data(), 32);
  CHECK(syn != given.data);
  CHECK_THROWS_AS(copy.state("net.1.syn", syn.data(), 31), ttc::Error);
  CHECK_THROWS_AS(copy.zero("syn"), ttc::Error);
  CHECK_THROWS_AS(copy.zeroRows({1}), ttc::Error);
  std::string note;
  given.data[0] = std::nanf("");
  copy.setState(given.view(), &note);
  CHECK(note == "1 of 8 elements of 'net.1.syn' are NaN or infinite.");
  model.setBudget(63);
  CHECK_THROWS_AS(session.fork(), ttc::Error);
  CHECK_THROWS_AS(model.sessionBytes(0), ttc::Error);
}
