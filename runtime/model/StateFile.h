//===- StateFile.h - How do states lie in a file? ---------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A states file, format 1, is a safetensors file whose keys are sorted and
// whose header is filled with spaces so that the data starts at a multiple of
// 64 bytes. Its `__metadata__` has, all of them strings:
//
//   ttc.format_version   "1"
//   ttc.model_name       for people
//   ttc.schema           SHA-256 of the table of states: must be the model's
//   ttc.model            SHA-256 of the model: must be, unless the caller says
//                        not
//   ttc.weights_crc32c   of the prepared weights, for people
//   ttc.timestep         in decimal
//   ttc.rng_seed         in decimal, as the next: of the generator, where the
//   ttc.rng_position     model has one
//   ttc.absent_states    a JSON list of the states that did not exist yet
//   ttc.crc32c.<key>     CRC-32C of the data of that tensor
//   ttc.header_crc32c    CRC-32C of the header, JSON and spaces, with these
//                        eight digits themselves taken as '0'
//
//===----------------------------------------------------------------------===//

#ifndef TTC_STATEFILE_H
#define TTC_STATEFILE_H

#include "files/SafetensorsReader.h"
#include "model/Session.h"

namespace ttc {

constexpr std::string_view headerChecksumKey = "ttc.header_crc32c";

/// A states file in memory, verified.
struct StateFile {
  std::vector<unsigned char> bytes;
  SafetensorsHeader header;
  /// False for a file that others made: it carries nothing but tensors.
  bool ours = false;
  uint64_t timestep = 0;
  std::vector<std::string> absent;
  std::optional<GeneratorState> generator;

  const unsigned char *data(const SafetensorsEntry &entry) const {
    return bytes.data() + header.dataAt + entry.begin;
  }
  /// The value of a key that verifying has found to be there.
  const std::string &metadata(std::string_view key) const {
    return *header.findMetadata(key);
  }
};

/// Reads and verifies all of a file, but for what a model must say of it.
Status readStateFile(const std::string &path, StateFile &file);

/// The same where `file.bytes` are there already; `path` is for the sentences.
Status checkStateFile(const std::string &path, StateFile &file);

} // namespace ttc

#endif // TTC_STATEFILE_H
