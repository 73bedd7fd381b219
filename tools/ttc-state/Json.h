//===- Json.h - How are answers given to programs? --------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_JSON_H
#define TTC_JSON_H

#include <nlohmann/json.hpp>

#include <cstdio>

namespace ttcstate {

/// Keys stay in the order in which they were put.
using Json = nlohmann::ordered_json;

/// On one line. What is not UTF-8 in a name is replaced; a number that is not
/// finite is null.
inline void printJson(const Json &json) {
  std::printf(
      "%s\n",
      json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

} // namespace ttcstate

#endif // TTC_JSON_H
