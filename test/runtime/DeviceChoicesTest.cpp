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
constexpr ttc::DeviceRoom twenty = {10, 2, true, 0};
/// The same, and clusters.
constexpr ttc::DeviceRoom clusters = {10, 2, true, 8};

ttc::LaunchGeometry alone(uint32_t y) {
  return {1, y, 128, ttc::LaunchKind::Alone};
}
ttc::LaunchGeometry cooperative(uint32_t x, uint32_t y) {
  return {x, y, 128, ttc::LaunchKind::Cooperative};
}
ttc::LaunchGeometry cluster(uint32_t x, uint32_t threads, uint32_t y) {
  return {x, y, threads, ttc::LaunchKind::Cluster};
}

} // namespace

namespace ttc {
static bool operator==(const LaunchGeometry &a, const LaunchGeometry &b) {
  return a.x == b.x && a.y == b.y && a.threads == b.threads && a.kind == b.kind;
}
static std::ostream &operator<<(std::ostream &to, const LaunchGeometry &grid) {
  const char *kinds[] = {"", " in clusters", " at the same time"};
  return to << grid.x << " x " << grid.y << " blocks of " << grid.threads
            << " threads" << kinds[static_cast<int>(grid.kind)];
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

TEST_CASE("Kernels for sm_90 and later have clusters, on whatever GPU") {
  auto has = [](const char *name) {
    return ttc::hasClusters({name, 1, 0, "", 1});
  };
  for (const char *name : {"sm_90", "sm_90a", "sm_100f", "sm_120", "emulated"})
    CHECK(has(name));
  for (const char *name : {"sm_75", "sm_80", "sm_89", "sm_9", "compute_90"})
    CHECK(!has(name));
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
  CHECK(grid({0, 100}, true, 1, twenty) == alone(1));
  CHECK(grid({0, 129}, true, 1, twenty) == cooperative(2, 1));
  // No more than can run at the same time.
  CHECK(grid({0, 1 << 20}, true, 1, twenty) == cooperative(20, 1));
  // Rows that need each other are one part, however many.
  CHECK(grid({0, 64}, false, 100, twenty) == cooperative(20, 1));
}

TEST_CASE(
    "Many rows are shared out, as many to a block as it has threads for") {
  CHECK(grid({0, 32}, true, 8, twenty) == alone(2));
  CHECK(grid({0, 32}, true, 9, twenty) == alone(3));
  // One wave of blocks, whatever the batch.
  CHECK(grid({0, 32}, true, 1 << 20, twenty) == alone(20));
  CHECK(grid({0, 128}, true, 1000, twenty) == alone(20));
}

TEST_CASE("Few rows that are large are made by teams, within what fits") {
  CHECK(grid({0, 1024}, true, 2, twenty) == cooperative(8, 2));
  CHECK(grid({0, 1024}, true, 4, twenty) == cooperative(5, 4));
  CHECK(grid({0, 1024}, true, 15, twenty) == alone(15));
  // A second block would have half of its threads idle.
  CHECK(grid({0, 192}, true, 4, twenty) == alone(4));
}

TEST_CASE("Without cooperative launches there are no teams") {
  CHECK(grid({0, 1 << 20}, true, 1, {10, 2, false, 0}) == alone(1));
  CHECK(grid({0, 1 << 20}, true, 30, {10, 2, false, 0}) == alone(20));
}

TEST_CASE(
    "What fits into one block stays there, where there are clusters, too") {
  CHECK(grid({0, 100}, true, 1, clusters) == alone(1));
  CHECK(grid({0, 128}, true, 1, clusters) == alone(1));
  CHECK(grid({0, 32}, true, 9, clusters) == alone(3));
  CHECK(grid({0, 32}, true, 1 << 20, clusters) == alone(20));
}

TEST_CASE("A team of some blocks is a cluster, whose blocks are small") {
  // Two, four and eight, each of which has at least 64 threads to run: the
  // threads are spread evenly, as whole warps.
  CHECK(grid({0, 129}, true, 1, clusters) == cluster(2, 96, 1));
  CHECK(grid({0, 192}, true, 1, clusters) == cluster(2, 96, 1));
  CHECK(grid({0, 255}, true, 1, clusters) == cluster(2, 128, 1));
  CHECK(grid({0, 256}, true, 1, clusters) == cluster(4, 64, 1));
  CHECK(grid({0, 511}, true, 1, clusters) == cluster(4, 128, 1));
  CHECK(grid({0, 512}, true, 1, clusters) == cluster(8, 64, 1));
  CHECK(grid({0, 513}, true, 1, clusters) == cluster(8, 96, 1));
  CHECK(grid({0, 1024}, true, 1, clusters) == cluster(8, 128, 1));
  // Rows that need each other, too.
  CHECK(grid({0, 64}, false, 10, clusters) == cluster(8, 96, 1));
  // One that holds fewer blocks.
  CHECK(grid({0, 512}, true, 1, {10, 2, true, 4}) == cluster(4, 128, 1));
}

TEST_CASE("A team that is larger than a cluster runs at the same time") {
  CHECK(grid({0, 1025}, true, 1, clusters) == cooperative(9, 1));
  CHECK(grid({0, 1 << 20}, true, 1, clusters) == cooperative(20, 1));
  CHECK(grid({0, 1152}, true, 2, clusters) == cooperative(9, 2));
}

TEST_CASE("Clusters must fit on the device all together") {
  CHECK(grid({0, 512}, true, 2, clusters) == cluster(8, 64, 2));
  CHECK(grid({0, 512}, true, 3, clusters) == cooperative(4, 3));
  CHECK(grid({0, 192}, true, 3, clusters) == alone(3));
  CHECK(grid({0, 512}, true, 20, clusters) == alone(20));
  CHECK(grid({0, 512}, true, 1, {3, 2, true, 8}) == cooperative(4, 1));
}

TEST_CASE("Clusters need no cooperative launches") {
  constexpr ttc::DeviceRoom room = {10, 2, false, 8};
  CHECK(grid({0, 512}, true, 1, room) == cluster(8, 64, 1));
  CHECK(grid({0, 1025}, true, 1, room) == alone(1));
  CHECK(grid({0, 512}, true, 3, room) == alone(3));
}

TEST_CASE("Blocks too small for a cluster's share are launched together") {
  ttc_device_code code = {};
  code.threads = {160, 0};
  code.block_threads = 32;
  CHECK(ttc::chooseGeometry(code, 1, clusters) ==
        ttc::LaunchGeometry{5, 1, 32, ttc::LaunchKind::Cooperative});
}

TEST_CASE("Numbers at their ends make a grid that can be launched") {
  CHECK(grid({0, 0}, true, 5, twenty) == alone(1));
  for (const ttc::DeviceRoom &room : {twenty, clusters})
    CHECK(grid({UINT64_MAX, UINT64_MAX}, true, INT64_MAX, room) == alone(20));
  CHECK(grid({0, UINT64_MAX}, true, 1, clusters) == cooperative(20, 1));
  CHECK(grid({0, 1}, true, INT64_MAX, {1 << 20, 32, true, 0}).y == 65535);
  CHECK(grid({0, 64}, true, 5, {0, 0, true, 0}) == alone(1));
}
