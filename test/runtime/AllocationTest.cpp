//===- AllocationTest.cpp - Does every allocation that fails show? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All allocations of this program are counted, one of them can be made to fail,
// and the bytes that are held are known.
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "support/SystemCalls.h"

#include <cstdlib>
#include <malloc.h>
#include <new>

// What glibc says of its heap holds where no sanitizer has put its own there.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OTHER_HEAP
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define OTHER_HEAP
#endif
#if defined(__GLIBC__) && !defined(OTHER_HEAP)
#define GLIBC_HEAP
#endif

namespace {

uint64_t allocations = 0;
/// Bytes that are allocated, but for aligned blocks that were released again.
uint64_t bytesHeld = 0;
int64_t untilFailure = -1; ///< -1 for never

bool fails() {
  ++allocations;
  return untilFailure >= 0 && untilFailure-- == 0;
}

void *allocate(size_t size) {
  void *block = fails() ? nullptr : std::malloc(size ? size : 1);
  if (!block)
    throw std::bad_alloc();
  bytesHeld += ::malloc_usable_size(block);
  return block;
}

void release(void *block) {
  if (block)
    bytesHeld -= ::malloc_usable_size(block);
  std::free(block);
}

const ttc::SystemCalls realCalls = ttc::systemCalls;

/// For its life, blocks that the runtime allocates are counted and fail too.
struct CountBlocks {
  CountBlocks() {
    ttc::systemCalls.allocateAligned = [](size_t alignment,
                                          size_t size) -> void * {
      void *block =
          fails() ? nullptr : realCalls.allocateAligned(alignment, size);
      if (block)
        bytesHeld += ::malloc_usable_size(block);
      return block;
    };
  }
  ~CountBlocks() {
    ttc::systemCalls = realCalls;
    untilFailure = -1;
  }
};

/// Calls until no allocation fails any more; each failure must be reported as
/// one, and `unchanged` must hold after it.
template <typename Call, typename Unchanged>
int failEach(Call &&call, Unchanged &&unchanged) {
  for (int turn = 0;; ++turn) {
    ttc_error error = {};
    ttc_status status;
    bool reached;
    {
      CountBlocks counting;
      untilFailure = turn;
      status = call(&error);
      reached = untilFailure < 0;
    }
    if (!reached) {
      REQUIRE(status == TTC_OK);
      return turn;
    }
    CAPTURE(turn);
    REQUIRE(status == TTC_ERROR_MEMORY);
    REQUIRE(std::string(error.message).find("[OutOfMemory]") !=
            std::string::npos);
    unchanged();
  }
}

} // namespace

// The standard library's own forms of these call the two that are replaced.
void *operator new(size_t size) { return allocate(size); }
void operator delete(void *block) noexcept { release(block); }
void operator delete(void *block, size_t) noexcept { release(block); }

TEST_CASE("No step allocates after the first of its batch") {
  for (int64_t threads : {1, 2}) {
    CAPTURE(threads);
    FakeSession fake;
    REQUIRE(ttc_session_set_threads(fake.session, threads, nullptr) == TTC_OK);
    Tensor x("x", {2, FAKE_NEURONS}, 1), y("y", {2, FAKE_NEURONS});
    ttc_tensor in = x.view(), out = y.view();
    const int64_t steps[] = {3, 2, FAKE_NEURONS};
    std::vector<float> xs(24, 1.0f), ys(24);
    ttc_tensor ins = {nullptr, TTC_DTYPE_F32, 3, steps, xs.data()};
    ttc_tensor outs = {nullptr, TTC_DTYPE_F32, 3, steps, ys.data()};
    const void *inRaw[] = {x.data.data()};
    void *outRaw[] = {y.data.data()};
    CountBlocks counting;
    REQUIRE(ttc_session_step(fake.session, &in, &out, nullptr) == TTC_OK);
    uint64_t before = allocations;
    for (int round = 0; round < 10; ++round) {
      REQUIRE(ttc_session_step(fake.session, &in, &out, nullptr) == TTC_OK);
      REQUIRE(ttc_session_step_raw(fake.session, inRaw, outRaw, 2, nullptr) ==
              TTC_OK);
      REQUIRE(ttc_session_run(fake.session, &ins, &outs, nullptr) == TTC_OK);
      const void *insRaw[] = {xs.data()};
      void *outsRaw[] = {ys.data()};
      REQUIRE(ttc_session_run_raw(fake.session, insRaw, outsRaw, 2, 3,
                                  nullptr) == TTC_OK);
      // Nor when the states begin again.
      REQUIRE(ttc_session_zero(fake.session, nullptr) == TTC_OK);
    }
    CHECK(allocations == before);
  }
}

TEST_CASE("Nor when the batch changes from step to step") {
  ttc_model_descriptor descriptor = ttc_model_fake;
  descriptor.num_states = 0;
  descriptor.states = nullptr;
  descriptor.states_size = {0, 0};
  descriptor.step = [](const void *const *, void *const *, const void *, void *,
                       void *scratch, int64_t batch) {
    static_cast<float *>(scratch)[batch * FAKE_NEURONS - 1] = 1;
  };
  FakeSession fake(descriptor);
  CountBlocks counting;
  std::vector<float> x(64), y(64);
  const void *in[] = {x.data()};
  void *out[] = {y.data()};
  REQUIRE(ttc_session_step_raw(fake.session, in, out, 9, nullptr) == TTC_OK);
  uint64_t before = allocations;
  for (int64_t batch : {1, 7, 9, 2, 7, 9, 1})
    REQUIRE(ttc_session_step_raw(fake.session, in, out, batch, nullptr) ==
            TTC_OK);
  CHECK(allocations == before);
}

TEST_CASE("A session is its states and at most 256 bytes") {
  constexpr size_t count = 10'000;
  FakeSession fake;
  uint64_t statesBytes = 0, scratchBytes = 0;
  REQUIRE(ttc_model_session_bytes(fake.model, 3, &statesBytes, &scratchBytes,
                                  nullptr) == TTC_OK);
  std::vector<ttc_session *> sessions(count);
  std::vector<float> x(3 * FAKE_NEURONS), y(x.size());
  const void *in[] = {x.data()};
  void *out[] = {y.data()};
  REQUIRE(ttc_session_step_raw(fake.session, in, out, 3, nullptr) == TTC_OK);
  CountBlocks counting;
  const uint64_t before = bytesHeld;
#if defined(GLIBC_HEAP)
  const size_t inUseBefore = ::mallinfo2().uordblks;
#endif
  for (ttc_session *&session : sessions) {
    REQUIRE(ttc_session_create(fake.model, &session, nullptr) == TTC_OK);
    REQUIRE(ttc_session_step_raw(session, in, out, 3, nullptr) == TTC_OK);
  }
  const uint64_t each = (bytesHeld - before + count - 1) / count;
  MESSAGE(each << " bytes a session, of which " << statesBytes
               << " are its states");
  CHECK(each > statesBytes);
  CHECK(each <= statesBytes + 256);
#if defined(GLIBC_HEAP)
  // With what the allocator adds to each block.
  const size_t inUse = (::mallinfo2().uordblks - inUseBefore) / count;
  MESSAGE(inUse << " bytes with the allocator's own");
  CHECK(inUse <= statesBytes + 256);
#endif
  for (ttc_session *session : sessions)
    ttc_session_close(session);
}

TEST_CASE("K23 every allocation that fails is reported and changes nothing") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession saved;
  saved.step(2, 0);

  int turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_save(saved.session, path.c_str(), error);
      },
      [&] { REQUIRE(!fileExists(path)); });
  CHECK(turns > 5);

  FakeSession fake;
  fake.step(2, 1);
  std::vector<float> before = fake.states();
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_load(fake.session, path.c_str(), 0, error);
      },
      [&] {
        REQUIRE(fake.states() == before);
        REQUIRE(ttc_session_timestep(fake.session) == 1);
      });
  CHECK(turns > 5);
  CHECK(fake.states() == saved.states());

  // With something to say of the generator, which must not fail afterwards.
  MixedSession mixed;
  mixed.step(2, 0);
  std::string mixedPath = directory / "m.safetensors";
  ttc_model_descriptor plain = ttc_model_mixed;
  plain.has_generator = 0;
  MixedSession without(plain);
  without.step(3, 0);
  REQUIRE(ttc_session_save(without.session, mixedPath.c_str(), nullptr) ==
          TTC_OK);
  REQUIRE(ttc_session_zero(mixed.session, nullptr) == TTC_OK);
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_load(mixed.session, mixedPath.c_str(),
                                TTC_LOAD_LENIENT, error);
      },
      [&] {
        REQUIRE(mixed.states().empty());
        REQUIRE(mixed.generator() == std::pair<uint64_t, uint64_t>(0, 1));
      });
  CHECK(turns > 5);
  CHECK(mixed.states() == without.states());

  ttc_weights *weights = nullptr;
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_weights_open(path.c_str(), &weights, error);
      },
      [&] { REQUIRE(weights == nullptr); });
  CHECK(turns > 5);
  std::string copy = directory / "copy.safetensors";
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_weights_save(weights, copy.c_str(), error);
      },
      [&] { REQUIRE(!fileExists(copy)); });
  CHECK(turns > 5);
  ttc_weights_close(weights);

  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  weights = nullptr;
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                        error);
      },
      [&] { REQUIRE(weights == nullptr); });
  CHECK(turns > 2);

  ttc_model *model = nullptr;
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_model_create(&ttc_model_fake, weights, 1, &model, error);
      },
      [&] { REQUIRE(model == nullptr); });
  CHECK(turns > 2);
  ttc_weights_close(weights);
  ttc_model_close(model);
}

TEST_CASE("K23 every allocation of a session that fails changes nothing") {
  FakeSession fake;
  ttc_session *session = nullptr;
  int turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_create(fake.model, &session, error);
      },
      [&] { REQUIRE(session == nullptr); });
  CHECK(turns >= 1);

  float x[FAKE_NEURONS] = {1, 1, 1, 1}, y[FAKE_NEURONS];
  const void *in[] = {x};
  void *out[] = {y};
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_step_raw(session, in, out, 1, error);
      },
      [&] {
        REQUIRE(ttc_session_batch(session) == TTC_BATCH);
        REQUIRE(ttc_session_timestep(session) == 0);
      });
  CHECK(turns >= 2);

  ttc_session *copy = nullptr;
  turns = failEach(
      [&](ttc_error *error) { return ttc_session_fork(session, &copy, error); },
      [&] { REQUIRE(copy == nullptr); });
  CHECK(turns >= 2);
  Tensor mem("net.1.mem", {1, FAKE_NEURONS}, 5);
  ttc_tensor view = mem.view();
  std::vector<float> data(FAKE_NEURONS);
  auto stays = [&] {
    REQUIRE(ttc_session_get_state(copy, "net.1.mem", data.data(), 16,
                                  nullptr) == TTC_OK);
    REQUIRE(data != mem.data);
  };
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_set_state(copy, &view, error);
      },
      stays);
  CHECK(turns >= 2);
  REQUIRE(ttc_session_get_state(copy, "net.1.mem", data.data(), 16, nullptr) ==
          TTC_OK);
  CHECK(data == mem.data);
  ttc_session_close(copy);
  ttc_session_close(session);
}
