//===- FailureTest.cpp - What if any call to the system fails? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every call about files fails in turn, with every reason that systems give,
// and with reads and writes that do only a part: under every function of the
// runtime that reads or writes a file.
//
//===----------------------------------------------------------------------===//

#include "FailingCalls.h"
#include "Fixtures.h"

#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>

namespace {

constexpr int reasons[] = {EIO, ENOSPC, EDQUOT, EACCES, EMFILE, EINTR, EPERM};

/// Makes every file call of `call` fail in turn, each time after `before`.
/// A failure must be reported as the system's, and `after` (told whether the
/// call succeeded) must find things as they should be. Returns how many calls
/// were refused to a caller.
int failEach(const std::function<void()> &before,
             const std::function<ttc_status(ttc_error *)> &call,
             const std::function<void(bool)> &after) {
  int failures = 0;
  for (int reason : reasons)
    for (bool shorten : {false, true})
      for (int turn = 0;; ++turn) {
        before();
        const int open = openFiles();
        bool reached = false;
        Outcome outcome;
        {
          FailingCalls failing(turn, reason, shorten);
          outcome = outcomeOf([&](ttc_error *error) { return call(error); });
          reached = failing.reached();
        }
        CAPTURE(reason);
        CAPTURE(shorten);
        CAPTURE(turn);
        CAPTURE(outcome);
        if (outcome.code != TTC_OK) {
          ++failures;
          REQUIRE(reached);
          REQUIRE(outcome.code == TTC_ERROR_IO);
        }
        after(outcome.code == TTC_OK);
        REQUIRE(openFiles() == open);
        if (!reached) {
          REQUIRE(outcome.code == TTC_OK);
          break;
        }
      }
  return failures;
}

void nothing() {}

bool hasTemporaries(const std::string &directory) {
  for (const auto &file : std::filesystem::directory_iterator(directory))
    if (file.path().filename().string().find(".tmp.") != std::string::npos)
      return true;
  return false;
}

/// Opens a file of weights and reads all of its tensors, in every way.
void readEach(const std::string &path) {
  CAPTURE(path);
  int failures = 0;
  for (int flags : {0, int(TTC_WEIGHTS_META), int(TTC_WEIGHTS_COPY),
                    int(TTC_WEIGHTS_VERIFY)}) {
    ttc_weights *weights = nullptr;
    failures += failEach(
        nothing,
        [&](ttc_error *error) {
          return openAndRead(path, flags, weights, error);
        },
        [&](bool good) {
          REQUIRE((!good || weights != nullptr));
          ttc_weights_close(weights);
          weights = nullptr;
        });
  }
  CHECK(failures >= 3 * static_cast<int>(std::size(reasons)));
}

} // namespace

TEST_CASE("K23 K25 every file call of a save leaves the old file or the new") {
  std::unique_ptr<TemporaryDirectory> directory;
  std::unique_ptr<FakeSession> fake;
  std::string path, before;
  auto prepare = [&] {
    directory = std::make_unique<TemporaryDirectory>();
    path = *directory / "s.safetensors";
    fake = std::make_unique<FakeSession>();
    fake->step(2, 0);
    REQUIRE(ttc_session_save(fake->session, path.c_str(), nullptr) == TTC_OK);
    before = readBytes(path);
    fake->step(2, 1);
  };
  auto save = [&](ttc_error *error) {
    return ttc_session_save(fake->session, path.c_str(), error);
  };
  auto check = [&](bool saved) {
    FakeSession other;
    REQUIRE(ttc_session_load(other.session, path.c_str(), 0, nullptr) ==
            TTC_OK);
    bool fresh = other.states() == fake->states();
    REQUIRE((fresh || (!saved && readBytes(path) == before)));
    REQUIRE_FALSE(hasTemporaries(*directory / "."));
    if (fileExists(path + ".prev"))
      REQUIRE(ttc_states_verify((path + ".prev").c_str(), nullptr) == TTC_OK);
  };
  // At least: lstat, open, open, fchmod, write, fsync, close, rename, rename,
  // fsync; a few are retried after EINTR.
  CHECK(failEach(prepare, save, check) >=
        10 * (static_cast<int>(std::size(reasons)) - 1));

  SUBCASE("on a file system without hard links") {
    struct WithoutLinks {
      const ttc::SystemCalls real = ttc::systemCalls;
      WithoutLinks() {
        ttc::systemCalls.link = [](const char *, const char *) {
          errno = ENOTSUP;
          return -1;
        };
      }
      ~WithoutLinks() { ttc::systemCalls = real; }
    } withoutLinks;
    CHECK(failEach(prepare, save, check) >=
          14 * (static_cast<int>(std::size(reasons)) - 1));
  }

  SUBCASE("where there is no file yet") {
    CHECK(failEach(
              [&] {
                prepare();
                std::filesystem::remove(path);
                std::filesystem::remove(path + ".prev");
              },
              save,
              [&](bool saved) {
                FakeSession other;
                ttc_status status =
                    ttc_session_load(other.session, path.c_str(), 0, nullptr);
                REQUIRE((status == TTC_OK ||
                         (!saved && status == TTC_ERROR_NOT_FOUND)));
                REQUIRE_FALSE(hasTemporaries(*directory / "."));
              }) >= 7 * (static_cast<int>(std::size(reasons)) - 1));
  }
}

TEST_CASE("K25 every file call of a load leaves the session as it was") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  for (int t = 0; t < 2; ++t) {
    fake.step(2, t);
    REQUIRE(ttc_session_save(fake.session, path.c_str(), nullptr) == TTC_OK);
  }
  std::unique_ptr<FakeSession> other;
  std::vector<float> before;
  auto prepare = [&] {
    other = std::make_unique<FakeSession>();
    other->step(2, 9);
    before = other->states();
  };
  auto check = [&](bool loaded) {
    REQUIRE(other->states() == (loaded ? fake.states() : before));
    REQUIRE(ttc_session_timestep(other->session) == (loaded ? 2 : 1));
  };
  CHECK(failEach(
            prepare,
            [&](ttc_error *error) {
              return ttc_session_load(other->session, path.c_str(), 0, error);
            },
            check) >= 3);
  int generation = -1;
  CHECK(failEach(
            [&] {
              prepare();
              generation = -1;
            },
            [&](ttc_error *error) {
              return ttc_session_load_latest(other->session, path.c_str(), 0,
                                             &generation, error);
            },
            [&](bool loaded) {
              check(loaded);
              // A file that cannot be read does not make way for another.
              REQUIRE(generation == (loaded ? 0 : -1));
            }) >= 3);
  CHECK(failEach(
            nothing,
            [&](ttc_error *error) {
              return ttc_states_verify(path.c_str(), error);
            },
            [](bool) {}) >= 3);

  // The newest is damaged. That the generation before cannot be read is not to
  // be taken for damage as well.
  FakeSession first;
  first.step(2, 0);
  std::string bytes = readBytes(path);
  writeBytes(path, bytes.substr(0, bytes.size() - 1));
  CHECK(failEach(
            [&] {
              prepare();
              generation = -1;
            },
            [&](ttc_error *error) {
              return ttc_session_load_latest(other->session, path.c_str(), 0,
                                             &generation, error);
            },
            [&](bool loaded) {
              REQUIRE(other->states() == (loaded ? first.states() : before));
              REQUIRE(generation == (loaded ? 1 : -1));
            }) >= 6);
}

TEST_CASE("Every file call of reading weights") {
  TemporaryDirectory directory;
  std::vector<Tensor> tensors = fakeWeights();
  std::vector<ttc_tensor> table = views(tensors);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                   nullptr) == TTC_OK);
  std::string path = directory / "w.safetensors";
  REQUIRE(ttc_weights_save(weights, path.c_str(), nullptr) == TTC_OK);
  readEach(path);
  readEach(TTC_SEEDS "/torch/views");
  std::string first = "model-00001-of-00001.safetensors";
  std::filesystem::copy_file(path, directory / first);
  std::string index = directory / "model.safetensors.index.json";
  writeBytes(index, "{\"weight_map\":{\"net.1.raw_beta\":\"" + first +
                        "\",\"net.1.threshold\":\"" + first + "\"}}");
  readEach(index);

  std::string copy = directory / "copy.safetensors";
  CHECK(failEach([&] { std::filesystem::remove(copy); },
                 [&](ttc_error *error) {
                   return ttc_weights_save(weights, copy.c_str(), error);
                 },
                 [&](bool saved) {
                   if (saved)
                     REQUIRE(readBytes(copy) == readBytes(path));
                   REQUIRE_FALSE(hasTemporaries(directory / "."));
                 }) >= 5);
  ttc_weights_close(weights);

  ttc_model *model = nullptr;
  CHECK(failEach(
            nothing,
            [&](ttc_error *error) {
              return ttc_model_open(FAKE_LIBRARY, path.c_str(), &model, error);
            },
            [&](bool opened) {
              REQUIRE((model != nullptr) == opened);
              ttc_model_close(model);
              model = nullptr;
            }) >= 3);
}
