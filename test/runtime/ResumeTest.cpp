//===- ResumeTest.cpp - Does a killed run go on as if it had not been? ----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One process steps and saves and is killed at a random moment; another loads
// what it left and goes on to the end. Outputs and states must have the bits of
// the run without interruption.
//
//===----------------------------------------------------------------------===//

#include "AnyModel.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr uint64_t steps = 40;

/// A run without interruption.
struct Whole {
  std::vector<std::string> outputs;
  std::string states;

  explicit Whole(AnyModel &model) {
    ttc_session *session = model.newSession();
    REQUIRE(ttc_session_seed(session, 5, nullptr) == TTC_OK);
    for (uint64_t t = 0; t < steps; ++t)
      outputs.push_back(model.step(session, t));
    states = model.states(session);
    ttc_session_close(session);
  }
};

/// Steps, saves, and says so, until it is killed.
[[noreturn]] void stepAndSave(AnyModel &model, const std::string &path,
                              int words) {
  ttc_session *session = model.newSession();
  bool good = ttc_session_seed(session, 5, nullptr) == TTC_OK;
  for (uint64_t t = 0; good; ++t) {
    model.step(session, t % steps);
    // What comes after the last step is nobody's.
    if (t < steps)
      good = ttc_session_save(session, path.c_str(), nullptr) == TTC_OK;
    char word = 'd';
    good = good && ::write(words, &word, 1) == 1;
  }
  _exit(1);
}

enum Verdict { Identical, NotLoaded, Older, OtherOutputs, OtherStates };

/// Goes on from what was left.
Verdict resume(AnyModel &model, const std::string &path, uint64_t acknowledged,
               const Whole &whole) {
  ttc_session *session = model.newSession();
  int generation = -1;
  if (ttc_session_load_latest(session, path.c_str(), 0, &generation, nullptr) !=
      TTC_OK)
    return NotLoaded;
  uint64_t timestep = ttc_session_timestep(session);
  if (timestep < acknowledged || generation != 0)
    return Older;
  for (uint64_t t = timestep; t < steps; ++t)
    if (model.step(session, t) != whole.outputs[t])
      return OtherOutputs;
  return model.states(session) == whole.states ? Identical : OtherStates;
}

int exitOf(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// TTC_RESUME_POINTS sets how many; a longer test is the same test.
int points() {
  const char *text = std::getenv("TTC_RESUME_POINTS");
  int count = text ? std::atoi(text) : 0;
  return count > 0 ? count : 40;
}

} // namespace

TEST_CASE("A run that is killed and resumed is the run without interruption") {
  TemporaryDirectory directory;
  std::vector<std::string> libraries = testModels(directory);
  std::mt19937 random(20240229);
  int done = 0;
  for (size_t number = 0; number < libraries.size(); ++number) {
    AnyModel model(libraries[number]);
    Whole whole(model);
    REQUIRE_FALSE(whole.states.empty());
    CAPTURE(libraries[number]);
    // All of the points are used, if they are not one a library.
    const int upTo = points() * static_cast<int>(number + 1) /
                     static_cast<int>(libraries.size());
    for (; done < upTo; ++done) {
      std::string path = directory / std::to_string(done);
      const uint64_t wanted = 1 + random() % (steps - 1);
      int words[2];
      REQUIRE(::pipe(words) == 0);
      pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        ::close(words[0]);
        stepAndSave(model, path, words[1]);
      }
      ::close(words[1]);
      uint64_t acknowledged = 0;
      char word = 0;
      while (acknowledged < wanted && ::read(words[0], &word, 1) == 1)
        ++acknowledged;
      ::usleep(static_cast<useconds_t>(random() % 500));
      ::kill(child, SIGKILL);
      REQUIRE(exitOf(child) == -1);
      while (::read(words[0], &word, 1) == 1)
        ++acknowledged;
      ::close(words[0]);
      pid_t successor = ::fork();
      REQUIRE(successor >= 0);
      if (successor == 0)
        _exit(resume(model, path, std::min(acknowledged, steps), whole));
      CAPTURE(wanted);
      CHECK(exitOf(successor) == Identical);
    }
  }
  MESSAGE(done << " points in " << libraries.size() << " models");
  CHECK(done == points());
}
