//===- Inputs.h - Where do timesteps come from? -----------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_INPUTS_H
#define TTC_INPUTS_H

#include "Npy.h"
#include "Ports.h"

#include <csignal>
#include <memory>

namespace ttcrun {

/// Set by a signal: reading ends, as if the input had ended with the last whole
/// timestep.
extern volatile std::sig_atomic_t stopRequested;

/// Where the timesteps of one input come from.
class Input {
public:
  virtual ~Input() = default;
  /// Writes up to `steps` timesteps; returns how many there were.
  virtual int64_t read(unsigned char *to, int64_t steps) = 0;
  /// Passes over timesteps; false if there are not so many.
  virtual bool skip(int64_t steps) = 0;
  /// The number of timesteps, or -1 if only the end will tell.
  virtual int64_t length() const = 0;
};

/// The port must outlive the input. An array of another type is converted where
/// no value changes: u1 and b1 to F32; those and f4 to F64; any integers to I32
/// and I64, in which each must fit.
std::unique_ptr<Input> openNpyInput(NpyArray array, const Port &port);

/// Numbers without a header, from a file or, as they come, from standard input
/// ("-").
std::unique_ptr<Input> openRawInput(const std::string &path, const Port &port);

} // namespace ttcrun

#endif // TTC_INPUTS_H
