//===- AllocationReadersTest.cpp - Do readers survive want of memory? -----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every allocation fails in turn, in every function that reads a file, for a
// file of every kind: the failure is reported, nothing is left open, and
// nothing has changed. AllocationTest does the same for what needs no file.
//
//===----------------------------------------------------------------------===//

#include "FailingCalls.h"
#include "Fixtures.h"

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <new>
#include <sys/mman.h>

namespace {

int64_t untilFailure = -1; ///< -1 for never

bool fails() { return untilFailure >= 0 && untilFailure-- == 0; }

const ttc::SystemCalls realCalls = ttc::systemCalls;

/// For its life, allocation number `turn` fails, counted from 0.
struct FailingAllocation {
  explicit FailingAllocation(int turn) {
    ttc::systemCalls.allocateAligned = [](size_t alignment,
                                          size_t size) -> void * {
      return fails() ? nullptr : realCalls.allocateAligned(alignment, size);
    };
    ttc::systemCalls.mmap = [](void *address, size_t size, int protection,
                               int flags, int file, off_t offset) {
      if (flags & MAP_ANONYMOUS && fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
      }
      return realCalls.mmap(address, size, protection, flags, file, offset);
    };
    untilFailure = turn;
  }
  ~FailingAllocation() {
    untilFailure = -1;
    ttc::systemCalls = realCalls;
  }
  FailingAllocation(const FailingAllocation &) = delete;
  FailingAllocation &operator=(const FailingAllocation &) = delete;
};

/// Calls until no allocation fails any more; `after` is told whether the call
/// succeeded. Returns how many failed.
int failEach(const std::function<ttc_status(ttc_error *)> &call,
             const std::function<void(bool)> &after) {
  for (int turn = 0;; ++turn) {
    ttc_error error = {};
    const int open = openFiles();
    ttc_status status;
    bool reached;
    {
      FailingAllocation failing(turn);
      status = call(&error);
      reached = untilFailure < 0;
    }
    CAPTURE(turn);
    CAPTURE(std::string(error.message));
    REQUIRE(status == (reached ? TTC_ERROR_MEMORY : TTC_OK));
    if (reached)
      REQUIRE(std::string(error.message).find("[OutOfMemory]") !=
              std::string::npos);
    after(!reached);
    REQUIRE(openFiles() == open);
    if (!reached)
      return turn;
  }
}

/// Opens a file of weights and reads all of its tensors, in every way.
void readEach(const std::string &path) {
  CAPTURE(path);
  for (int flags : {0, int(TTC_WEIGHTS_META), int(TTC_WEIGHTS_COPY),
                    int(TTC_WEIGHTS_VERIFY)}) {
    ttc_weights *weights = nullptr;
    int turns = failEach(
        [&](ttc_error *error) {
          return openAndRead(path, flags, weights, error);
        },
        [&](bool good) {
          REQUIRE((!good || weights != nullptr));
          ttc_weights_close(weights);
          weights = nullptr;
        });
    CHECK(turns > 3);
  }
}

} // namespace

// The standard library's own forms of these call the two that are replaced.
void *operator new(size_t size) {
  void *block = fails() ? nullptr : std::malloc(size ? size : 1);
  if (!block)
    throw std::bad_alloc();
  return block;
}
void operator delete(void *block) noexcept { std::free(block); }
void operator delete(void *block, size_t) noexcept { std::free(block); }

TEST_CASE("K23 every allocation of reading weights") {
  TemporaryDirectory directory;
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  std::string first = "model-00001-of-00001.safetensors";
  std::string path = directory / first;
  REQUIRE(ttc_weights_save(weights, path.c_str(), nullptr) == TTC_OK);
  ttc_weights_close(weights);
  readEach(path);
  for (const char *seed : {"/torch/plain", "/torch/views", "/torch/dtypes",
                           "/torch/parameter", "/torch/wrapped"})
    readEach(std::string(TTC_SEEDS) + seed);
  std::string index = directory / "model.safetensors.index.json";
  writeBytes(index, "{\"weight_map\":{\"net.1.raw_beta\":\"" + first +
                        "\",\"net.1.threshold\":\"" + first + "\"}}");
  readEach(index);

  ttc_model *model = nullptr;
  int turns = failEach(
      [&](ttc_error *error) {
        return ttc_model_open(FAKE_LIBRARY, path.c_str(), &model, error);
      },
      [&](bool opened) {
        REQUIRE((model != nullptr) == opened);
        ttc_model_close(model);
        model = nullptr;
      });
  CHECK(turns > 5);
}

TEST_CASE("K23 every allocation of loading the latest states") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession saved, fake;
  for (int t = 0; t < 2; ++t) {
    saved.step(2, t);
    REQUIRE(ttc_session_save(saved.session, path.c_str(), nullptr) == TTC_OK);
  }
  // The newest is damaged: both are read.
  std::string bytes = readBytes(path);
  writeBytes(path, bytes.substr(0, bytes.size() - 1));
  fake.step(2, 9);
  std::vector<float> before = fake.states();
  int generation = -1;
  int turns = failEach(
      [&](ttc_error *error) {
        return ttc_session_load_latest(fake.session, path.c_str(), 0,
                                       &generation, error);
      },
      [&](bool loaded) {
        REQUIRE((fake.states() == before) == !loaded);
        REQUIRE(generation == (loaded ? 1 : -1));
      });
  CHECK(turns > 10);
  const std::string previous = path + ".prev";
  turns = failEach(
      [&](ttc_error *error) {
        return ttc_states_verify(previous.c_str(), error);
      },
      [](bool) {});
  CHECK(turns > 5);
}
