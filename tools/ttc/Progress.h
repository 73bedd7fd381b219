//===- Progress.h - What is being done, and for how long? -------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line on a terminal's stderr, which names the stage under way once the
// whole has taken a second, and is gone at the end. Nothing is written where
// stderr is no terminal.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLS_PROGRESS_H
#define TTC_TOOLS_PROGRESS_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace ttc {

class Progress {
public:
  /// `subject` begins the line: "ttc net.mlir".
  explicit Progress(std::string subject);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void stage(std::string name);
  /// Takes the line away, for something else that is to be written: a
  /// diagnostic.
  void clear();

private:
  void draw();

  const std::string subject;
  const std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable changed;
  std::string present;
  bool drawn = false;
  bool ended = false;
  std::thread thread;
};

} // namespace ttc

#endif // TTC_TOOLS_PROGRESS_H
