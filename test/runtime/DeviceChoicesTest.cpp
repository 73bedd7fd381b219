//===- DeviceChoicesTest.cpp - Which image, and which grid? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "device/DeviceImages.h"
#include "device/LaunchGeometry.h"

#include <ostream>

namespace {

/// The architectures of the images for a device, the best first; PTX is
/// "ptx:sm_80".
std::string choose(std::vector<std::string> carried, int major, int minor) {
  std::vector<ttc_device_image> images;
  for (const std::string &name : carried) {
    const bool isPtx = name.compare(0, 4, "ptx:") == 0;
    images.push_back({name.c_str() + (isPtx ? 4 : 0), isPtx, 0, "", 1});
  }
  ttc_device_code code = {};
  code.images = images.data();
  code.num_images = static_cast<uint32_t>(images.size());
  std::string chosen;
  for (const ttc_device_image *image : ttc::imagesFor(code, {major, minor}))
    chosen += (chosen.empty() ? "" : " ") +
              carried[static_cast<size_t>(image - images.data())];
  return chosen;
}

ttc::LaunchGeometry grid(ttc_bytes threads, bool rowsAreIndependent,
                         int64_t batch, ttc::DeviceRoom room) {
  ttc_device_code code = {};
  code.threads = threads;
  code.block_threads = 128;
  code.rows_are_independent = rowsAreIndependent;
  return ttc::chooseGeometry(code, batch, room);
}

/// Ten multiprocessors of two blocks.
constexpr ttc::DeviceRoom twenty = {10, 2, true};

} // namespace

namespace ttc {
static bool operator==(const LaunchGeometry &a, const LaunchGeometry &b) {
  return a.x == b.x && a.y == b.y;
}
static std::ostream &operator<<(std::ostream &to, const LaunchGeometry &grid) {
  return to << grid.x << " x " << grid.y;
}
} // namespace ttc

TEST_CASE("Machine code runs on its own generation, and not on an older GPU") {
  CHECK(choose({"sm_80", "sm_86", "sm_90"}, 8, 6) == "sm_86 sm_80");
  CHECK(choose({"sm_80", "sm_86", "sm_90"}, 8, 9) == "sm_86 sm_80");
  CHECK(choose({"sm_86"}, 8, 0) == "");
  CHECK(choose({"sm_80"}, 9, 0) == "");
  CHECK(choose({"sm_100", "sm_120"}, 12, 0) == "sm_120");
}

TEST_CASE("PTX runs on every newer GPU, and comes after machine code") {
  CHECK(choose({"ptx:sm_75", "ptx:sm_80", "sm_80"}, 8, 6) ==
        "sm_80 ptx:sm_80 ptx:sm_75");
  CHECK(choose({"ptx:sm_80"}, 12, 0) == "ptx:sm_80");
  CHECK(choose({"ptx:sm_90"}, 8, 6) == "");
}

TEST_CASE("A letter binds code to one GPU, or to its family") {
  CHECK(choose({"sm_90", "sm_90a", "ptx:sm_90a", "ptx:sm_80"}, 9, 0) ==
        "sm_90a sm_90 ptx:sm_90a ptx:sm_80");
  CHECK(choose({"sm_90a", "ptx:sm_90a"}, 10, 0) == "");
  CHECK(choose({"sm_100f", "ptx:sm_100f"}, 10, 3) == "sm_100f ptx:sm_100f");
  CHECK(choose({"sm_100f", "ptx:sm_100f"}, 12, 0) == "");
}

TEST_CASE("An emulated GPU and real ones have no code in common") {
  CHECK(choose({"sm_90", "ptx:sm_10", "emulated"}, 0, 0) == "emulated");
  CHECK(choose({"emulated"}, 9, 0) == "");
  CHECK(choose({"sm_", "sm_9", "sm_90x", "compute_90", ""}, 9, 0) == "");
}

TEST_CASE("What a model carries is said") {
  const ttc_device_image images[] = {
      {"sm_80", 1, 0, "", 1}, {"sm_86", 0, 0, "", 1}, {"sm_90a", 0, 0, "", 1}};
  ttc_device_code code = {};
  CHECK(ttc::describeImages(code) == "no image at all");
  code.images = images;
  code.num_images = 1;
  CHECK(ttc::describeImages(code) == "PTX for sm_80");
  code.num_images = 3;
  CHECK(ttc::describeImages(code) ==
        "PTX for sm_80, machine code for sm_86 and machine code for sm_90a");
}

TEST_CASE("One row is made by as many blocks as it keeps busy") {
  CHECK(grid({0, 100}, true, 1, twenty) == ttc::LaunchGeometry{1, 1});
  CHECK(grid({0, 129}, true, 1, twenty) == ttc::LaunchGeometry{2, 1});
  // No more than can run at the same time.
  CHECK(grid({0, 1 << 20}, true, 1, twenty) == ttc::LaunchGeometry{20, 1});
  // Rows that need each other are one part, however many.
  CHECK(grid({0, 64}, false, 100, twenty) == ttc::LaunchGeometry{20, 1});
}

TEST_CASE(
    "Many rows are shared out, as many to a block as it has threads for") {
  CHECK(grid({0, 32}, true, 8, twenty) == ttc::LaunchGeometry{1, 2});
  CHECK(grid({0, 32}, true, 9, twenty) == ttc::LaunchGeometry{1, 3});
  // One wave of blocks, whatever the batch.
  CHECK(grid({0, 32}, true, 1 << 20, twenty) == ttc::LaunchGeometry{1, 20});
  CHECK(grid({0, 128}, true, 1000, twenty) == ttc::LaunchGeometry{1, 20});
}

TEST_CASE("Few rows that are large are made by teams, within what fits") {
  CHECK(grid({0, 1024}, true, 2, twenty) == ttc::LaunchGeometry{8, 2});
  CHECK(grid({0, 1024}, true, 4, twenty) == ttc::LaunchGeometry{5, 4});
  CHECK(grid({0, 1024}, true, 15, twenty) == ttc::LaunchGeometry{1, 15});
  // A second block would have half of its threads idle.
  CHECK(grid({0, 192}, true, 4, twenty) == ttc::LaunchGeometry{1, 4});
}

TEST_CASE("Without cooperative launches there are no teams") {
  CHECK(grid({0, 1 << 20}, true, 1, {10, 2, false}) ==
        ttc::LaunchGeometry{1, 1});
  CHECK(grid({0, 1 << 20}, true, 30, {10, 2, false}) ==
        ttc::LaunchGeometry{1, 20});
}

TEST_CASE("Numbers at their ends make a grid that can be launched") {
  CHECK(grid({0, 0}, true, 5, twenty) == ttc::LaunchGeometry{1, 1});
  CHECK(grid({UINT64_MAX, UINT64_MAX}, true, INT64_MAX, twenty) ==
        ttc::LaunchGeometry{1, 20});
  CHECK(grid({0, 1}, true, INT64_MAX, {1 << 20, 32, true}).y == 65535);
  CHECK(grid({0, 64}, true, 5, {0, 0, true}) == ttc::LaunchGeometry{1, 1});
}
