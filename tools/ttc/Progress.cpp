//===- Progress.cpp - What is being done, and for how long? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace ttc;

Progress::Progress(std::string subject) : subject(std::move(subject)) {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    thread = std::thread([this] { draw(); });
}

Progress::~Progress() {
  if (!thread.joinable())
    return;
  clear();
  {
    std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  changed.notify_one();
  thread.join();
}

void Progress::stage(std::string name) {
  std::lock_guard<std::mutex> lock(mutex);
  present = std::move(name);
}

void Progress::clear() {
  std::lock_guard<std::mutex> lock(mutex);
  if (drawn)
    llvm::errs() << "\r\033[K";
  drawn = false;
}

void Progress::draw() {
  std::unique_lock<std::mutex> lock(mutex);
  while (!changed.wait_for(lock, std::chrono::seconds(1),
                           [this] { return ended; })) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - start);
    llvm::errs() << "\r\033[K" << subject << ": " << present << ", "
                 << seconds.count() << " s";
    drawn = true;
  }
}
