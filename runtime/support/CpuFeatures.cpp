//===- CpuFeatures.cpp - Can this CPU run the code? -----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/CpuFeatures.h"

#if defined(__x86_64__)
#include <cerrno>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace ttc {
namespace {

#if defined(__x86_64__)

constexpr std::string_view hostArchitecture = "x86_64";

enum Register { EAX, EBX, ECX, EDX };

/// What the operating system must save at a switch of threads.
enum class Saved { Nothing, Ymm, Zmm, Tiles };

/// Where CPUID tells of a feature: Intel's Software Developer's Manual, volume
/// 2, and AMD's Architecture Programmer's Manual, volume 3.
struct Feature {
  const char *name;
  unsigned leaf, subleaf;
  Register where;
  unsigned bit;
  Saved saved;
};

constexpr unsigned extended = 0x80000000u;

constexpr Feature features[] = {
    {"x87", 1, 0, EDX, 0, Saved::Nothing},
    {"cx8", 1, 0, EDX, 8, Saved::Nothing},
    {"cmov", 1, 0, EDX, 15, Saved::Nothing},
    {"mmx", 1, 0, EDX, 23, Saved::Nothing},
    {"fxsr", 1, 0, EDX, 24, Saved::Nothing},
    {"sse", 1, 0, EDX, 25, Saved::Nothing},
    {"sse2", 1, 0, EDX, 26, Saved::Nothing},
    {"sse3", 1, 0, ECX, 0, Saved::Nothing},
    {"pclmul", 1, 0, ECX, 1, Saved::Nothing},
    {"ssse3", 1, 0, ECX, 9, Saved::Nothing},
    {"fma", 1, 0, ECX, 12, Saved::Ymm},
    {"cx16", 1, 0, ECX, 13, Saved::Nothing},
    {"sse4.1", 1, 0, ECX, 19, Saved::Nothing},
    {"sse4.2", 1, 0, ECX, 20, Saved::Nothing},
    {"crc32", 1, 0, ECX, 20, Saved::Nothing},
    {"movbe", 1, 0, ECX, 22, Saved::Nothing},
    {"popcnt", 1, 0, ECX, 23, Saved::Nothing},
    {"aes", 1, 0, ECX, 25, Saved::Nothing},
    {"xsave", 1, 0, ECX, 26, Saved::Nothing},
    {"avx", 1, 0, ECX, 28, Saved::Ymm},
    {"f16c", 1, 0, ECX, 29, Saved::Ymm},
    {"rdrnd", 1, 0, ECX, 30, Saved::Nothing},
    {"fsgsbase", 7, 0, EBX, 0, Saved::Nothing},
    {"bmi", 7, 0, EBX, 3, Saved::Nothing},
    {"avx2", 7, 0, EBX, 5, Saved::Ymm},
    {"bmi2", 7, 0, EBX, 8, Saved::Nothing},
    {"invpcid", 7, 0, EBX, 10, Saved::Nothing},
    {"avx512f", 7, 0, EBX, 16, Saved::Zmm},
    {"avx512dq", 7, 0, EBX, 17, Saved::Zmm},
    {"rdseed", 7, 0, EBX, 18, Saved::Nothing},
    {"adx", 7, 0, EBX, 19, Saved::Nothing},
    {"avx512ifma", 7, 0, EBX, 21, Saved::Zmm},
    {"clflushopt", 7, 0, EBX, 23, Saved::Nothing},
    {"clwb", 7, 0, EBX, 24, Saved::Nothing},
    {"avx512cd", 7, 0, EBX, 28, Saved::Zmm},
    {"sha", 7, 0, EBX, 29, Saved::Nothing},
    {"avx512bw", 7, 0, EBX, 30, Saved::Zmm},
    {"avx512vl", 7, 0, EBX, 31, Saved::Zmm},
    {"avx512vbmi", 7, 0, ECX, 1, Saved::Zmm},
    {"pku", 7, 0, ECX, 4, Saved::Nothing},
    {"waitpkg", 7, 0, ECX, 5, Saved::Nothing},
    {"avx512vbmi2", 7, 0, ECX, 6, Saved::Zmm},
    {"shstk", 7, 0, ECX, 7, Saved::Nothing},
    {"gfni", 7, 0, ECX, 8, Saved::Nothing},
    {"vaes", 7, 0, ECX, 9, Saved::Ymm},
    {"vpclmulqdq", 7, 0, ECX, 10, Saved::Ymm},
    {"avx512vnni", 7, 0, ECX, 11, Saved::Zmm},
    {"avx512bitalg", 7, 0, ECX, 12, Saved::Zmm},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Saved::Zmm},
    {"rdpid", 7, 0, ECX, 22, Saved::Nothing},
    {"cldemote", 7, 0, ECX, 25, Saved::Nothing},
    {"movdiri", 7, 0, ECX, 27, Saved::Nothing},
    {"movdir64b", 7, 0, ECX, 28, Saved::Nothing},
    {"enqcmd", 7, 0, ECX, 29, Saved::Nothing},
    {"uintr", 7, 0, EDX, 5, Saved::Nothing},
    {"avx512vp2intersect", 7, 0, EDX, 8, Saved::Zmm},
    {"serialize", 7, 0, EDX, 14, Saved::Nothing},
    {"tsxldtrk", 7, 0, EDX, 16, Saved::Nothing},
    {"pconfig", 7, 0, EDX, 18, Saved::Nothing},
    {"amx-bf16", 7, 0, EDX, 22, Saved::Tiles},
    {"avx512fp16", 7, 0, EDX, 23, Saved::Zmm},
    {"amx-tile", 7, 0, EDX, 24, Saved::Tiles},
    {"amx-int8", 7, 0, EDX, 25, Saved::Tiles},
    {"sha512", 7, 1, EAX, 0, Saved::Ymm},
    {"sm3", 7, 1, EAX, 1, Saved::Ymm},
    {"sm4", 7, 1, EAX, 2, Saved::Ymm},
    {"avxvnni", 7, 1, EAX, 4, Saved::Ymm},
    {"avx512bf16", 7, 1, EAX, 5, Saved::Zmm},
    {"cmpccxadd", 7, 1, EAX, 7, Saved::Nothing},
    {"amx-fp16", 7, 1, EAX, 21, Saved::Tiles},
    {"hreset", 7, 1, EAX, 22, Saved::Nothing},
    {"avxifma", 7, 1, EAX, 23, Saved::Ymm},
    {"avxvnniint8", 7, 1, EDX, 4, Saved::Ymm},
    {"avxneconvert", 7, 1, EDX, 5, Saved::Ymm},
    {"amx-complex", 7, 1, EDX, 8, Saved::Tiles},
    {"avxvnniint16", 7, 1, EDX, 10, Saved::Ymm},
    {"prefetchi", 7, 1, EDX, 14, Saved::Nothing},
    {"xsaveopt", 0xD, 1, EAX, 0, Saved::Nothing},
    {"xsavec", 0xD, 1, EAX, 1, Saved::Nothing},
    {"xsaves", 0xD, 1, EAX, 3, Saved::Nothing},
    {"ptwrite", 0x14, 0, EBX, 4, Saved::Nothing},
    {"sahf", extended + 1, 0, ECX, 0, Saved::Nothing},
    {"lzcnt", extended + 1, 0, ECX, 5, Saved::Nothing},
    {"sse4a", extended + 1, 0, ECX, 6, Saved::Nothing},
    {"prfchw", extended + 1, 0, ECX, 8, Saved::Nothing},
    {"xop", extended + 1, 0, ECX, 11, Saved::Ymm},
    {"fma4", extended + 1, 0, ECX, 16, Saved::Ymm},
    {"tbm", extended + 1, 0, ECX, 21, Saved::Nothing},
    {"mwaitx", extended + 1, 0, ECX, 29, Saved::Nothing},
    {"64bit", extended + 1, 0, EDX, 29, Saved::Nothing},
    {"clzero", extended + 8, 0, EBX, 0, Saved::Nothing},
    {"rdpru", extended + 8, 0, EBX, 4, Saved::Nothing},
    {"wbnoinvd", extended + 8, 0, EBX, 9, Saved::Nothing},
};

/// The components of state that the operating system saves (register XCR0).
uint64_t savedComponents() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & (1u << 27)))
    return 0;
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool isSaved(Saved saved, uint64_t components) {
  uint64_t wanted = saved == Saved::Nothing ? 0
                    : saved == Saved::Ymm   ? 0x6
                    : saved == Saved::Zmm   ? 0xE6
                                            : 0x60000;
  return (components & wanted) == wanted;
}

enum class Answer { Yes, No, Unknown };

Answer hasFeature(std::string_view name) {
  static const uint64_t components = savedComponents();
  for (const Feature &feature : features) {
    if (name != feature.name)
      continue;
    unsigned values[4] = {0, 0, 0, 0};
    bool there = __get_cpuid_count(feature.leaf, feature.subleaf, &values[EAX],
                                   &values[EBX], &values[ECX], &values[EDX]);
    return there && (values[feature.where] >> feature.bit & 1) &&
                   isSaved(feature.saved, components)
               ? Answer::Yes
               : Answer::No;
  }
  return Answer::Unknown;
}

#else

#if defined(__aarch64__)
constexpr std::string_view hostArchitecture = "aarch64";
#elif defined(__riscv)
constexpr std::string_view hostArchitecture = "riscv64";
#else
constexpr std::string_view hostArchitecture = "";
#endif

enum class Answer { Yes, No, Unknown };

// These systems have no unprivileged way to ask that covers all of LLVM's
// names: the compiler's word is taken.
Answer hasFeature(std::string_view) { return Answer::Yes; }

#endif

} // namespace

Status requestMatrixRegisters(const std::string &who) {
#if defined(__x86_64__) && defined(SYS_arch_prctl)
  // Documentation/arch/x86/xstate.rst of Linux.
  constexpr int requestPermission = 0x1023, tileData = 18;
  if (syscall(SYS_arch_prctl, requestPermission, tileData) == 0)
    return Status::success();
  std::string reason = systemReason(errno);
#else
  std::string reason = "they are asked for on Linux alone";
#endif
  return {
      TTC_ERROR_TARGET, "MatrixRegistersRefused",
      who +
          " was compiled for a CPU with AMX, but the operating system "
          "does not let this process use its registers (" +
          reason +
          "). Compile it again for another CPU, such as --mcpu=cooperlake."};
}

Status checkTarget(const std::string &who, std::string_view triple,
                   std::string_view features) {
  std::string_view architecture = triple.substr(0, triple.find('-'));
  if (architecture == "arm64")
    architecture = "aarch64";
  if (architecture != hostArchitecture)
    return {TTC_ERROR_TARGET, "WrongArchitecture",
            who + " was compiled for " + quoteName(triple) +
                ", this machine is " + std::string(hostArchitecture) +
                ". Compile it again for this "
                "machine."};
  std::string lacking, unknown;
  bool usesMatrices = false;
  while (!features.empty()) {
    size_t comma = features.find(',');
    std::string_view name = features.substr(0, comma);
    features.remove_prefix(comma == std::string_view::npos ? features.size()
                                                           : comma + 1);
    // "+avx2" is "avx2"; "-avx2" says that the code does without.
    if (name.empty() || name.front() == '-')
      continue;
    if (name.front() == '+')
      name.remove_prefix(1);
    usesMatrices |= name == "amx-tile";
    Answer answer = hasFeature(name);
    if (answer == Answer::Yes)
      continue;
    std::string &list = answer == Answer::No ? lacking : unknown;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  if (!lacking.empty())
    return {TTC_ERROR_TARGET, "MissingCpuFeature",
            who + " was compiled for a CPU with " + lacking +
                ", which this one, or its operating system, does not have. "
                "Compile it again for this machine."};
  if (!unknown.empty())
    return {TTC_ERROR_TARGET, "UnknownCpuFeature",
            who + " was compiled for a CPU with " + unknown +
                ", of which this version of ttc cannot tell whether this one "
                "has it."};
  return usesMatrices ? requestMatrixRegisters(who) : Status::success();
}

} // namespace ttc
