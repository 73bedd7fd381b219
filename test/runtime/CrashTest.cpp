//===- CrashTest.cpp - What does a killed saver leave? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A child steps and saves without end and says through a pipe which timestep it
// has been told is safe; it is killed at a random moment. The file must then be
// whole, and hold a timestep no older than the last that was acknowledged. Two
// writers crippled on purpose show that the test would see a file that is not.
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "support/SystemCalls.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int64_t batch = 256; // 8 KiB of states: several pages a save

/// What the kills showed.
struct Findings {
  int kills = 0;
  int insideSave = 0; ///< something of a save was under way
  int torn = 0;
  int lost = 0;
};

/// The writer under test: for ever a step, a save, a word that it is done.
[[noreturn]] void saveForEver(const std::string &path, int words,
                              bool (*save)(ttc_session *, const char *)) {
  FakeSession fake;
  int generation = 0;
  ttc_session_load_latest(fake.session, path.c_str(), 0, &generation, nullptr);
  for (int t = 0;; ++t) {
    fake.step(batch, t);
    uint64_t timestep = ttc_session_timestep(fake.session);
    // Begun, and done: the parent tells from the last word where it struck.
    char begun = 'b';
    if (::write(words, &begun, 1) != 1 || !save(fake.session, path.c_str()))
      _exit(1);
    char done = 'd';
    if (::write(words, &done, 1) != 1 ||
        ::write(words, &timestep, sizeof(timestep)) != sizeof(timestep))
      _exit(1);
  }
}

Findings killSavers(int rounds, bool (*save)(ttc_session *, const char *)) {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession reader;
  std::mt19937 random(20240229);
  Findings findings;
  uint64_t acknowledged = 0;
  for (int round = 0; round < rounds; ++round) {
    int words[2];
    REQUIRE(::pipe(words) == 0);
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(words[0]);
      saveForEver(path, words[1], save);
    }
    ::close(words[1]);
    // Wait until it saves, then a random time: a save takes up to a
    // millisecond.
    char word = 0;
    REQUIRE(::read(words[0], &word, 1) == 1);
    ::usleep(static_cast<useconds_t>(random() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    ++findings.kills;
    char last = word;
    do {
      last = word;
      if (word == 'd') {
        uint64_t timestep = 0;
        if (::read(words[0], &timestep, sizeof(timestep)) == sizeof(timestep))
          acknowledged = timestep;
      }
    } while (::read(words[0], &word, 1) == 1);
    ::close(words[0]);
    findings.insideSave += last == 'b';

    REQUIRE(ttc_session_zero(reader.session, nullptr) == TTC_OK);
    ttc_status loaded =
        ttc_session_load(reader.session, path.c_str(), 0, nullptr);
    if (loaded == TTC_ERROR_NOT_FOUND && acknowledged == 0)
      continue;
    if (loaded != TTC_OK) {
      ++findings.torn;
      ::unlink(path.c_str());
      ::unlink((path + ".prev").c_str());
      acknowledged = 0;
    } else if (ttc_session_timestep(reader.session) < acknowledged) {
      ++findings.lost;
    }
    // The generation before is whole too, if there is one.
    if (fileExists(path + ".prev") && findings.torn == 0)
      CHECK(ttc_states_verify((path + ".prev").c_str(), nullptr) == TTC_OK);
  }
  return findings;
}

bool saveWell(ttc_session *session, const char *path) {
  return ttc_session_save(session, path, nullptr) == TTC_OK;
}

/// A crippled writer: in place, page by page.
bool saveInPlace(ttc_session *session, const char *path) {
  std::string whole = std::string(path) + ".whole";
  if (!saveWell(session, whole.c_str()))
    return false;
  std::string bytes = readBytes(whole);
  int file = ttc::systemCalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0)
    return false;
  for (size_t at = 0; at < bytes.size(); at += 512)
    if (::write(file, bytes.data() + at,
                std::min<size_t>(512, bytes.size() - at)) < 0)
      return false;
  return ::close(file) == 0;
}

/// Another: it says that it is done before it is.
bool saveNever(ttc_session *session, const char *path) {
  return ttc_session_timestep(session) > 1 || saveWell(session, path);
}

/// TTC_CRASH_KILLS sets how many; a longer test is the same test.
int kills() {
  const char *text = std::getenv("TTC_CRASH_KILLS");
  int count = text ? std::atoi(text) : 0;
  return count > 0 ? count : 300;
}

} // namespace

TEST_CASE("A saver that is killed leaves the old file or the new one, whole") {
  Findings findings = killSavers(kills(), saveWell);
  MESSAGE(findings.kills << " kills, " << findings.insideSave
                         << " of them inside a save");
  CHECK(findings.torn == 0);
  CHECK(findings.lost == 0);
  CHECK(findings.insideSave * 2 >= findings.kills);
}

TEST_CASE("The same test catches a writer that writes in place") {
  Findings findings;
  // It is a matter of chance when, not whether.
  for (int tries = 0; tries < 20 && findings.torn == 0; ++tries)
    findings = killSavers(50, saveInPlace);
  CHECK(findings.torn > 0);
}

TEST_CASE("The same test catches a writer that acknowledges too early") {
  CHECK(killSavers(20, saveNever).lost > 0);
}
