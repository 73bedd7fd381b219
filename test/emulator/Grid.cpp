//===- Grid.cpp - How do the threads of a kernel take turns? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A team is what has barriers in common: the blocks of one row of a cooperative
// grid, those of one cluster, or else one block. Its warps take turns, each
// until all of its threads wait or have ended; then come the barriers.
//
//===----------------------------------------------------------------------===//

#include "Grid.h"

#include "Fiber.h"
#include "Matrices.h"
#include "Process.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>

namespace emulator {
namespace {

constexpr uint32_t warpThreads = 32;

enum class State {
  Ready,
  Exchange,
  Multiplication,
  BlockBarrier,
  ClusterBarrier,
  GridBarrier,
  Ended
};

struct Thread {
  Fiber fiber;
  uint32_t block, index;
  State state;
  /// What it gives to an exchange, and takes from it.
  uint64_t value;
  int32_t lane;
  const uint32_t *barriers;
  Fragments fragments;
  const void *instruction; ///< that multiplies: behind where it was called
};

/// In what order threads take turns.
class Order {
public:
  Order() {
    const char *given = std::getenv("TTC_EMULATOR_ORDER");
    std::string name = given ? given : "ascending";
    descending = name == "descending";
    shuffled = name.compare(0, 7, "shuffle") == 0;
    if (shuffled && name.size() > 8)
      random.seed(std::strtoul(name.c_str() + 8, nullptr, 10));
  }
  /// Puts 0 to count - 1 in order.
  void fill(std::vector<uint32_t> &list, uint32_t count) {
    list.resize(count);
    std::iota(list.begin(), list.end(), 0);
    if (descending)
      std::reverse(list.begin(), list.end());
    if (shuffled)
      std::shuffle(list.begin(), list.end(), random);
  }

private:
  bool descending = false, shuffled = false;
  std::minstd_rand random;
};

std::string describe(const Thread &thread, uint32_t row) {
  return "thread " + std::to_string(thread.index) + " of block (" +
         std::to_string(thread.block) + ", " + std::to_string(row) + ")";
}

class Team {
public:
  Team(const Launch &launch, Order &order, Stacks &stacks)
      : launch(launch), order(order), stacks(stacks) {}

  /// Runs blocks firstX to firstX + blocks - 1 of a row.
  std::string run(uint32_t firstX, uint32_t blocks, uint32_t rowOfGrid);

  const Launch &launch;
  Thread *running = nullptr;
  uint32_t row = 0;
  void *sharedMemory() {
    return &shared[(running->block - firstBlock) * sharedOfBlock()];
  }
  void wait(State state) {
    running->state = state;
    changeFiber(running->fiber, scheduler);
  }
  /// Ends the grid, because of what the thread that runs does.
  void fail(const std::string &what) {
    failure = describe(*running, row) + " " + what;
    wait(State::Ended);
  }

private:
  void runWarp(uint32_t warp);
  bool exchange(uint32_t warp);
  bool allWait(State state) const;
  bool multiply(uint32_t warp);
  bool passBarriers();
  std::string whyStuck() const;

  Order &order;
  Stacks &stacks;
  Fiber scheduler;
  std::string failure;
  std::vector<Thread> threads;
  uint32_t numBlocks = 0, firstBlock = 0;
  /// In words, with a guard behind that of each block.
  std::vector<uint64_t> shared;
  static constexpr size_t guardWords = 64;
  size_t sharedOfBlock() const {
    return (launch.sharedBytes + 15) / 16 * 2 + guardWords;
  }
  std::vector<uint32_t> lanes;

  uint32_t warpsEach() const {
    return (launch.threads + warpThreads - 1) / warpThreads;
  }
  std::pair<uint32_t, uint32_t> threadsOfWarp(uint32_t warp) const {
    const uint32_t block = warp / warpsEach();
    const uint32_t first = warp % warpsEach() * warpThreads;
    return {block * launch.threads + first,
            block * launch.threads +
                std::min(first + warpThreads, launch.threads)};
  }
};

/// The team that runs now; one thread at a time is in the driver.
Team *team = nullptr;

template <size_t> using Eight = uint64_t;

/// Passes more arguments than the kernel has parameters, which harms nothing
/// where the caller clears them away.
template <size_t... I>
void callKernel(const void *kernel, const uint64_t *arguments,
                std::index_sequence<I...>) {
  reinterpret_cast<void (*)(Eight<I>...)>(const_cast<void *>(kernel))(
      arguments[I]...);
}

void runThread() {
  uint64_t arguments[mostParameters] = {};
  std::copy(team->launch.arguments.begin(), team->launch.arguments.end(),
            arguments);
  callKernel(team->launch.kernel, arguments,
             std::make_index_sequence<mostParameters>());
  team->wait(State::Ended);
  std::abort(); // Nobody changes to a thread that has ended.
}

void Team::runWarp(uint32_t warp) {
  auto [first, end] = threadsOfWarp(warp);
  order.fill(lanes, end - first);
  for (uint32_t lane : lanes) {
    Thread &thread = threads[first + lane];
    if (thread.state != State::Ready || !failure.empty())
      continue;
    running = &thread;
    changeFiber(scheduler, thread.fiber);
  }
}

/// Hands values over between the lanes of a warp that wait for them. Returns
/// whether there were any, and nothing has failed.
bool Team::exchange(uint32_t warp) {
  if (!failure.empty())
    return false;
  auto [first, end] = threadsOfWarp(warp);
  uint64_t given[warpThreads];
  bool any = false;
  for (uint32_t i = first; i < end; ++i)
    given[i - first] = threads[i].value;
  for (uint32_t i = first; i < end; ++i) {
    Thread &thread = threads[i];
    if (thread.state != State::Exchange)
      continue;
    any = true;
    const int64_t from = int64_t(first) + thread.lane;
    if (thread.lane < 0 || from >= int64_t(end) ||
        threads[size_t(from)].state != State::Exchange) {
      failure = describe(thread, row) + " reads lane " +
                std::to_string(thread.lane) +
                " of its warp, which does not take part";
      return false;
    }
  }
  for (uint32_t i = first; i < end && any; ++i)
    if (threads[i].state == State::Exchange) {
      threads[i].value = given[threads[i].lane];
      threads[i].state = State::Ready;
    }
  return any;
}

bool Team::allWait(State state) const {
  return std::all_of(threads.begin(), threads.end(), [&](const Thread &thread) {
    return thread.state == state;
  });
}

/// Multiplies the matrices of a warp that waits for it. Returns whether it did.
bool Team::multiply(uint32_t warp) {
  auto [first, end] = threadsOfWarp(warp);
  Fragments *lanes[warpThreads] = {};
  uint32_t waiting = 0;
  for (uint32_t i = first; i < end; ++i)
    if (threads[i].state == State::Multiplication) {
      lanes[i - first] = &threads[i].fragments;
      ++waiting;
    }
  if (!waiting || !failure.empty())
    return false;
  if (waiting != warpThreads) {
    for (uint32_t i = first; i < end; ++i)
      if (threads[i].state != State::Multiplication)
        failure = describe(threads[i], row) +
                  " does not take part where its warp multiplies matrices";
    if (failure.empty())
      failure = describe(threads[first], row) +
                " multiplies matrices in a warp of fewer than 32 threads";
    return false;
  }
  for (uint32_t i = first; i < end; ++i)
    if (threads[i].instruction != threads[first].instruction) {
      failure = describe(threads[i], row) +
                " multiplies matrices by another instruction than its warp";
      return false;
    }
  multiplyMatrices(lanes);
  for (uint32_t i = first; i < end; ++i)
    threads[i].state = State::Ready;
  return true;
}

/// Lets through what all threads have reached. Returns whether there was
/// anything.
bool Team::passBarriers() {
  bool any = false;
  for (uint32_t block = 0; block < numBlocks; ++block) {
    auto first = threads.begin() + block * launch.threads;
    auto end = first + launch.threads;
    const bool all = std::all_of(first, end, [](const Thread &thread) {
      return thread.state == State::BlockBarrier;
    });
    if (all)
      std::for_each(first, end,
                    [](Thread &thread) { thread.state = State::Ready; });
    any |= all;
  }
  const bool sameBarriers =
      std::all_of(threads.begin(), threads.end(), [&](const Thread &thread) {
        return thread.barriers == threads[0].barriers;
      });
  // Blocks that do not run at the same time cannot wait for each other.
  const bool together = launch.cooperative || launch.gridX == 1;
  const bool grid = allWait(State::GridBarrier) && sameBarriers && together;
  const bool cluster =
      allWait(State::ClusterBarrier) && launch.clusterBlocks > 1;
  if (!grid && !cluster)
    return any;
  for (Thread &thread : threads)
    thread.state = State::Ready;
  return true;
}

std::string Team::whyStuck() const {
  const Thread *waiting = nullptr, *other = nullptr;
  for (const Thread &thread : threads)
    if (thread.state == State::BlockBarrier ||
        thread.state == State::ClusterBarrier ||
        thread.state == State::GridBarrier)
      waiting = &thread;
  for (const Thread &thread : threads)
    if (thread.state != waiting->state &&
        (waiting->state != State::BlockBarrier ||
         thread.block == waiting->block))
      other = &thread;
  const bool cluster = waiting->state == State::ClusterBarrier;
  std::string text = describe(*waiting, row) + " waits at a barrier of the " +
                     (cluster                                ? "cluster"
                      : waiting->state == State::GridBarrier ? "grid"
                                                             : "block");
  if (!other && cluster)
    return text + ", but the launch has no clusters";
  if (!other)
    return text + (launch.cooperative || launch.gridX == 1
                       ? " with other barriers than the rest"
                       : ", but the launch is not cooperative");
  return text + ", which " + describe(*other, row) +
         (other->state == State::Ended ? " has ended without"
                                       : " does not reach");
}

std::string Team::run(uint32_t firstX, uint32_t blocks, uint32_t rowOfGrid) {
  row = rowOfGrid;
  numBlocks = blocks;
  firstBlock = firstX;
  threads.resize(size_t(blocks) * launch.threads);
  if (!stacks.reserve(threads.size()))
    return "there is no memory for the stacks of its threads";
  for (size_t i = 0; i < threads.size(); ++i) {
    stacks.mark(i);
    Thread &thread = threads[i];
    thread.block = firstX + uint32_t(i / launch.threads);
    thread.index = uint32_t(i % launch.threads);
    thread.state = State::Ready;
    thread.lane = 0;
    thread.barriers = nullptr;
    prepareFiber(thread.fiber, stacks.stack(i), Stacks::bytes, runThread);
  }
  // What a kernel reads before it writes is a NaN, and beyond it are words that
  // stay as they are.
  shared.assign(size_t(blocks) * sharedOfBlock(), ~uint64_t(0));
  team = this;
  std::vector<uint32_t> warps;
  for (;;) {
    order.fill(warps, numBlocks * warpsEach());
    for (uint32_t warp : warps) {
      do
        runWarp(warp);
      while (exchange(warp) || multiply(warp));
      if (!failure.empty())
        return failure;
    }
    if (std::all_of(threads.begin(), threads.end(), [](const Thread &thread) {
          return thread.state == State::Ended;
        }))
      break;
    if (!passBarriers())
      return whyStuck();
  }
  for (uint32_t block = 1; block <= blocks; ++block)
    for (size_t i = 1; i <= guardWords; ++i)
      if (shared[block * sharedOfBlock() - i] != ~uint64_t(0))
        return "block (" + std::to_string(firstX + block - 1) + ", " +
               std::to_string(row) + ") writes beyond its shared memory of " +
               std::to_string(launch.sharedBytes) + " bytes";
  for (size_t i = 0; i < threads.size(); ++i)
    if (stacks.hasOverflowed(i))
      return describe(threads[i], row) + " needs a stack of more than " +
             std::to_string(Stacks::bytes) + " bytes";
  return {};
}

} // namespace

std::string runGrid(const Launch &launch) {
  static Stacks stacks;
  Order order;
  const uint32_t blocksEach =
      launch.cooperative ? launch.gridX : launch.clusterBlocks;
  std::vector<uint32_t> teams;
  order.fill(teams, launch.gridX / blocksEach * launch.gridY);
  Team made(launch, order, stacks);
  for (uint32_t number : teams) {
    const uint32_t teamsEach = launch.gridX / blocksEach;
    std::string failure = made.run(number % teamsEach * blocksEach, blocksEach,
                                   number / teamsEach);
    if (!failure.empty())
      return failure;
  }
  return {};
}

} // namespace emulator

//===----------------------------------------------------------------------===//
// What a thread may ask
//===----------------------------------------------------------------------===//

using emulator::State;
using emulator::team;

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int64_t ttc_gpu_thread(void) { return team->running->index; }

EXPORT int64_t ttc_gpu_threads(void) { return team->launch.threads; }

EXPORT int64_t ttc_gpu_block(int32_t axis) {
  return axis == 0 ? team->running->block : axis == 1 ? team->row : 0;
}

EXPORT int64_t ttc_gpu_blocks(int32_t axis) {
  return axis == 0 ? team->launch.gridX : axis == 1 ? team->launch.gridY : 1;
}

EXPORT int64_t ttc_gpu_cluster_blocks(void) {
  return team->launch.clusterBlocks;
}

EXPORT int64_t ttc_gpu_shared_bytes(void) { return team->launch.sharedBytes; }

EXPORT void *ttc_gpu_shared(void) {
  ++ttc_emulator.sharedUses;
  return team->sharedMemory();
}

EXPORT void ttc_gpu_block_barrier(void) { team->wait(State::BlockBarrier); }

EXPORT void ttc_gpu_cluster_barrier(void) { team->wait(State::ClusterBarrier); }

EXPORT void ttc_gpu_grid_barrier(uint32_t *barriers) {
  team->running->barriers = barriers;
  team->wait(State::GridBarrier);
}

EXPORT void ttc_gpu_misaligned(int64_t bytes) {
  team->fail(
      "reads or writes a vector at an address that is not a multiple of " +
      std::to_string(bytes) + " bytes");
}

EXPORT float ttc_gpu_read_lane_f32(float value, int32_t lane) {
  emulator::Thread &thread = *team->running;
  std::memcpy(&thread.value, &value, sizeof(value));
  thread.lane = lane;
  team->wait(State::Exchange);
  std::memcpy(&value, &thread.value, sizeof(value));
  return value;
}

EXPORT double ttc_gpu_read_lane_f64(double value, int32_t lane) {
  emulator::Thread &thread = *team->running;
  std::memcpy(&thread.value, &value, sizeof(value));
  thread.lane = lane;
  team->wait(State::Exchange);
  std::memcpy(&value, &thread.value, sizeof(value));
  return value;
}

static void multiply(emulator::Fragments &fragments, const void *instruction) {
  emulator::Thread &thread = *team->running;
  thread.fragments = fragments;
  thread.instruction = instruction;
  team->wait(State::Multiplication);
  fragments = thread.fragments;
}

#define TTC_MULTIPLY(name, isTF32)                                             \
  EXPORT void name(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,         \
                   uint32_t b0, uint32_t b1, float c0, float c1, float c2,     \
                   float c3, float *sums) {                                    \
    emulator::Fragments fragments = {                                          \
        {a0, a1, a2, a3}, {b0, b1}, {c0, c1, c2, c3}, isTF32};                 \
    multiply(fragments, __builtin_return_address(0));                          \
    std::memcpy(sums, fragments.sums, sizeof(fragments.sums));                 \
  }

TTC_MULTIPLY(ttc_gpu_multiply_bf16, false)
TTC_MULTIPLY(ttc_gpu_multiply_tf32, true)

EXPORT uint32_t ttc_gpu_round_tf32(float value) {
  return emulator::roundToTF32(value);
}
