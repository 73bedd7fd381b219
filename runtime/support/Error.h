//===- Error.h - How does a failure become a sentence? ----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inside the runtime a call that can fail returns a Status: a code, the name of
// the cause (one name a cause) and a sentence. At the C boundary it is copied
// into the caller's ttc_error, and whatever was thrown on the way stops there.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_ERROR_H
#define TTC_ERROR_H

#include "ttc/runtime.h"

#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace ttc {

class [[nodiscard]] Status {
public:
  static Status success() { return Status(); }
  /// `cause` is a string literal, such as "HeaderTooLarge".
  Status(ttc_status code, const char *cause, std::string message)
      : code_(code), cause_(cause), message_(std::move(message)) {}

  bool failed() const { return code_ != TTC_OK; }
  ttc_status code() const { return code_; }
  const char *cause() const { return cause_; }
  const std::string &message() const { return message_; }

private:
  Status() = default;
  ttc_status code_ = TTC_OK;
  const char *cause_ = "";
  std::string message_;
};

/// A name from outside, in single quotes, safe to show: what cannot be printed
/// is escaped, what is long is cut.
std::string quoteName(std::string_view name);

/// The system's reason, such as "No such file or directory".
std::string systemReason(int number);

/// An argument of a C function that must not be null, but is.
Status nullArgument(const char *name);

/// An index that is not below the count.
Status noSuchIndex(const char *what, size_t index, size_t count);

/// A file that is not what it should be: "Cannot read 'path': <what>."
Status badFile(const std::string &path, const char *cause,
               const std::string &what);

/// Collects all that is wrong with a set of tensors, so that one message says
/// it all; its code and cause are those of the first.
class Findings {
public:
  void add(ttc_status code, const char *cause, const std::string &what);
  bool any() const { return first != TTC_OK; }
  /// What was found, after `before`; something must have been.
  Status status(const std::string &before) const {
    return {first, firstCause, before + text + "."};
  }

private:
  ttc_status first = TTC_OK;
  const char *firstCause = "";
  std::string text;
};

/// Copies a failure to the caller; cuts the sentence, never the cause.
ttc_status report(const Status &status, ttc_error *error) noexcept;

/// Tells the caller of a call that succeeds what else there is to say of it, in
/// sentences, or in none.
void remark(const std::string &sentences, ttc_error *error) noexcept;

/// As report, for a memory allocation that failed: needs no memory.
ttc_status reportOutOfMemory(ttc_error *error) noexcept;

/// Runs the body of a C function: nothing that it throws gets out.
template <typename Body>
ttc_status guarded(ttc_error *error, Body &&body) noexcept {
  try {
    Status status = body();
    return status.failed() ? report(status, error) : TTC_OK;
  } catch (...) {
    // The standard library throws for want of memory, or for sizes beyond it.
    return reportOutOfMemory(error);
  }
}

} // namespace ttc

#endif // TTC_ERROR_H
