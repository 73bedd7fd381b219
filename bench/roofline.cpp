//===- roofline.cpp - What can one core of this machine do? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints, as JSON, the limits that no code on one core can pass: fused
// multiply-adds a second, those of pairs of bf16 where there are (else 0),
// bytes read a second from each level of the memory, and the cost of an
// indirect call. Each is the best of many short measurements, since whatever
// else runs on the machine can only make one worse.
//
//   ttc-roofline [--core N]
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <sched.h>
#include <string>
#include <vector>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr size_t vectorBytes = 64;
#elif defined(__AVX__)
constexpr size_t vectorBytes = 32;
#else
constexpr size_t vectorBytes = 16;
#endif
constexpr size_t lanes = vectorBytes / sizeof(float);
typedef float Vector __attribute__((vector_size(vectorBytes)));

/// Enough of them to hide the latency of an FMA behind the others.
constexpr size_t chains = 12;

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Keeps a value from being optimised away.
void use(Vector value) {
  volatile float sink = 0;
  for (size_t i = 0; i < lanes; ++i)
    sink = sink + value[i];
}

/// The shortest time of `work`, in seconds, over about `seconds`.
template <typename Work> double shortest(double seconds, Work work) {
  double best = 1e9;
  for (double end = now() + seconds; now() < end;) {
    double from = now();
    work();
    best = std::min(best, now() - from);
  }
  return best;
}

/// GFLOP/s of fused multiply-adds in registers, an FMA counted as two.
double measureFma() {
  constexpr size_t rounds = 20000;
  Vector sums[chains] = {};
  // Read from memory, so that nothing is known of them.
  volatile float factorSource = 0.5f, addendSource = 0.25f;
  Vector factor = Vector{} + factorSource, addend = Vector{} + addendSource;
  double seconds = shortest(0.5, [&] {
    for (size_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
      for (size_t c = 0; c < chains; ++c)
        sums[c] = sums[c] * factor + addend;
  });
  for (Vector sum : sums)
    use(sum);
  return 2.0 * rounds * chains * lanes / seconds * 1e-9;
}

/// GFLOP/s of multiplying pairs of bf16 and adding both to a sum of f32, four
/// for each sum; 0 where that is no instruction.
double measurePairs() {
#if defined(__AVX512BF16__)
  constexpr size_t rounds = 20000;
  Vector sums[chains] = {};
  volatile int32_t source = 0x3F003F00; // twice 0.5
  auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(source));
  double seconds = shortest(0.5, [&] {
    for (size_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
      for (size_t c = 0; c < chains; ++c)
        sums[c] = _mm512_dpbf16_ps(sums[c], pair, pair);
  });
  for (Vector sum : sums)
    use(sum);
  return 4.0 * rounds * chains * lanes / seconds * 1e-9;
#else
  return 0;
#endif
}

/// GB/s of reading a block again and again.
double measureRead(size_t bytes) {
  constexpr size_t stride = chains * lanes;
  size_t floats = std::max<size_t>(bytes / sizeof(float) / stride, 1) * stride;
  std::unique_ptr<float, decltype(&std::free)> block(
      static_cast<float *>(
          std::aligned_alloc(vectorBytes, floats * sizeof(float))),
      std::free);
  if (!block)
    return 0;
  std::fill_n(block.get(), floats, 1.0f);
  // A measurement takes at least some 20 microseconds.
  size_t rounds = std::max<size_t>((size_t(2) << 20) / bytes, 1);
  Vector sums[chains] = {};
  double seconds = shortest(0.5, [&] {
    for (size_t round = 0; round < rounds; ++round)
      for (const float *from = block.get(), *end = from + floats; from != end;
           from += stride)
#pragma GCC unroll 12
        for (size_t c = 0; c < chains; ++c)
          sums[c] += *reinterpret_cast<const Vector *>(from + c * lanes);
  });
  for (Vector sum : sums)
    use(sum);
  return static_cast<double>(rounds * floats * sizeof(float)) / seconds * 1e-9;
}

__attribute__((noinline)) void doNothing() { asm volatile(""); }

/// Nanoseconds of a call through a pointer.
double measureIndirectCall() {
  constexpr size_t calls = 10000;
  void (*volatile function)() = doNothing;
  double seconds = shortest(0.1, [&] {
    for (size_t i = 0; i < calls; ++i)
      function();
  });
  return seconds / calls * 1e9;
}

/// The first line of a small file; empty if it cannot be read.
std::string readLine(const std::string &path) {
  char line[64] = "";
  if (FILE *file = std::fopen(path.c_str(), "r")) {
    if (!std::fgets(line, sizeof(line), file))
      line[0] = 0;
    std::fclose(file);
  }
  return std::string(line, std::strcspn(line, "\n"));
}

struct Level {
  std::string name;
  size_t bytes; ///< 0 for memory
};

/// The data caches of a core, nearest first, then memory.
std::vector<Level> findLevels(int core) {
  std::vector<Level> levels;
  std::string folder =
      "/sys/devices/system/cpu/cpu" + std::to_string(core) + "/cache/index";
  for (int index = 0;; ++index) {
    std::string cache = folder + std::to_string(index);
    std::string number = readLine(cache + "/level");
    if (number.empty())
      break;
    if (readLine(cache + "/type") == "Instruction")
      continue;
    // "48K", "2048K", "32M".
    std::string size = readLine(cache + "/size");
    char *unit = nullptr;
    size_t bytes = std::strtoull(size.c_str(), &unit, 10);
    bytes <<= *unit == 'M' ? 20 : *unit == 'K' ? 10 : 0;
    if (bytes)
      levels.push_back({"L" + number, bytes});
  }
  levels.push_back({"DRAM", 0});
  return levels;
}

/// The last core that this process may use; -1 if that cannot be told.
int lastAllowedCore() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return -1;
  for (int core = CPU_SETSIZE; core-- > 0;)
    if (CPU_ISSET(core, &allowed))
      return core;
  return -1;
}

bool pinTo(int core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  return sched_setaffinity(0, sizeof(one), &one) == 0;
}

} // namespace

int main(int argc, char **argv) {
  int core = lastAllowedCore();
  if (argc == 3 && std::strcmp(argv[1], "--core") == 0) {
    char *end = nullptr;
    long number = std::strtol(argv[2], &end, 10);
    if (*end || end == argv[2] || number < 0 || number >= CPU_SETSIZE) {
      std::fprintf(stderr,
                   "ttc-roofline: '%s' is no core, expected a number from 0\n",
                   argv[2]);
      return 1;
    }
    core = static_cast<int>(number);
  } else if (argc != 1) {
    std::fprintf(stderr, "usage: ttc-roofline [--core N]\n");
    return 1;
  }
  if (core < 0 || !pinTo(core)) {
    std::fprintf(stderr,
                 "ttc-roofline: core %d cannot be pinned to: %s; give one that "
                 "this process may use\n",
                 core, std::strerror(errno));
    return 1;
  }

  std::printf("{\n  \"core\": %d,\n  \"vector_bytes\": %zu,\n"
              "  \"fma_gflops\": %.1f,\n  \"pair_gflops\": %.1f,\n"
              "  \"indirect_call_ns\": %.2f,\n  \"levels\": [\n",
              core, vectorBytes, measureFma(), measurePairs(),
              measureIndirectCall());
  std::vector<Level> levels = findLevels(core);
  for (size_t i = 0; i < levels.size(); ++i) {
    // Half of a cache leaves room for whatever else is in it; eight times the
    // last one leaves nothing of the block in it.
    constexpr size_t largest = size_t(256) << 20;
    size_t bytes = levels[i].bytes ? levels[i].bytes / 2
                   : i             ? levels[i - 1].bytes * 8
                                   : largest;
    std::printf(
        "    {\"name\": \"%s\", \"bytes\": %zu, \"read_gbs\": %.1f}%s\n",
        levels[i].name.c_str(), levels[i].bytes,
        measureRead(std::min(bytes, largest)),
        i + 1 < levels.size() ? "," : "");
  }
  std::printf("  ]\n}\n");
  return 0;
}
