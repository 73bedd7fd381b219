//===- FileKindTest.cpp - What do a file's first bytes tell? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/FileKind.h"
#include "Fixtures.h"

namespace {

std::string hintOf(const std::string &bytes) {
  return ttc::hintOfContent(
      reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
}

} // namespace

TEST_CASE("S43 every kind of file that is taken for another has its hint") {
  const std::pair<std::string, const char *> kinds[] = {
      {"version https://git-lfs.github.com/spec/v1", "git lfs pull"},
      {"<!DOCTYPE html>", "a page of HTML"},
      {"<!doctype html>", "a page of HTML"},
      {"<html lang=en>", "a page of HTML"},
      {"<HTML>", "a page of HTML"},
      {"PK\x03\x04", "call it '.pt'"},
      {"GGUF\x03", "a GGUF file"},
      {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
      {"\x93NUMPY\x01", "a NumPy array"},
      {"\x1f\x8b\x08", "compressed by gzip"},
      {std::string(257, '\0') + "ustar", "a tar archive"},
      {"\x80\x02}q", "a bare pickle"}};
  for (const auto &kind : kinds) {
    const std::string &bytes = kind.first, said = kind.second;
    CAPTURE(said);
    CHECK(hintOf(bytes).find(said) != std::string::npos);
    // Of half the sign nothing is said.
    CHECK(hintOf(bytes.substr(0, 1)).find(said) == std::string::npos);
  }
  CHECK(hintOf("anything").empty());
  CHECK(hintOf("").empty());
}
