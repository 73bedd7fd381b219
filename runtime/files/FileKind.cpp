//===- FileKind.cpp - What kind of file do these bytes begin? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/FileKind.h"

#include "files/SafetensorsReader.h"

#include <cstring>

namespace ttc {
namespace {

bool beginsWith(const unsigned char *bytes, uint64_t size,
                std::string_view start, uint64_t at = 0) {
  return size >= at && size - at >= start.size() &&
         std::memcmp(bytes + at, start.data(), start.size()) == 0;
}

bool isSpace(unsigned char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

/// A length that can be, and then what JSON begins with.
bool looksLikeSafetensors(const unsigned char *bytes, uint64_t size) {
  if (size < 9)
    return false;
  uint64_t length = 0;
  std::memcpy(&length, bytes, sizeof(length));
  return length <= largestSafetensorsHeader &&
         (bytes[8] == '{' || isSpace(bytes[8]));
}

/// The kind as a sentence names it, and what a file of it is best called.
const char *describe(FileKind kind) {
  switch (kind) {
  case FileKind::Safetensors:
    return "a safetensors file";
  case FileKind::Torch:
    return "a zip archive, as torch.save writes";
  case FileKind::Index:
    return "JSON, as the index of a sharded checkpoint is";
  case FileKind::Unknown:
    break;
  }
  return "of no known kind";
}

const char *extensionOf(FileKind kind) {
  return kind == FileKind::Safetensors ? ".safetensors"
         : kind == FileKind::Torch     ? ".pt"
                                       : ".index.json";
}

} // namespace

FileKind kindOfContent(const unsigned char *bytes, uint64_t size) {
  if (looksLikeSafetensors(bytes, size))
    return FileKind::Safetensors;
  if (beginsWith(bytes, size, "PK\x03\x04"))
    return FileKind::Torch;
  uint64_t at = 0;
  while (at < size && at < 64 && isSpace(bytes[at]))
    ++at;
  return at < size && bytes[at] == '{' ? FileKind::Index : FileKind::Unknown;
}

FileKind kindOfName(std::string_view path) {
  if (endsWith(path, ".safetensors"))
    return FileKind::Safetensors;
  for (std::string_view end : {".pt", ".pth", ".bin", ".ckpt"})
    if (endsWith(path, end))
      return FileKind::Torch;
  return endsWith(path, ".json") ? FileKind::Index : FileKind::Unknown;
}

Status tellKind(const std::string &path, const unsigned char *bytes,
                uint64_t size, FileKind &kind) {
  const FileKind content = kindOfContent(bytes, size);
  const FileKind name = kindOfName(path);
  // JSON under a name of safetensors has more likely lost its first bytes.
  if (content == FileKind::Unknown ||
      (content == FileKind::Index && name == FileKind::Safetensors)) {
    kind = name == FileKind::Unknown ? FileKind::Safetensors : name;
    return Status::success();
  }
  if (name != FileKind::Unknown && name != content)
    return {TTC_ERROR_FORMAT, "FormatMismatch",
            "Cannot read " + quoteName(path) + ": its name says that it is " +
                describe(name) + ", but its content is " + describe(content) +
                ". If that is meant, rename it so that it ends in '" +
                extensionOf(content) + "'."};
  kind = content;
  return Status::success();
}

std::string hintOfContent(const unsigned char *bytes, uint64_t size) {
  auto begins = [&](std::string_view start) {
    return beginsWith(bytes, size, start);
  };
  if (begins("version https://git-lfs"))
    return "; it is a pointer of git-lfs: fetch the file itself (git lfs pull)";
  if (begins("<!DOCTYPE") || begins("<!doctype") || begins("<html") ||
      begins("<HTML"))
    return "; it is a page of HTML, perhaps what a failed download left";
  if (begins("PK\x03\x04"))
    return "; it is a zip archive, perhaps from torch.save: call it '.pt'";
  if (begins("GGUF"))
    return "; it is a GGUF file: convert it to safetensors";
  if (begins("\x89HDF\r\n\x1a\n"))
    return "; it is an HDF5 file, perhaps from Keras: convert it to "
           "safetensors";
  if (begins("\x93NUMPY"))
    return "; it is a NumPy array: save it as safetensors under its key";
  if (begins("\x1f\x8b"))
    return "; it is compressed by gzip: unpack it first";
  if (beginsWith(bytes, size, "ustar", 257))
    return "; it is a tar archive: unpack it first, or, if torch.save wrote "
           "it, load it with torch.load(weights_only=True) and save it again";
  if (size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5)
    return "; it is a bare pickle, perhaps from an old torch.save: load it "
           "with torch.load(weights_only=True) and save it again";
  if (begins("{"))
    return "; it begins with JSON: the eight bytes of length are missing";
  return "";
}

} // namespace ttc
