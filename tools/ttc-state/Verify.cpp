//===- Verify.cpp - Is a file whole? --------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "ttc/runtime.hpp"

#include <cstdio>
#include <cstring>

namespace ttcstate {
namespace {

/// Whether a file begins as the archives of torch.save do, whose members have
/// checksums.
bool isArchive(const std::string &path) {
  char start[4] = {};
  if (std::FILE *file = std::fopen(path.c_str(), "rb")) {
    size_t count = std::fread(start, 1, sizeof(start), file);
    std::fclose(file);
    return count == sizeof(start) && std::memcmp(start, "PK\x03\x04", 4) == 0;
  }
  return false;
}

} // namespace

int verify(const std::string &path) {
  try {
    if (isArchive(path))
      ttc::Weights::open(path, TTC_WEIGHTS_VERIFY);
    else
      ttc::detail::check([&](ttc_error *error) {
        return ttc_states_verify(path.c_str(), error);
      });
  } catch (const ttc::Error &error) {
    if (error.code() != TTC_ERROR_CHECKSUM && error.code() != TTC_ERROR_FORMAT)
      throw;
    std::fprintf(stderr, "ttc-state: error: %s\n", error.what());
    return 1;
  }
  std::printf("'%s' is whole: every checksum is right\n", path.c_str());
  return 0;
}

} // namespace ttcstate
