//===- Json.h - What does a JSON text say? ----------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime's one use of a JSON library: the parser is compiled here, once,
// and its readers hear the text event by event, so that a header of a million
// tensors never becomes a tree.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_JSON_H
#define TTC_JSON_H

#include <cstdint>
#include <string>
#include <string_view>

namespace ttc {

/// Hears a JSON text. An answer of false ends the parse.
class JsonEvents {
public:
  virtual bool key(std::string &name) = 0;
  virtual bool string(std::string &value) = 0;
  virtual bool unsignedInteger(uint64_t value) = 0;
  /// Null, a boolean, a negative number, one with a fraction or an exponent:
  /// `what` says which, for a sentence.
  virtual bool other(const std::string &what) = 0;
  virtual bool startObject() = 0;
  virtual bool endObject() = 0;
  virtual bool startArray() = 0;
  virtual bool endArray() = 0;
  /// The text is no JSON: at which byte, counted from 1, and why, if that is
  /// known ("while parsing object - unexpected end of input").
  virtual void error(uint64_t position, const std::string &why) = 0;

protected:
  ~JsonEvents() = default;
};

/// Whether all of the text is one JSON value that every event accepted. A byte
/// order mark or a zero byte is an error like any other.
bool parseJson(const unsigned char *text, uint64_t size, JsonEvents &events);

/// A UTF-8 text as a string of JSON, in quotes.
std::string jsonString(std::string_view text);

} // namespace ttc

#endif // TTC_JSON_H
