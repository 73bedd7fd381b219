//===- PowerCuts.cpp - Does a writer survive every power cut? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PowerCuts.h"

#include "support/SystemCalls.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>

namespace {

constexpr int64_t batch = 48; // with its header, five sectors a file
constexpr int saves = 3;
constexpr const char *fileName = "s.safetensors";
const ttc::SystemCalls originalCalls = ttc::systemCalls;

} // namespace

bool saveWell(ttc_session *session, const char *path) {
  return ttc_session_save(session, path, nullptr) == TTC_OK;
}

bool saveInPlace(ttc_session *session, const char *path) {
  // What is to be written comes from a file elsewhere.
  TemporaryDirectory directory;
  std::string whole = directory / "whole";
  {
    // Not part of what the disk is to remember.
    ttc::SystemCalls recording = ttc::systemCalls;
    ttc::systemCalls = originalCalls;
    bool saved = saveWell(session, whole.c_str());
    ttc::systemCalls = recording;
    if (!saved)
      return false;
  }
  std::string bytes = readBytes(whole);
  int file = ttc::systemCalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0)
    return false;
  for (size_t at = 0; at < bytes.size(); at += 512)
    if (ttc::systemCalls.write(file, bytes.data() + at,
                               std::min<size_t>(512, bytes.size() - at)) < 0)
      return false;
  if (ttc::systemCalls.fsync(file) != 0 || ttc::systemCalls.close(file) != 0)
    return false;
  std::string folder = std::filesystem::path(path).parent_path();
  int directoryFile =
      ttc::systemCalls.open(folder.c_str(), O_RDONLY | O_DIRECTORY, 0);
  return directoryFile >= 0 && ttc::systemCalls.fsync(directoryFile) == 0 &&
         ttc::systemCalls.close(directoryFile) == 0;
}

CutFindings cutEverywhere(Saver save, DiskHears hears) {
  TemporaryDirectory directory, after;
  FakeSession fake;
  std::vector<std::vector<float>> statesAt = {{}};
  CutFindings findings;
  DiskModel disk(hears);
  for (int t = 0; t < saves; ++t) {
    fake.step(batch, t);
    statesAt.push_back(fake.states());
    REQUIRE(save(fake.session, (directory / fileName).c_str()));
    disk.acknowledge(static_cast<uint64_t>(t) + 1);
  }
  FakeSession reader;
  findings.cuts =
      disk.eachCut([&](const DiskModel::Files &files, uint64_t acknowledged) {
        ++findings.different;
        std::string path = after / fileName, before = path + ".prev";
        std::filesystem::remove(path);
        std::filesystem::remove(before);
        for (const auto &[name, content] : files)
          writeBytes(after / name, content);
        REQUIRE(ttc_session_zero(reader.session, nullptr) == TTC_OK);
        ttc_status loaded =
            ttc_session_load(reader.session, path.c_str(), 0, nullptr);
        uint64_t timestep = ttc_session_timestep(reader.session);
        if (loaded != TTC_OK && loaded != TTC_ERROR_NOT_FOUND)
          ++findings.torn;
        else if (timestep < acknowledged)
          ++findings.lost;
        else if (timestep >= statesAt.size() ||
                 reader.states() != statesAt[timestep])
          ++findings.torn;
        findings.oldTorn +=
            fileExists(before) &&
            ttc_states_verify(before.c_str(), nullptr) != TTC_OK;
      });
  return findings;
}
