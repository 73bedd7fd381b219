//===- DtypesTest.cpp - Do other types than F32 do as well? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "ttc/runtime.hpp"
#include "weights/Widening.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace {

constexpr size_t half = 0, trace = 1, hidden = 2; ///< the states' indices

ttc_tensor stateOf(ttc_session *session, size_t index) {
  ttc_tensor state;
  REQUIRE(ttc_session_state(session, index, &state, nullptr) == TTC_OK);
  return state;
}

std::vector<int64_t> shapeOf(const ttc_tensor &tensor) {
  return {tensor.shape, tensor.shape + tensor.rank};
}

/// All states of a batch, each element of its own value.
std::vector<AnyTensor> statesOf(int64_t batch) {
  std::vector<uint16_t> halves, traces;
  std::vector<double> hiddens;
  for (int64_t b = 0; b < batch; ++b)
    halves.push_back(static_cast<uint16_t>(0x3C00 + b));
  for (int64_t i = 0; i < batch * MIXED_SIZE; ++i)
    traces.push_back(static_cast<uint16_t>(0x3F80 + i));
  for (int64_t i = 0; i < MIXED_LAYERS * batch * MIXED_SIZE; ++i)
    hiddens.push_back(0.1 * static_cast<double>(i));
  return {{"a.half", TTC_DTYPE_F16, {batch, 1}, halves},
          {"b.trace", TTC_DTYPE_BF16, {batch, MIXED_SIZE}, traces},
          {"rnn.h", TTC_DTYPE_F64, {MIXED_LAYERS, batch, MIXED_SIZE}, hiddens}};
}

Outcome set(MixedSession &mixed, std::vector<AnyTensor> tensors,
            int flags = 0) {
  std::vector<ttc_tensor> table = views(tensors);
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_set_states(mixed.session, table.data(), table.size(),
                                  flags, 9, error);
  });
}

/// Both to a session without states and to one with states of batch 2.
void refused(const std::vector<AnyTensor> &tensors, const char *cause,
             const std::string &part) {
  for (int64_t batch : {0, 2}) {
    MixedSession mixed;
    if (batch)
      mixed.step(batch, 3);
    std::string before = mixed.states();
    Outcome outcome = set(mixed, tensors);
    CAPTURE(outcome);
    CHECK(outcome.mentions(std::string("[") + cause + "]"));
    CHECK(outcome.mentions(part));
    CHECK(mixed.states() == before);
  }
}

/// What a step says of these ids, by all four ways to make it; they must agree,
/// and leave no states.
Outcome stepOn(std::vector<int64_t> ids) {
  const int64_t batch = static_cast<int64_t>(ids.size());
  std::vector<double> x = mixedInput(batch, 0), y(x.size());
  const int64_t idShape[] = {1, batch}, xShape[] = {1, batch, MIXED_SIZE};
  Outcome outcomes[4];
  for (int way = 0; way < 4; ++way) {
    MixedSession mixed;
    const bool run = way & 1;
    ttc_tensor in[] = {
        {nullptr, TTC_DTYPE_I64, 1 + run, idShape + !run, ids.data()},
        {nullptr, TTC_DTYPE_F64, 2 + run, xShape + !run, x.data()}};
    ttc_tensor out = {nullptr, TTC_DTYPE_F64, 2 + run, xShape + !run, y.data()};
    const void *inRaw[] = {ids.data(), x.data()};
    void *outRaw[] = {y.data()};
    outcomes[way] = outcomeOf([&](ttc_error *error) {
      return way == 0   ? ttc_session_step(mixed.session, in, &out, error)
             : way == 1 ? ttc_session_run(mixed.session, in, &out, error)
             : way == 2 ? ttc_session_step_raw(mixed.session, inRaw, outRaw,
                                               batch, error)
                        : ttc_session_run_raw(mixed.session, inRaw, outRaw,
                                              batch, 1, error);
    });
    CHECK(outcomes[way].message == outcomes[0].message);
    if (outcomes[way].code != TTC_OK) {
      CHECK(ttc_session_batch(mixed.session) == TTC_BATCH);
      CHECK(ttc_session_timestep(mixed.session) == 0);
      CHECK(mixed.generator().second == 0);
    }
  }
  return outcomes[0];
}

Outcome createMixed(std::vector<AnyTensor> tensors,
                    std::vector<double> *output = nullptr) {
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  MixedSession mixed;
  ttc_model *model = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_model_create(&ttc_model_mixed, weights, 1, &model, error);
  });
  ttc_weights_close(weights);
  if (outcome.code == TTC_OK && output) {
    ttc_session_close(mixed.session);
    ttc_model_close(mixed.model);
    mixed.model = model;
    REQUIRE(ttc_session_create(model, &mixed.session, nullptr) == TTC_OK);
    *output = mixed.step(3, 1);
  } else {
    ttc_model_close(model);
  }
  return outcome;
}

double valueOfF16(uint16_t bits) {
  int exponent = bits >> 10 & 0x1F, mantissa = bits & 0x3FF;
  double value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                 : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                                : std::ldexp(mantissa, -24);
  return bits & 0x8000 ? -value : value;
}

template <typename To, typename From>
To widened(From value, int32_t from, int32_t to) {
  To result;
  ttc::widen(&value, from, &result, to, 1);
  return result;
}

template <typename T> uint64_t bitsOf(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return bits;
}

} // namespace

TEST_CASE("The batch stands second in a stacked state") {
  MixedSession mixed;
  CHECK(shapeOf(stateOf(mixed.session, hidden)) ==
        std::vector<int64_t>{MIXED_LAYERS, TTC_BATCH, MIXED_SIZE});
  mixed.step(4, 0);
  CHECK(shapeOf(stateOf(mixed.session, half)) == std::vector<int64_t>{4, 1});
  CHECK(shapeOf(stateOf(mixed.session, trace)) ==
        std::vector<int64_t>{4, MIXED_SIZE});
  CHECK(shapeOf(stateOf(mixed.session, hidden)) ==
        std::vector<int64_t>{MIXED_LAYERS, 4, MIXED_SIZE});
  CHECK(ttc_session_batch(mixed.session) == 4);
  REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
  mixed.step(7, 0);
  CHECK(shapeOf(stateOf(mixed.session, hidden))[1] == 7);
}

TEST_CASE("A run is its steps, whatever the types") {
  MixedSession steps, whole;
  const int64_t T = 6, B = 3;
  std::vector<int64_t> ids;
  std::vector<double> x, expected;
  for (int t = 0; t < T; ++t) {
    std::vector<int64_t> i = mixedIds(B, t);
    std::vector<double> in = mixedInput(B, t), out = steps.step(B, t);
    ids.insert(ids.end(), i.begin(), i.end());
    x.insert(x.end(), in.begin(), in.end());
    expected.insert(expected.end(), out.begin(), out.end());
  }
  std::vector<double> y(x.size());
  const int64_t shape[] = {T, B, MIXED_SIZE};
  ttc_tensor in[] = {{nullptr, TTC_DTYPE_I64, 2, shape, ids.data()},
                     {nullptr, TTC_DTYPE_F64, 3, shape, x.data()}};
  ttc_tensor out = {nullptr, TTC_DTYPE_F64, 3, shape, y.data()};
  REQUIRE(ttc_session_run(whole.session, in, &out, nullptr) == TTC_OK);
  CHECK(y == expected);
  CHECK(whole.states() == steps.states());
}

TEST_CASE("M23 inputs of the wrong type are refused, and none is converted") {
  MixedSession mixed;
  std::vector<int64_t> ids = mixedIds(2, 0);
  std::vector<double> x = mixedInput(2, 0), y(6);
  const int64_t shape[] = {2, MIXED_SIZE};
  auto step = [&](int32_t idType, int32_t xType, int32_t yType) {
    ttc_tensor in[] = {{nullptr, idType, 1, shape, ids.data()},
                       {nullptr, xType, 2, shape, x.data()}};
    ttc_tensor out = {nullptr, yType, 2, shape, y.data()};
    return outcomeOf([&](ttc_error *error) {
      return ttc_session_step(mixed.session, in, &out, error);
    });
  };
  CHECK(step(TTC_DTYPE_I32, TTC_DTYPE_F64, TTC_DTYPE_F64)
            .mentions("'ids' is I32, I64 is expected"));
  CHECK(step(TTC_DTYPE_I64, TTC_DTYPE_F32, TTC_DTYPE_F64)
            .mentions("'x' is F32, F64 is expected"));
  CHECK(step(TTC_DTYPE_I64, TTC_DTYPE_F64, TTC_DTYPE_F32)
            .mentions("'y' is F32, F64 is expected"));
  CHECK(ttc_session_batch(mixed.session) == TTC_BATCH);
  CHECK(step(TTC_DTYPE_I64, TTC_DTYPE_F64, TTC_DTYPE_F64).code == TTC_OK);
  // Aligned to four bytes, not to eight.
  std::vector<float> room(2 + 12);
  void *odd = reinterpret_cast<uintptr_t>(room.data()) % 8 ? room.data()
                                                           : room.data() + 1;
  const void *in[] = {ids.data(), odd};
  void *out[] = {y.data()};
  CHECK(outcomeOf([&](ttc_error *error) {
          return ttc_session_step_raw(mixed.session, in, out, 2, error);
        }).mentions("no multiple of its element's 8 bytes"));
}

TEST_CASE("Integers beyond the limit are refused before a step") {
  CHECK(stepOn({0, MIXED_ROWS - 1}).code == TTC_OK);
  Outcome outcome = stepOn({1, 2, MIXED_ROWS});
  CHECK(outcome.code == TTC_ERROR_VALUE);
  CHECK(outcome.mentions(
      "The input 'ids' has the value 5 at [2]; 0 to 4 are possible."));
  CHECK(stepOn({-1}).mentions("the value -1 at [0]"));
  CHECK(stepOn({0, INT64_MIN}).mentions("the value -9223372036854775808"));
  CHECK(stepOn({0, INT64_MAX}).mentions("the value 9223372036854775807"));

  // After steps, and in a run, of which no step is made.
  MixedSession mixed;
  mixed.step(2, 0);
  std::string before = mixed.states();
  std::vector<int64_t> ids = {0, 1, 2, 3, 4, 7};
  std::vector<double> x(18), y(18);
  const void *in[] = {ids.data(), x.data()};
  void *out[] = {y.data()};
  outcome = outcomeOf([&](ttc_error *error) {
    return ttc_session_run_raw(mixed.session, in, out, 2, 3, error);
  });
  CHECK(outcome.mentions("the value 7 at [1] of timestep 2"));
  CHECK(mixed.states() == before);
  CHECK(ttc_session_timestep(mixed.session) == 1);
  CHECK(mixed.generator().second == 1);
  ids[5] = 0;
  CHECK(ttc_session_run_raw(mixed.session, in, out, 2, 3, nullptr) == TTC_OK);
}

TEST_CASE("Limits of I32, and of inputs with more dimensions") {
  static const int64_t shape[] = {TTC_BATCH, 2, 3};
  static const ttc_tensor_spec input = {"words", TTC_DTYPE_I32, 3, shape};
  static const ttc_tensor_spec output = {"y", TTC_DTYPE_F32, 3, shape};
  static const int64_t limit = 1000;
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.inputs = &input;
  descriptor.outputs = &output;
  descriptor.input_limits = &limit;
  descriptor.step = [](const void *const *, void *const *, const void *, void *,
                       void *, int64_t) {};
  FakeSession fake(descriptor);
  std::vector<int32_t> words(12, 999);
  std::vector<float> y(12);
  const void *in[] = {words.data()};
  void *out[] = {y.data()};
  auto step = [&] {
    return outcomeOf([&](ttc_error *error) {
      return ttc_session_step_raw(fake.session, in, out, 2, error);
    });
  };
  CHECK(step().code == TTC_OK);
  words[10] = 1000;
  CHECK(step().mentions("'words' has the value 1000 at [1, 1, 1]; 0 to 999"));
  words[10] = INT32_MIN;
  CHECK(step().mentions("the value -2147483648 at [1, 1, 1]"));
}

TEST_CASE("A limit that cannot be is refused with the model") {
  auto refusedLimits = [](int64_t ids, int64_t x) {
    const int64_t limits[] = {ids, x};
    ttc_model_descriptor descriptor = ttc_model_mixed;
    descriptor.input_limits = limits;
    ttc_model *model = nullptr;
    return outcomeOf([&](ttc_error *error) {
      return ttc_model_create(&descriptor, nullptr, 1, &model, error);
    });
  };
  CHECK(refusedLimits(-1, 0).mentions("[InvalidDescriptor]"));
  CHECK(refusedLimits(5, 5).mentions("'x', F64, has the limit 5"));
  CHECK(refusedLimits(5, 0).mentions("[MissingWeights]"));
}

TEST_CASE("States of every type are set, and refused, as those of F32") {
  MixedSession mixed;
  REQUIRE(set(mixed, statesOf(3)).code == TTC_OK);
  CHECK(ttc_session_batch(mixed.session) == 3);
  std::string expected;
  for (const AnyTensor &tensor : statesOf(3))
    expected.append(tensor.data.begin(), tensor.data.end());
  CHECK(mixed.states() == expected);

  std::vector<AnyTensor> tensors = statesOf(2);
  // K5: the layers are no batch.
  tensors[hidden].shape = {2, 3, 2};
  refused(tensors, "ShapeMismatch",
          "'rnn.h' has the shape [2, 3, 2], [2, batch, 3] is expected");
  tensors = statesOf(2);
  tensors[hidden] = statesOf(4)[hidden];
  tensors[hidden].shape = {4, 2, 3};
  refused(tensors, "ShapeMismatch", "[4, 2, 3]");
  // K6
  tensors = statesOf(2);
  tensors[hidden] = statesOf(5)[hidden];
  refused(tensors, "BatchMismatch",
          "'rnn.h' has the shape [2, 5, 3], [2, batch, 3] is expected with "
          "batch 2, which 'a.half' has");
  // K4
  tensors = statesOf(2);
  tensors[hidden].shape = {12};
  refused(tensors, "RankMismatch", "'rnn.h'");
  // K8: as many bytes are not the same type.
  tensors = statesOf(2);
  tensors[half].dtype = TTC_DTYPE_BF16;
  refused(tensors, "DTypeMismatch", "'a.half' is BF16, F16 is expected");
  tensors = statesOf(2);
  tensors[hidden].dtype = TTC_DTYPE_I64;
  refused(tensors, "DTypeMismatch", "'rnn.h' is I64, F64 is expected");
  // K18
  refused(statesOf(0), "InvalidBatch", "batch of at least 1");
}

TEST_CASE("K7 the batch of a stacked state alone") {
  MixedSession mixed;
  REQUIRE(set(mixed, {statesOf(3)[hidden]}, TTC_LOAD_LENIENT).code == TTC_OK);
  CHECK(ttc_session_batch(mixed.session) == 3);
  Outcome outcome = set(mixed, {statesOf(4)[hidden]}, TTC_LOAD_LENIENT);
  CHECK(outcome.mentions("'rnn.h' has batch 4, the session's states have "
                         "batch 3"));
}

TEST_CASE("Subnormals of BF16 come back as zero, those of F16 as they are") {
  std::vector<AnyTensor> tensors = statesOf(3);
  const uint16_t narrow[] = {0x0001, 0x8001, 0x0400};
  std::memcpy(tensors[half].data.data(), narrow, sizeof(narrow));
  const uint16_t brain[] = {0x0001, 0x807F, 0x0080};
  std::memcpy(tensors[trace].data.data(), brain, sizeof(brain));
  double least = std::numeric_limits<double>::denorm_min();
  std::memcpy(tensors[hidden].data.data(), &least, sizeof(least));
  MixedSession mixed;
  REQUIRE(set(mixed, tensors).code == TTC_OK);
  CHECK(std::memcmp(stateOf(mixed.session, half).data, narrow,
                    sizeof(narrow)) == 0);
  const uint16_t flushed[] = {0x0000, 0x8000, 0x0080};
  CHECK(std::memcmp(stateOf(mixed.session, trace).data, flushed,
                    sizeof(flushed)) == 0);
  CHECK(*static_cast<double *>(stateOf(mixed.session, hidden).data) == 0);
}

TEST_CASE("States of every type go through a file, to the bit") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  for (int stop = 0; stop < 4; ++stop) {
    MixedSession whole, before, after;
    for (int t = 0; t < stop; ++t) {
      whole.step(3, t);
      before.step(3, t);
    }
    REQUIRE(ttc_session_save(before.session, path.c_str(), nullptr) == TTC_OK);
    REQUIRE(ttc_states_verify(path.c_str(), nullptr) == TTC_OK);
    REQUIRE(ttc_session_load(after.session, path.c_str(), 0, nullptr) ==
            TTC_OK);
    CHECK(after.states() == before.states());
    for (int t = stop; t < stop + 3; ++t)
      CHECK(after.step(3, t) == whole.step(3, t));
    CHECK(after.states() == whole.states());
  }
  std::string bytes = readBytes(path);
  for (const char *part :
       {"\"a.half\":{\"dtype\":\"F16\",\"shape\":[3,1],\"data_offsets\":[0,6]}",
        "\"b.trace\":{\"dtype\":\"BF16\",\"shape\":[3,3],\"data_offsets\":[6,"
        "24]}",
        "\"rnn.h\":{\"dtype\":\"F64\",\"shape\":[2,3,3],"
        "\"data_offsets\":[24,168]}"}) {
    CAPTURE(part);
    CHECK(bytes.find(part) != std::string::npos);
  }
}

TEST_CASE("Every F16 and BF16 widens to its value") {
  for (uint32_t i = 0; i <= UINT16_MAX; ++i) {
    uint16_t bits = static_cast<uint16_t>(i);
    CAPTURE(bits);
    double expected = valueOfF16(bits);
    float single = widened<float>(bits, TTC_DTYPE_F16, TTC_DTYPE_F32);
    double wide = widened<double>(bits, TTC_DTYPE_F16, TTC_DTYPE_F64);
    // A NaN keeps its bits instead.
    uint64_t payload = uint64_t(bits & 0x3FF);
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(single));
      REQUIRE((bitsOf(single) & 0x7FFFFF) == payload << 13);
      REQUIRE((bitsOf(wide) & 0xFFFFFFFFFFFFF) == payload << 42);
      REQUIRE(std::signbit(single) == (bits >= 0x8000));
    } else {
      REQUIRE(bitsOf(single) == bitsOf(static_cast<float>(expected)));
      REQUIRE(bitsOf(wide) == bitsOf(expected));
    }
    uint32_t brain = i << 16;
    REQUIRE(bitsOf(widened<float>(bits, TTC_DTYPE_BF16, TTC_DTYPE_F32)) ==
            brain);
    float single2;
    std::memcpy(&single2, &brain, sizeof(single2));
    if (!std::isnan(single2))
      REQUIRE(bitsOf(widened<double>(bits, TTC_DTYPE_BF16, TTC_DTYPE_F64)) ==
              bitsOf(static_cast<double>(single2)));
  }
}

TEST_CASE("F32 widens to its value, at every exponent") {
  for (uint32_t sign : {0u, 1u})
    for (uint32_t exponent = 0; exponent < 256; ++exponent)
      for (uint32_t mantissa :
           {0u, 1u, 2u, 0x3FFFFFu, 0x400000u, 0x555555u, 0x7FFFFFu}) {
        uint32_t bits = sign << 31 | exponent << 23 | mantissa;
        CAPTURE(bits);
        float value;
        std::memcpy(&value, &bits, sizeof(value));
        double wide = widened<double>(bits, TTC_DTYPE_F32, TTC_DTYPE_F64);
        if (std::isnan(value))
          CHECK(std::isnan(wide));
        else
          CHECK(bitsOf(wide) == bitsOf(static_cast<double>(value)));
      }
}

TEST_CASE("M21 weights of a narrower float are those of the model's") {
  std::vector<AnyTensor> wide = mixedWeights();
  std::vector<double> expected, found;
  REQUIRE(createMixed(wide, &expected).code == TTC_OK);
  // All of them are numbers of F32, and of BF16.
  std::vector<AnyTensor> single, brain;
  for (const AnyTensor &tensor : wide) {
    std::vector<float> values;
    std::vector<uint16_t> cut;
    for (size_t i = 0; i < tensor.data.size(); i += sizeof(double)) {
      double value;
      std::memcpy(&value, tensor.data.data() + i, sizeof(value));
      values.push_back(static_cast<float>(value));
      REQUIRE(double(values.back()) == value);
      cut.push_back(static_cast<uint16_t>(bitsOf(values.back()) >> 16));
    }
    single.emplace_back(tensor.name, TTC_DTYPE_F32, tensor.shape, values);
    brain.emplace_back(tensor.name, TTC_DTYPE_BF16, tensor.shape, cut);
  }
  REQUIRE(createMixed(single, &found).code == TTC_OK);
  CHECK(found == expected);
  REQUIRE(createMixed(brain, &found).code == TTC_OK);
  CHECK(found == expected);
  // Each on its own.
  std::vector<AnyTensor> some = {brain[0], wide[1], single[2]};
  REQUIRE(createMixed(some, &found).code == TTC_OK);
  CHECK(found == expected);
}

TEST_CASE("M21 F16 weights of an F32 model, from a file, at odd addresses") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  // 1, 2, -0.5 and 2^-24; a threshold of 1.5.
  const uint16_t values[] = {0x3C00, 0x4000, 0xB800, 0x0001, 0x3E00};
  std::string data("!");
  data.append(reinterpret_cast<const char *>(values), sizeof(values));
  writeBytes(
      path,
      safetensors("{" + entry("a", "U8", "[1]", "[0,1]") + "," +
                      entry("net.1.raw_beta", "F16", "[4]", "[1,9]") + "," +
                      entry("net.1.threshold", "F16", "[]", "[9,11]") + "}",
                  data));
  ttc::Weights weights = ttc::Weights::open(path);
  ttc::Model narrow = ttc::Model::create(ttc_model_fake, &weights, false);
  Tensor beta("net.1.raw_beta", {4}), threshold("net.1.threshold", {}, 1.5f);
  beta.data = {1.0f, 2.0f, -0.5f, 0x1p-24f};
  ttc::Weights given =
      ttc::Weights::fromTensors({beta.view(), threshold.view()});
  ttc::Model wide = ttc::Model::create(ttc_model_fake, &given);
  CHECK(std::memcmp(ttc_model_prepared(narrow.get()),
                    ttc_model_prepared(wide.get()),
                    ttc_model_fake.prepared_size) == 0);
}

TEST_CASE("M21 a type that cannot be widened says what to do") {
  std::vector<AnyTensor> tensors = mixedWeights();
  tensors[0].dtype = TTC_DTYPE_I64;
  Outcome outcome = createMixed(tensors);
  CHECK(outcome.code == TTC_ERROR_DTYPE);
  CHECK(outcome.mentions(
      "'embed.weight' is I64, F64 is expected (convert it to F64)"));

  std::vector<AnyTensor> fake = {
      {"net.1.beta", TTC_DTYPE_F64, {4}, std::vector<double>(4, 0.5)},
      {"net.1.threshold", TTC_DTYPE_F32, {}, std::vector<float>{1}}};
  std::vector<ttc_tensor> table = views(fake);
  ttc::Weights weights = ttc::Weights::fromTensors(table);
  try {
    ttc::Model::create(ttc_model_fake, &weights);
    FAIL("an F64 was narrowed");
  } catch (const ttc::Error &error) {
    CHECK(error.code() == TTC_ERROR_DTYPE);
    CHECK(std::string(error.what())
              .find("'net.1.beta' is F64, F32 is expected (convert it to F32, "
                    "or compile the model for F64)") != std::string::npos);
  }
}

TEST_CASE("M21 some parameters raw, others effective") {
  std::vector<double> expected, found;
  std::vector<AnyTensor> tensors = mixedWeights();
  REQUIRE(createMixed(tensors, &expected).code == TTC_OK);
  double raw = 1.5;
  tensors[2] = {"rnn.beta",
                TTC_DTYPE_F64,
                {},
                std::vector<double>{1.0 / (1.0 + std::exp(-raw))}};
  REQUIRE(createMixed(tensors, &found).code == TTC_OK);
  CHECK(found == expected);
  tensors[1] = {
      "rnn.raw_bias",
      TTC_DTYPE_F64,
      {MIXED_SIZE},
      std::vector<double>{std::sinh(0.5), std::sinh(0.25), std::sinh(-0.125)}};
  REQUIRE(createMixed(tensors, &found).code == TTC_OK);
  for (size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-14));
}

TEST_CASE("Tensors of every type are written and read again") {
  TemporaryDirectory directory;
  std::string path = directory / "t.safetensors";
  std::vector<AnyTensor> tensors = statesOf(2);
  tensors.push_back({"ids", TTC_DTYPE_I64, {2}, std::vector<int64_t>{-1, 3}});
  std::vector<ttc_tensor> table = views(tensors);
  ttc::Weights::fromTensors(table).save(path);
  ttc::Weights read = ttc::Weights::open(path);
  REQUIRE(read.count() == 4);
  // In order of name.
  const size_t order[] = {0, 1, 3, 2};
  for (size_t i = 0; i < 4; ++i) {
    const AnyTensor &expected = tensors[order[i]];
    ttc_tensor tensor = read.at(i);
    CHECK(tensor.name == expected.name);
    CHECK(tensor.dtype == expected.dtype);
    CHECK(shapeOf(tensor) == expected.shape);
    CHECK(std::memcmp(tensor.data, expected.data.data(),
                      expected.data.size()) == 0);
  }
  std::string bytes = readBytes(path);
  // S46: over the file that they are mapped from.
  read.save(path);
  CHECK(readBytes(path) == bytes);
  CHECK(fileExists(path + ".prev"));
  // None at all are a file too.
  ttc::Weights::fromTensors({}).save(path);
  CHECK(ttc::Weights::open(path).count() == 0);
  for (const char *name : {"__metadata__", "\xFF"}) {
    AnyTensor wrong(name, TTC_DTYPE_F32, {1}, std::vector<float>{1});
    std::vector<AnyTensor> one = {wrong};
    std::vector<ttc_tensor> view = views(one);
    ttc::Weights weights = ttc::Weights::fromTensors(view);
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_save(weights.get(), path.c_str(), error);
    });
    CHECK(outcome.mentions("[InvalidName]"));
  }
  CHECK(ttc_weights_save(nullptr, path.c_str(), nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_save(read.get(), nullptr, nullptr) == TTC_ERROR_ARGUMENT);
}
