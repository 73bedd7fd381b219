//===- Json.cpp - What does a JSON text say? ------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/Json.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace ttc {
namespace {

/// The library's events, as ours.
class Adapter {
public:
  explicit Adapter(JsonEvents &events) : events(events) {}

  bool null() { return events.other("null"); }
  bool boolean(bool) { return events.other("a boolean"); }
  bool number_integer(int64_t) { return events.other("a negative number"); }
  bool number_unsigned(uint64_t value) { return events.unsignedInteger(value); }
  bool number_float(double, const std::string &token) {
    return events.other("the number " + token);
  }
  bool string(std::string &value) { return events.string(value); }
  bool binary(nlohmann::json::binary_t &) {
    return events.other("binary data");
  }
  bool key(std::string &name) { return events.key(name); }
  bool start_object(size_t) { return events.startObject(); }
  bool end_object() { return events.endObject(); }
  bool start_array(size_t) { return events.startArray(); }
  bool end_array() { return events.endArray(); }
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::json::exception &error) {
    // What follows the library's own prefix says what was expected.
    const char *why = std::strstr(error.what(), "while parsing ");
    events.error(position, why ? why : "");
    return false;
  }

private:
  JsonEvents &events;
};

} // namespace

bool parseJson(const unsigned char *text, uint64_t size, JsonEvents &events) {
  // The library would skip the mark, and take a zero byte for the end.
  if (size && text[0] == 0xEF) {
    events.error(1, "it begins with a byte order mark");
    return false;
  }
  if (const void *zero = size ? std::memchr(text, 0, size) : nullptr) {
    events.error(
        static_cast<uint64_t>(static_cast<const unsigned char *>(zero) - text) +
            1,
        "there is a zero byte");
    return false;
  }
  Adapter adapter(events);
  return nlohmann::json::sax_parse(text, text + size, &adapter);
}

std::string jsonString(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result = "\"";
  for (char c : text) {
    switch (c) {
    case '"':
    case '\\':
      result += {'\\', c};
      break;
    case '\b':
      result += "\\b";
      break;
    case '\t':
      result += "\\t";
      break;
    case '\n':
      result += "\\n";
      break;
    case '\f':
      result += "\\f";
      break;
    case '\r':
      result += "\\r";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20)
        result += {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
      else
        result += c;
    }
  }
  return result + "\"";
}

} // namespace ttc
