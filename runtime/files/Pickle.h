//===- Pickle.h - How is a pickle read without running it? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pickle is a program for a machine with a stack and a memo, which names
// functions and calls them. This machine has no functions: a name means what
// its reader says, and whatever has no entry in the table of instructions ends
// the program. It neither recurses nor allocates by a number that it reads, and
// it has a budget for everything.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PICKLE_H
#define TTC_PICKLE_H

#include "files/PickleGraph.h"

namespace ttc {

/// What names mean. `where` is "at byte 12 of its pickle", for sentences.
class PickleReader {
public:
  virtual ~PickleReader() = default;
  /// A name: a Global, or an error.
  virtual Status name(std::string_view module, std::string_view name,
                      const std::string &where, PickleValue &result) = 0;
  /// A Global is called with a tuple.
  virtual Status call(const PickleValue &global, const PickleValue &arguments,
                      const std::string &where, PickleValue &result) = 0;
  /// What is stored outside of the pickle.
  virtual Status persistent(const PickleValue &id, const std::string &where,
                            PickleValue &result) = 0;
};

/// Runs a pickle, of which every byte must be used. `graph` was made for these
/// bytes. `path` is for the sentences only.
Status readPickle(const std::string &path, std::string_view pickle,
                  PickleReader &reader, PickleGraph &graph,
                  PickleValue &result);

} // namespace ttc

#endif // TTC_PICKLE_H
