//===- AtomicWriteTest.cpp - How does a file get its new content? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "support/SystemCalls.h"

#include <cerrno>
#include <filesystem>
#include <sys/stat.h>

namespace fs = std::filesystem;

namespace {

Outcome save(FakeSession &fake, const std::string &path) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_save(fake.session, path.c_str(), error);
  });
}

Outcome load(FakeSession &fake, const std::string &path) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_load(fake.session, path.c_str(), 0, error);
  });
}

} // namespace

TEST_CASE("The generation before is kept, and nothing else is left") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  std::vector<std::string> generations;
  for (int t = 0; t < 4; ++t) {
    fake.step(2, t);
    REQUIRE(save(fake, path).code == TTC_OK);
    generations.push_back(readBytes(path));
    if (t)
      CHECK(readBytes(path + ".prev") == generations[size_t(t) - 1]);
  }
  // Unchanged states, and a .prev that is the same file already.
  REQUIRE(save(fake, path).code == TTC_OK);
  fs::remove(path + ".prev");
  fs::create_hard_link(path, path + ".prev");
  REQUIRE(save(fake, path).code == TTC_OK);
  CHECK(readBytes(path) == generations.back());
  size_t files = 0;
  for (const auto &file : fs::directory_iterator(directory / ".")) {
    ++files;
    CAPTURE(file.path().string());
    CHECK(file.path().filename().string().find(".tmp.") == std::string::npos);
  }
  CHECK(files == 2);
}

TEST_CASE("A symbolic link stays, and what it leads to is written") {
  TemporaryDirectory directory;
  fs::create_directory(directory / "real");
  std::string target = directory / "real/s.safetensors";
  std::string link = directory / "link";
  FakeSession fake;
  REQUIRE(save(fake, target).code == TTC_OK);
  fs::create_symlink(target, link);
  fake.step(1, 0);
  REQUIRE(save(fake, link).code == TTC_OK);
  CHECK(fs::is_symlink(link));
  FakeSession other;
  REQUIRE(load(other, target).code == TTC_OK);
  CHECK(ttc_session_timestep(other.session) == 1);
  CHECK(fileExists(target + ".prev"));
}

TEST_CASE("The permissions of a file stay") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  REQUIRE(save(fake, path).code == TTC_OK);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  REQUIRE(save(fake, path).code == TTC_OK);
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("A file system without hard links keeps the generation before too") {
  struct Restore {
    const ttc::SystemCalls before = ttc::systemCalls;
    ~Restore() { ttc::systemCalls = before; }
  } restore;
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  fake.step(2, 0);
  REQUIRE(save(fake, path).code == TTC_OK);
  std::string before = readBytes(path);
  fake.step(2, 1);
  ttc::systemCalls.link = [](const char *, const char *) {
    errno = EPERM;
    return -1;
  };
  REQUIRE(save(fake, path).code == TTC_OK);
  CHECK(readBytes(path + ".prev") == before);
  FakeSession other;
  REQUIRE(load(other, path).code == TTC_OK);
  CHECK(other.states() == fake.states());
}

TEST_CASE("A name that somebody else has taken is passed over") {
  struct Restore {
    const ttc::SystemCalls before = ttc::systemCalls;
    ~Restore() { ttc::systemCalls = before; }
  } restore;
  static const ttc::SystemCalls real = ttc::systemCalls;
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  REQUIRE(save(fake, path).code == TTC_OK);
  fake.step(2, 1);
  static int taken = 0;
  taken = 3;
  ttc::systemCalls.link = [](const char *from, const char *to) {
    if (taken-- <= 0)
      return real.link(from, to);
    errno = EEXIST;
    return -1;
  };
  CHECK(save(fake, path).code == TTC_OK);
  // Not for ever.
  taken = 1'000'000;
  CHECK(save(fake, path).code == TTC_ERROR_IO);
}

TEST_CASE("A path without a directory is of the present one") {
  TemporaryDirectory directory;
  struct Return {
    const fs::path before = fs::current_path();
    ~Return() { fs::current_path(before); }
  } back;
  fs::current_path(directory / ".");
  FakeSession fake, other;
  fake.step(2, 0);
  REQUIRE(save(fake, "s.safetensors").code == TTC_OK);
  CHECK(load(other, directory / "s.safetensors").code == TTC_OK);
  CHECK(other.states() == fake.states());
}
