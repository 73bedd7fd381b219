//===- StateFile.cpp - How do states lie in a file? -----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StateFile.h"

#include "AtomicWrite.h"
#include "Checksum.h"
#include "File.h"
#include "Session.h"
#include "Weights.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

namespace ttc {
namespace {

constexpr std::string_view checksumPrefix = "ttc.crc32c.";
constexpr std::string_view noChecksum = "00000000";

std::string jsonString(std::string_view text) {
  return nlohmann::json(text).dump();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// The eight bytes of length and the header of a session's states as they are
/// now.
std::string makeHeader(const ttc_session &session) {
  const ttc_model &model = *session.model;
  const bool exists = session.exists.load(std::memory_order_relaxed);
  std::map<std::string, std::string> metadata;
  metadata["ttc.format_version"] = "1";
  metadata["ttc.model_name"] = model.descriptor->name;
  metadata["ttc.schema"] = model.descriptor->schema_fingerprint;
  metadata["ttc.model"] = model.descriptor->model_fingerprint;
  metadata["ttc.weights_crc32c"] = checksumText(model.preparedChecksum());
  metadata["ttc.timestep"] =
      std::to_string(session.timestep.load(std::memory_order_relaxed));
  metadata[std::string(headerChecksumKey)] = noChecksum;

  nlohmann::json absent = nlohmann::json::array();
  std::string tensors;
  uint64_t at = 0;
  for (size_t i = 0; i < model.states.size(); ++i) {
    const ttc_tensor_spec &spec = *model.states[i].spec;
    if (!exists) {
      absent.push_back(spec.name);
      continue;
    }
    uint64_t bytes = session.stateBytes(i);
    metadata[std::string(checksumPrefix) + spec.name] =
        checksumText(crc32c(session.stateData(i), bytes));
    tensors += "," + jsonString(spec.name) + ":{\"dtype\":\"" +
               ttc_dtype_name(spec.dtype) + "\",\"shape\":[";
    for (int32_t d = 0; d < spec.rank; ++d)
      tensors += (d ? "," : "") + std::to_string(session.stateShape(i)[d]);
    tensors += "],\"data_offsets\":[" + std::to_string(at) + "," +
               std::to_string(at + bytes) + "]}";
    at += bytes;
  }
  metadata["ttc.absent_states"] = absent.dump();

  std::string header(8, '\0');
  header += "{\"__metadata__\":{";
  size_t checksumAt = 0;
  bool first = true;
  for (const auto &[key, value] : metadata) {
    header += (first ? "" : ",") + jsonString(key) + ":";
    if (key == headerChecksumKey)
      checksumAt = header.size() + 1;
    header += jsonString(value);
    first = false;
  }
  header += "}" + tensors + "}";
  header.append((TTC_ALIGNMENT - header.size() % TTC_ALIGNMENT) % TTC_ALIGNMENT,
                ' ');
  uint64_t size = header.size() - 8;
  std::memcpy(header.data(), &size, 8);
  header.replace(checksumAt, noChecksum.size(),
                 checksumText(crc32c(header.data() + 8, size)));
  return header;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Status damaged(const std::string &path, const char *cause,
               const std::string &what) {
  return {TTC_ERROR_CHECKSUM, cause,
          "The states file " + quoteName(path) + " is damaged: " + what + "."};
}

Status checkHeaderChecksum(const std::string &path, const StateFile &file) {
  const std::string *written = file.header.findMetadata(headerChecksumKey);
  if (!written)
    return damaged(path, "ChecksumAbsent",
                   "its header has no '" + std::string(headerChecksumKey) +
                       "'");
  // The quotes of a name inside another string would be escaped: in that
  // spelling it is there once, as the writer put it.
  std::string text(reinterpret_cast<const char *>(file.bytes.data()) + 8,
                   file.header.headerSize);
  std::string spelling =
      jsonString(headerChecksumKey) + ":" + jsonString(*written);
  size_t at = text.find(spelling);
  if (written->size() != noChecksum.size() || at == std::string::npos)
    return damaged(path, "HeaderChecksumMismatch",
                   "its header's checksum is not written as format 1 asks");
  text.replace(at + spelling.size() - noChecksum.size() - 1, noChecksum.size(),
               noChecksum);
  std::string computed = checksumText(crc32c(text.data(), text.size()));
  if (computed != *written)
    return damaged(path, "HeaderChecksumMismatch",
                   "its header has the checksum " + computed + ", " +
                       quoteName(*written) + " was written");
  return Status::success();
}

Status readAbsent(const std::string &path, StateFile &file) {
  nlohmann::json list =
      nlohmann::json::parse(file.metadata("ttc.absent_states"), nullptr,
                            /*allow_exceptions=*/false);
  bool good = list.is_array() &&
              std::all_of(list.begin(), list.end(),
                          [](const auto &name) { return name.is_string(); });
  if (!good)
    return {TTC_ERROR_FORMAT, "InvalidMetadata",
            "The states file " + quoteName(path) +
                " has for 'ttc.absent_states' " +
                quoteName(file.metadata("ttc.absent_states")) +
                ", a JSON list of names is expected."};
  for (const auto &name : list)
    file.absent.push_back(name.template get<std::string>());
  return Status::success();
}

/// Everything in a file of ours that can be checked without a model.
Status verify(const std::string &path, StateFile &file) {
  const std::string *version = file.header.findMetadata("ttc.format_version");
  if (!version || *version == "1" ||
      file.header.findMetadata(headerChecksumKey)) {
    Status status = checkHeaderChecksum(path, file);
    if (status.failed())
      return status;
  }
  if (version && *version != "1")
    return {TTC_ERROR_VERSION, "UnsupportedVersion",
            "The states file " + quoteName(path) + " has format " +
                quoteName(*version) +
                ", this runtime reads format 1. Use the version of ttc that "
                "wrote it."};
  for (const char *key : {"ttc.format_version", "ttc.schema", "ttc.model",
                          "ttc.timestep", "ttc.absent_states"})
    if (!file.header.findMetadata(key))
      return {TTC_ERROR_FORMAT, "InvalidMetadata",
              "The states file " + quoteName(path) + " has no '" + key +
                  "' in its metadata."};
  const std::string &timestep = file.metadata("ttc.timestep");
  auto [end, error] = std::from_chars(
      timestep.data(), timestep.data() + timestep.size(), file.timestep);
  if (error != std::errc() || end != timestep.data() + timestep.size())
    return {TTC_ERROR_FORMAT, "InvalidTimestep",
            "The states file " + quoteName(path) + " has for 'ttc.timestep' " +
                quoteName(timestep) + ", a number below 2^64 is expected."};
  Status status = readAbsent(path, file);
  if (status.failed())
    return status;

  for (const SafetensorsEntry &entry : file.header.tensors) {
    const std::string *written =
        file.header.findMetadata(std::string(checksumPrefix) + entry.name);
    if (!written)
      return damaged(path, "ChecksumAbsent",
                     quoteName(entry.name) + " has no checksum");
    std::string computed =
        checksumText(crc32c(file.data(entry), entry.end - entry.begin));
    if (computed != *written)
      return damaged(path, "ChecksumMismatch",
                     quoteName(entry.name) + " has the checksum " + computed +
                         ", " + quoteName(*written) + " was written");
  }
  for (const auto &[key, value] : file.header.metadata)
    if (key.compare(0, checksumPrefix.size(), checksumPrefix) == 0 &&
        !file.header.find(std::string_view(key).substr(checksumPrefix.size())))
      return {TTC_ERROR_FORMAT, "InvalidMetadata",
              "The states file " + quoteName(path) + " has a checksum " +
                  quoteName(key) + " of a tensor that is not there."};
  return Status::success();
}

Status checkFingerprints(const std::string &path, const StateFile &file,
                         const ttc_model &model, int flags) {
  const ttc_model_descriptor &descriptor = *model.descriptor;
  const std::string *name = file.header.findMetadata("ttc.model_name");
  std::string writer = "The states file " + quoteName(path) +
                       " was written by " +
                       (name ? "the model " + quoteName(*name) : "a model");
  // Leniently, keys that are missing or unknown are what is expected: but then
  // the model is another one too, and the caller must have said so.
  constexpr int otherTable = TTC_LOAD_LENIENT | TTC_LOAD_OTHER_MODEL;
  if (file.metadata("ttc.schema") != descriptor.schema_fingerprint &&
      (flags & otherTable) != otherTable)
    return {TTC_ERROR_FINGERPRINT, "SchemaMismatch",
            writer + ", whose table of states (" +
                quoteName(file.metadata("ttc.schema")) +
                ") is not that of the model " + model.name + " (" +
                quoteName(descriptor.schema_fingerprint) +
                "). Load it into the model that wrote it."};
  if (file.metadata("ttc.model") != descriptor.model_fingerprint &&
      !(flags & TTC_LOAD_OTHER_MODEL))
    return {TTC_ERROR_FINGERPRINT, "ModelMismatch",
            writer + ", which has the same states as the model " + model.name +
                " but computes something else: its fingerprint is " +
                quoteName(file.metadata("ttc.model")) + " instead of " +
                quoteName(descriptor.model_fingerprint) +
                ". If that is meant, load it with TTC_LOAD_OTHER_MODEL."};
  return Status::success();
}

Status load(ttc_session &session, const std::string &path, int flags) {
  StateFile file;
  Status status = readStateFile(path, file);
  if (status.failed())
    return status;
  if (!file.ours && !(flags & TTC_LOAD_UNVERIFIED))
    return {TTC_ERROR_CHECKSUM, "ChecksumAbsent",
            "The file " + quoteName(path) +
                " carries no checksums and no fingerprints: ttc did not write "
                "it. If it is trusted, load it with TTC_LOAD_UNVERIFIED."};
  if (file.ours) {
    status = checkFingerprints(path, file, *session.model, flags);
    if (status.failed())
      return status;
  }
  std::vector<StateSource> sources;
  sources.reserve(file.header.tensors.size());
  for (const SafetensorsEntry &entry : file.header.tensors) {
    uint64_t bytes = entry.end - entry.begin;
    if (entry.dtype->number == TTC_DTYPE_BOOL) {
      status =
          checkBooleans(quoteName(path), entry.name, file.data(entry), bytes);
      if (status.failed())
        return status;
    }
    sources.push_back({entry.name, entry.dtype->number, entry.dtype->name,
                       static_cast<int64_t>(entry.rank),
                       file.header.shape(entry), file.data(entry), bytes});
  }
  return session.replaceStates("The states file " + quoteName(path), sources,
                               file.absent, flags, file.timestep);
}

/// Whether a failure says that the file is not a whole states file (rather than
/// that it could not be read, or does not fit the model).
bool doesNotVerify(const Status &status) {
  return status.code() == TTC_ERROR_FORMAT ||
         status.code() == TTC_ERROR_CHECKSUM;
}

Status loadLatest(ttc_session &session, const std::string &path, int flags,
                  int &generation) {
  Status newest = load(session, path, flags);
  if (!newest.failed()) {
    generation = 0;
    return newest;
  }
  if (!doesNotVerify(newest) && newest.code() != TTC_ERROR_NOT_FOUND)
    return newest;
  Status before = load(session, path + ".prev", flags);
  if (!before.failed()) {
    generation = 1;
    return before;
  }
  if (before.code() == TTC_ERROR_NOT_FOUND)
    return newest;
  if (newest.code() == TTC_ERROR_NOT_FOUND)
    return before;
  return {newest.code(), newest.cause(),
          newest.message() + " The generation before cannot take its place: " +
              before.message()};
}

} // namespace

Status readStateFile(const std::string &path, StateFile &file) {
  Status status = readFile(path, file.bytes);
  if (status.failed())
    return status;
  status =
      parseSafetensors(path, file.bytes.data(), file.bytes.size(), file.header);
  if (status.failed())
    return status;
  // One damaged key must not make our file look like one of others.
  file.ours = std::any_of(
      file.header.metadata.begin(), file.header.metadata.end(),
      [](const auto &pair) { return pair.first.compare(0, 4, "ttc.") == 0; });
  return file.ours ? verify(path, file) : Status::success();
}

} // namespace ttc

using namespace ttc;

extern "C" ttc_status ttc_session_save(ttc_session *session, const char *path,
                                       ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !path)
      return nullArgument(session ? "path" : "session");
    Occupied occupied(*session);
    Status status = occupied.status();
    if (status.failed())
      return status;
    std::string header = makeHeader(*session);
    std::vector<Piece> pieces = {{header.data(), header.size()}};
    if (session->exists.load(std::memory_order_relaxed))
      for (size_t i = 0; i < session->model->states.size(); ++i)
        pieces.push_back({session->stateData(i), session->stateBytes(i)});
    return writeAtomically(path, pieces);
  });
}

extern "C" ttc_status ttc_session_load(ttc_session *session, const char *path,
                                       int flags, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !path)
      return nullArgument(session ? "path" : "session");
    Status status = checkFlags(flags);
    if (status.failed())
      return status;
    Occupied occupied(*session);
    status = occupied.status();
    return status.failed() ? status : load(*session, path, flags);
  });
}

extern "C" ttc_status ttc_session_load_latest(ttc_session *session,
                                              const char *path, int flags,
                                              int *generation,
                                              ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!session || !path || !generation)
      return nullArgument(!session ? "session" : !path ? "path" : "generation");
    Status status = checkFlags(flags);
    if (status.failed())
      return status;
    Occupied occupied(*session);
    status = occupied.status();
    return status.failed() ? status
                           : loadLatest(*session, path, flags, *generation);
  });
}

extern "C" ttc_status ttc_states_verify(const char *path, ttc_error *error) {
  return guarded(error, [&]() -> Status {
    if (!path)
      return nullArgument("path");
    StateFile file;
    Status status = readStateFile(path, file);
    if (status.failed() || file.ours)
      return status;
    return {TTC_ERROR_CHECKSUM, "ChecksumAbsent",
            "The file " + quoteName(path) +
                " carries no checksums: its header is well formed, but nothing "
                "tells whether its data is what was written."};
  });
}
