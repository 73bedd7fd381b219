//===- Core.h -------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How large the caches of a core are, and how fast they are read.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_CORE_H
#define TTC_CODEGEN_CORE_H

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>

namespace ttc {

/// Where the weights of a model can stay between two timesteps, nearest first.
enum class Level { L1, L2, L3, Memory };
llvm::StringRef levelName(Level level);

/// A core, as far as the compiler knows it.
struct Core {
  /// Bytes of the caches L1, L2 and L3.
  std::array<int64_t, 3> caches = {32 << 10, 1 << 20, 32 << 20};
  /// Bytes a cycle that can be read from each level. Nominal: what
  /// bench/roofline.cpp measures on a Zen 5 core, rounded down.
  static constexpr std::array<double, 4> bytesPerCycle = {128, 48, 24, 10};

  /// This machine's caches, where the system tells them.
  static Core ofHost();
  Level levelOf(int64_t bytes) const;
};

} // namespace ttc

#endif // TTC_CODEGEN_CORE_H
