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
  code.tile_rows = 1;
  return ttc::chooseGeometry(code, batch, room);
}

/// Ten multiprocessors of two blocks.
constexpr ttc::DeviceRoom twenty = {10, 2, true, 0, 0, 0};
/// The same, and clusters.
constexpr ttc::DeviceRoom clusters = {10, 2, true, 8, 0, 8};

ttc::LaunchGeometry alone(uint32_t y) {
  return {1, y, 128, ttc::LaunchKind::Alone, 0};
}
ttc::LaunchGeometry cooperative(uint32_t x, uint32_t y) {
  return {x, y, 128, ttc::LaunchKind::Cooperative, 0};
}
ttc::LaunchGeometry cluster(uint32_t x, uint32_t threads, uint32_t y) {
  return {x, y, threads, ttc::LaunchKind::Cluster, 0};
}

} // namespace

namespace ttc {
static bool operator==(const LaunchGeometry &a, const LaunchGeometry &b) {
  return a.x == b.x && a.y == b.y && a.threads == b.threads &&
         a.kind == b.kind && a.sharedBytes == b.sharedBytes;
}
static std::ostream &operator<<(std::ostream &to, const LaunchGeometry &grid) {
  const char *kinds[] = {"", " in clusters", " at the same time"};
  return to << grid.x << " x " << grid.y << " blocks of " << grid.threads
            << " threads and " << grid.sharedBytes << " bytes"
            << kinds[static_cast<int>(grid.kind)];
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
  CHECK(grid({0, 1 << 20}, true, 1, {10, 2, false, 0, 0, 0}) == alone(1));
  CHECK(grid({0, 1 << 20}, true, 30, {10, 2, false, 0, 0, 0}) == alone(20));
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
  CHECK(grid({0, 512}, true, 1, {10, 2, true, 4, 0, 4}) == cluster(4, 128, 1));
}

TEST_CASE("A team that is somewhat larger than a cluster takes turns in it") {
  CHECK(grid({0, 1025}, true, 1, clusters) == cluster(8, 128, 1));
  CHECK(grid({0, 2048}, true, 1, clusters) == cluster(8, 128, 1));
  CHECK(grid({0, 1152}, true, 2, clusters) == cluster(8, 128, 2));
}

TEST_CASE("A team that is much larger than a cluster runs at the same time") {
  CHECK(grid({0, 2049}, true, 1, clusters) == cooperative(17, 1));
  CHECK(grid({0, 1 << 20}, true, 1, clusters) == cooperative(20, 1));
  // But not if no more blocks are free than a cluster has.
  CHECK(grid({0, 1 << 20}, true, 4, clusters) == cooperative(5, 4));
  CHECK(grid({0, 1 << 20}, true, 5, clusters) == cluster(4, 128, 5));
}

TEST_CASE("Clusters are so small that they fit on the device all together") {
  CHECK(grid({0, 512}, true, 2, clusters) == cluster(8, 64, 2));
  CHECK(grid({0, 512}, true, 3, clusters) == cluster(4, 128, 3));
  CHECK(grid({0, 192}, true, 3, clusters) == cluster(2, 96, 3));
  CHECK(grid({0, 512}, true, 20, clusters) == alone(20));
  CHECK(grid({0, 512}, true, 1, {3, 2, true, 8, 0, 8}) == cluster(4, 128, 1));
}

TEST_CASE("Clusters need no cooperative launches") {
  constexpr ttc::DeviceRoom room = {10, 2, false, 8, 0, 8};
  CHECK(grid({0, 512}, true, 1, room) == cluster(8, 64, 1));
  CHECK(grid({0, 1 << 20}, true, 1, room) == cluster(8, 128, 1));
  CHECK(grid({0, 512}, true, 3, room) == cluster(4, 128, 3));
  CHECK(grid({0, 512}, true, 11, room) == alone(11));
}

TEST_CASE("Blocks too small for a cluster's share are as many as it has") {
  ttc_device_code code = {};
  code.threads = {160, 0};
  code.block_threads = 32;
  code.tile_rows = 1;
  CHECK(ttc::chooseGeometry(code, 1, clusters) == cluster(8, 32, 1));
}

TEST_CASE("Parts have whole tiles of rows") {
  ttc_device_code code = {};
  code.threads = {0, 512};
  code.block_threads = 128;
  code.rows_are_independent = 1;
  code.tile_rows = 8;
  auto of = [&](int64_t batch) {
    return ttc::chooseGeometry(code, batch, clusters);
  };
  // Fewer rows than a tile are one part, more of them others.
  CHECK(of(1) == cluster(8, 64, 1));
  CHECK(of(2) == cluster(8, 128, 1));
  CHECK(of(8) == cooperative(20, 1));
  CHECK(of(9) == cooperative(10, 2));
  CHECK(of(64) == cluster(2, 128, 8));
  CHECK(of(1 << 20) == alone(20));
}

TEST_CASE("Weights are kept in shared memory, if there is enough of it") {
  ttc_device_code code = {};
  code.threads = {0, 512};
  code.block_threads = 128;
  code.rows_are_independent = 1;
  code.tile_rows = 1;
  code.kept_threads = {0, 500};
  code.kept_bytes = 1000;
  auto of = [&](int64_t batch, ttc::DeviceRoom room) {
    return ttc::chooseGeometry(code, batch, room);
  };
  auto with = [](ttc::LaunchGeometry geometry, uint32_t sharedBytes) {
    geometry.sharedBytes = sharedBytes;
    return geometry;
  };
  // Of eight blocks 63 threads have some, which is two warps; all are used.
  CHECK(of(1, {10, 2, true, 8, 64000, 8}) == with(cluster(8, 128, 1), 64000));
  CHECK(of(1, {10, 2, true, 8, 99000, 8}) == with(cluster(8, 128, 1), 64000));
  // More blocks, each with a warp: they are too many for a cluster.
  CHECK(of(1, {16, 1, true, 8, 63999, 8}) == with(cooperative(16, 1), 32000));
  // Not so many, too little for a warp, or blocks that may not wait: nothing.
  CHECK(of(1, {15, 1, true, 8, 63999, 8}) == cluster(8, 64, 1));
  CHECK(of(1, {16, 1, true, 8, 31999, 8}) == cluster(8, 64, 1));
  CHECK(of(1, {16, 1, false, 8, 63999, 8}) == cluster(8, 64, 1));
  CHECK(of(1, {10, 2, true, 8, 0, 8}) == cluster(8, 64, 1));
  // A kernel without clusters.
  CHECK(of(1, {10, 1, true, 0, 128000, 0}) == with(cooperative(4, 1), 128000));
  CHECK(of(1, {10, 1, true, 0, 64000, 0}) == with(cooperative(8, 1), 64000));
  // Clusters of such blocks do not fit beside each other.
  CHECK(of(1, {16, 1, true, 8, 64000, 0}) == cluster(8, 64, 1));
  // A multiprocessor has one such block: two parts of eight would need 16.
  CHECK(of(2, {10, 2, true, 8, 64000, 8}) == cluster(8, 64, 2));
  CHECK(of(2, {16, 2, true, 8, 64000, 8}) == with(cluster(8, 128, 2), 64000));
  // Unless sequences of such a batch are made in a way that keeps none.
  code.kept_batch = 2;
  CHECK(of(2, {16, 2, true, 8, 64000, 8}) == cluster(8, 64, 2));
  CHECK(of(1, {10, 2, true, 8, 64000, 8}) == with(cluster(8, 128, 1), 64000));
  code.rows_are_independent = 0;
  CHECK(of(2, {16, 2, true, 8, 64000, 8}) == with(cooperative(16, 1), 64000));
  code.kept_threads = {0, 250};
  CHECK(of(2, {16, 2, true, 8, 64000, 8}).sharedBytes == 64000);
  CHECK(of(3, {16, 2, true, 8, 64000, 8}).sharedBytes == 0);
  code.kept_batch = 0;
  code.rows_are_independent = 1;
  // Threads that do not depend on the rows.
  code.kept_threads = {500, 0};
  CHECK(of(1, {10, 2, true, 8, 64000, 8}) == with(cluster(8, 128, 1), 64000));
  // What one block does may need more of them.
  code.threads = {0, 128};
  code.kept_threads = {0, 128};
  CHECK(of(1, {10, 2, true, 8, 128000, 8}) == with(alone(1), 128000));
  CHECK(of(1, {10, 2, true, 8, 127999, 8}) == with(cluster(2, 128, 1), 64000));
  CHECK(of(1, {10, 2, true, 8, 32000, 8}) == with(cluster(4, 128, 1), 32000));
  // Numbers at their ends.
  code.kept_threads = {UINT64_MAX, UINT64_MAX};
  CHECK(of(2, {10, 2, true, 8, 64000, 8}) == alone(2));
  code.kept_bytes = UINT64_MAX;
  CHECK(of(1, {10, 2, true, 8, 64000, 8}) == alone(1));
}

TEST_CASE("Numbers at their ends make a grid that can be launched") {
  CHECK(grid({0, 0}, true, 5, twenty) == alone(1));
  for (const ttc::DeviceRoom &room : {twenty, clusters})
    CHECK(grid({UINT64_MAX, UINT64_MAX}, true, INT64_MAX, room) == alone(20));
  CHECK(grid({0, UINT64_MAX}, true, 1, clusters) == cooperative(20, 1));
  CHECK(grid({0, 1}, true, INT64_MAX, {1 << 20, 32, true, 0, 0, 0}).y == 65535);
  CHECK(grid({0, 64}, true, 5, {0, 0, true, 0, 0, 0}) == alone(1));
}
