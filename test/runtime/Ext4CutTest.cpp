//===- Ext4CutTest.cpp - What does a real file system keep? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A child steps and saves without end on an ext4 file system in a file, which
// is shut down under it at a random moment: what was not on the disk by then is
// gone. Mounted again, the file must be whole, and no older than the last that
// was acknowledged. Needs the right to mount. TTC_EXT4_CUTS sets how many cuts,
// half of them on a file system without a journal.
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int64_t batch = 256; // 8 KiB of states: several pages a save

// From linux/fs.h and ext4's own header, which is not installed everywhere.
constexpr unsigned long shutDown = _IOR('X', 125, uint32_t);
constexpr uint32_t withLog = 1, withoutLog = 2;

bool runs(const std::string &command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// A file system in a file.
class Disk {
public:
  explicit Disk(bool journal) : journal(journal) {
    good = runs("truncate -s 32M " + image) && runs("mkdir " + mountPoint) &&
           runs("mkfs.ext4 -q -F " +
                std::string(journal ? "" : "-O ^has_journal ") + image);
  }
  ~Disk() { unmount(); }

  bool mount() {
    // Without a journal, what a cut leaves of the names is set right first.
    if (!journal)
      runs("e2fsck -fy " + image);
    mounted = good && runs("mount -o loop " + image + " " + mountPoint);
    return mounted;
  }
  void unmount() {
    if (mounted)
      REQUIRE(runs("umount " + mountPoint));
    mounted = false;
  }
  /// Cuts the power.
  void cut(uint32_t how) const {
    int root = ::open(mountPoint.c_str(), O_RDONLY | O_DIRECTORY);
    REQUIRE(root >= 0);
    REQUIRE(::ioctl(root, shutDown, &how) == 0);
    ::close(root);
  }
  std::string file() const { return mountPoint + "/s.safetensors"; }

private:
  TemporaryDirectory directory;
  const bool journal;
  const std::string image = directory / "disk";
  const std::string mountPoint = directory / "mounted";
  bool good = false, mounted = false;
};

/// For ever a step, a save, a word of the timestep that is safe.
[[noreturn]] void saveForEver(const std::string &path, int words) {
  FakeSession fake;
  int generation = 0;
  ttc_session_load_latest(fake.session, path.c_str(), 0, &generation, nullptr);
  for (int t = 0;; ++t) {
    fake.step(batch, t);
    uint64_t timestep = ttc_session_timestep(fake.session);
    if (ttc_session_save(fake.session, path.c_str(), nullptr) != TTC_OK ||
        ::write(words, &timestep, sizeof(timestep)) != sizeof(timestep))
      _exit(1);
  }
}

int cuts() {
  const char *text = std::getenv("TTC_EXT4_CUTS");
  int count = text ? std::atoi(text) : 0;
  return count > 0 ? count : 10;
}

} // namespace

TEST_CASE("A cut of the power leaves the old file or the new one, on ext4") {
  std::mt19937 random(20240229);
  int done = 0, acknowledgedInAll = 0;
  for (bool journal : {true, false}) {
    Disk disk(journal);
    uint64_t acknowledged = 0;
    for (int round = 0; round < (cuts() + 1) / 2; ++round) {
      if (!disk.mount()) {
        MESSAGE("skipped: no file system can be mounted here");
        return;
      }
      int words[2];
      REQUIRE(::pipe(words) == 0);
      pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        ::close(words[0]);
        saveForEver(disk.file(), words[1]);
      }
      ::close(words[1]);
      uint64_t timestep = 0;
      REQUIRE(::read(words[0], &timestep, sizeof(timestep)) ==
              sizeof(timestep));
      acknowledged = timestep;
      ::usleep(static_cast<useconds_t>(random() % 6000));
      disk.cut(random() % 4 ? withoutLog : withLog);
      int status = 0;
      ::waitpid(child, &status, 0);
      // It ended by itself: its save was refused.
      CHECK(WIFEXITED(status));
      while (::read(words[0], &timestep, sizeof(timestep)) ==
             sizeof(timestep)) {
        acknowledged = timestep;
        ++acknowledgedInAll;
      }
      ::close(words[0]);
      disk.unmount();
      REQUIRE(disk.mount());
      CAPTURE(journal);
      CAPTURE(round);
      FakeSession reader;
      Outcome outcome = outcomeOf([&](ttc_error *error) {
        return ttc_session_load(reader.session, disk.file().c_str(), 0, error);
      });
      CAPTURE(outcome);
      CHECK(outcome.code == TTC_OK);
      CHECK(ttc_session_timestep(reader.session) >= acknowledged);
      disk.unmount();
      ++done;
    }
  }
  MESSAGE(done << " power cuts, " << acknowledgedInAll
               << " saves acknowledged on the way");
}
