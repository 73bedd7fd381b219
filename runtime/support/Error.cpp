//===- Error.cpp - How does a failure become a sentence? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "support/Error.h"

#include <cstdio>
#include <cstring>
#include <system_error>

namespace {

/// The longest name that a sentence shows whole.
constexpr size_t longestName = 160;

/// Writes `text` from `at`, leaves room for `reserve` bytes and the terminator.
/// Returns the new end; `cut` tells whether all of it was written.
size_t append(char *buffer, size_t capacity, size_t at, size_t reserve,
              std::string_view text, bool &cut) {
  size_t room = capacity - 1 - at - reserve;
  size_t length = text.size();
  cut = length > room;
  if (cut) {
    length = room;
    // Never half a UTF-8 character.
    while (length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
      --length;
  }
  std::memcpy(buffer + at, text.data(), length);
  return at + length;
}

ttc_status fill(ttc_error *error, ttc_status code, std::string_view message,
                std::string_view cause) {
  if (!error)
    return code;
  error->code = code;
  constexpr std::string_view ellipsis = "...";
  const size_t capacity = sizeof(error->message);
  const size_t tail = cause.empty() ? 0 : cause.size() + 3;
  bool cut = false;
  // A first try with no room for dots: most sentences fit.
  size_t end = append(error->message, capacity, 0, tail, message, cut);
  if (cut) {
    end = append(error->message, capacity, 0, tail + ellipsis.size(), message,
                 cut);
    std::memcpy(error->message + end, ellipsis.data(), ellipsis.size());
    end += ellipsis.size();
  }
  if (!cause.empty()) {
    std::memcpy(error->message + end, " [", 2);
    std::memcpy(error->message + end + 2, cause.data(), cause.size());
    error->message[end + 2 + cause.size()] = ']';
    end += tail;
  }
  error->message[end] = '\0';
  return code;
}

} // namespace

std::string ttc::quoteName(std::string_view name) {
  std::string result = "'";
  size_t shown = name.size() > longestName ? longestName : name.size();
  while (shown < name.size() && shown > 0 &&
         (static_cast<unsigned char>(name[shown]) & 0xC0) == 0x80)
    --shown;
  for (char c : name.substr(0, shown)) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '\'' || c == '\\') {
      char escape[8];
      if (c == '\'' || c == '\\')
        std::snprintf(escape, sizeof(escape), "\\%c", c);
      else
        std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      result += escape;
    } else {
      result += c;
    }
  }
  result += "'";
  if (shown < name.size())
    result += " (cut, " + std::to_string(name.size()) + " bytes)";
  return result;
}

std::string ttc::systemReason(int number) {
  return std::generic_category().message(number);
}

ttc::Status ttc::nullArgument(const char *name) {
  return {TTC_ERROR_ARGUMENT, "NullPointer",
          std::string("The argument '") + name + "' is a null pointer."};
}

ttc::Status ttc::noSuchIndex(const char *what, size_t index, size_t count) {
  return {TTC_ERROR_ARGUMENT, "NoSuchIndex",
          std::string("There is no ") + what + " " + std::to_string(index) +
              ": there are " + std::to_string(count) + "."};
}

ttc::Status ttc::badFile(const std::string &path, const char *cause,
                         const std::string &what) {
  return {TTC_ERROR_FORMAT, cause,
          "Cannot read " + quoteName(path) + ": " + what + "."};
}

void ttc::Findings::add(ttc_status code, const char *cause,
                        const std::string &what) {
  if (first == TTC_OK) {
    first = code;
    firstCause = cause;
  } else {
    text += "; ";
  }
  text += what;
}

ttc_status ttc::report(const Status &status, ttc_error *error) noexcept {
  return fill(error, status.code(), status.message(), status.cause());
}

void ttc::remark(const std::string &sentences, ttc_error *error) noexcept {
  fill(error, TTC_OK, sentences, "");
}

ttc_status ttc::reportOutOfMemory(ttc_error *error) noexcept {
  return fill(error, TTC_ERROR_MEMORY,
              "Not enough memory for this call; nothing has changed.",
              "OutOfMemory");
}

extern "C" const char *ttc_version(void) { return "0.1.0"; }

extern "C" const char *ttc_status_name(ttc_status status) {
  switch (status) {
  case TTC_OK:
    return "ok";
  case TTC_ERROR_ARGUMENT:
    return "argument";
  case TTC_ERROR_IO:
    return "io";
  case TTC_ERROR_NOT_FOUND:
    return "not_found";
  case TTC_ERROR_FORMAT:
    return "format";
  case TTC_ERROR_CHECKSUM:
    return "checksum";
  case TTC_ERROR_MISSING:
    return "missing";
  case TTC_ERROR_UNEXPECTED:
    return "unexpected";
  case TTC_ERROR_SHAPE:
    return "shape";
  case TTC_ERROR_DTYPE:
    return "dtype";
  case TTC_ERROR_FINGERPRINT:
    return "fingerprint";
  case TTC_ERROR_VERSION:
    return "version";
  case TTC_ERROR_TARGET:
    return "target";
  case TTC_ERROR_BUSY:
    return "busy";
  case TTC_ERROR_MEMORY:
    return "memory";
  case TTC_ERROR_OVERLAP:
    return "overlap";
  case TTC_ERROR_VALUE:
    return "value";
  case TTC_ERROR_DEVICE:
    return "device";
  }
  return "unknown";
}
