//===- CrippledWritersTest.cpp - Would the tests see a bad writer? --------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Five writers, each without one of the things that make a save safe. Every one
// of them must be caught, by the same harness that the real writer passes.
//
//===----------------------------------------------------------------------===//

#include "Damage.h"
#include "PowerCuts.h"
#include "support/SystemCalls.h"

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace {

const ttc::SystemCalls realCalls = ttc::systemCalls;

struct Restore {
  ~Restore() { ttc::systemCalls = realCalls; }
};

std::string victim; ///< a file that a planted link leads to
bool exclusive;     ///< whether the writer keeps its O_EXCL
bool planted;

/// Somebody knew the first temporary name that the writer would take, and put a
/// link to another file there. Saves, and tells whether that file was left
/// alone and the states can be read.
bool survivesPlantedLink(bool keepsExclusive) {
  Restore restore;
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  victim = directory / "victim";
  writeBytes(victim, "another's");
  exclusive = keepsExclusive;
  planted = false;
  ttc::systemCalls.open = [](const char *name, int flags, mode_t mode) {
    if (flags & O_CREAT && !planted)
      planted = ::symlink(victim.c_str(), name) == 0;
    return realCalls.open(name, exclusive ? flags : flags & ~O_EXCL, mode);
  };
  FakeSession fake, other;
  fake.step(2, 0);
  bool saved = saveWell(fake.session, path.c_str());
  REQUIRE(planted);
  return saved && readBytes(victim) == "another's" &&
         !std::filesystem::is_symlink(path) &&
         ttc_session_load(other.session, path.c_str(), 0, nullptr) == TTC_OK &&
         other.states() == fake.states();
}

/// The states of a session in a file that carries no checksums.
std::string statesWithoutChecksums() {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  fake.step(4, 0);
  std::vector<ttc_tensor> table(ttc_model_fake.num_states);
  for (size_t i = 0; i < table.size(); ++i)
    REQUIRE(ttc_session_state(fake.session, i, &table[i], nullptr) == TTC_OK);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  REQUIRE(ttc_weights_save(weights, path.c_str(), nullptr) == TTC_OK);
  ttc_weights_close(weights);
  return readBytes(path);
}

} // namespace

TEST_CASE("Caught 1 of 5: a writer that does not sync the file") {
  DiskHears hears;
  hears.fileSyncs = false;
  CutFindings findings = cutEverywhere(saveWell, hears);
  CHECK(findings.torn > 0);
}

TEST_CASE("Caught 2 of 5: a writer that does not sync the directory") {
  DiskHears hears;
  hears.directorySyncs = false;
  CutFindings findings = cutEverywhere(saveWell, hears);
  CHECK(findings.torn == 0);
  CHECK(findings.lost > 0);
}

TEST_CASE("Caught 3 of 5: a writer that writes in place") {
  CutFindings findings = cutEverywhere(saveInPlace);
  CHECK(findings.torn > 0);
}

TEST_CASE("Caught 4 of 5: a writer without checksums") {
  std::string bytes = statesWithoutChecksums();
  CHECK(damageEverywhere(bytes, TTC_LOAD_UNVERIFIED).accepted > 0);
}

TEST_CASE("Caught 5 of 5: a writer that creates without O_EXCL") {
  CHECK(survivesPlantedLink(/*keepsExclusive=*/true));
  CHECK_FALSE(survivesPlantedLink(/*keepsExclusive=*/false));
}
