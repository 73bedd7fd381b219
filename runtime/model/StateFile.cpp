//===- StateFile.cpp - How do states lie in a file? -----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/StateFile.h"

#include "files/File.h"
#include "files/Json.h"
#include "files/SafetensorsWriter.h"
#include "files/TensorTable.h"
#include "support/Checksum.h"
#include "tensors/Strided.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace ttc {
namespace {

constexpr std::string_view checksumPrefix = "ttc.crc32c.";
constexpr std::string_view noChecksum = "00000000";
constexpr const char *seedKey = "ttc.rng_seed";
constexpr const char *positionKey = "ttc.rng_position";

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// The states of a session as they are now, which are `bytes`.
std::vector<OutgoingTensor> listStates(const ttc_session &session,
                                       const unsigned char *bytes) {
  std::vector<OutgoingTensor> tensors;
  if (!session.exists.load(std::memory_order_relaxed))
    return tensors;
  for (size_t i = 0; i < session.model->states.size(); ++i) {
    const ttc_tensor_spec &spec = *session.model->states[i].spec;
    tensors.push_back(
        {spec.name,
         ttc_dtype_name(spec.dtype),
         session.stateShape(i),
         static_cast<size_t>(spec.rank),
         {bytes + session.stateOffset(i), session.stateBytes(i)}});
  }
  return tensors;
}

/// The beginning of the file of these states.
std::string makeHeader(const ttc_session &session,
                       const std::vector<OutgoingTensor> &tensors) {
  const ttc_model &model = *session.model;
  std::map<std::string, std::string> metadata;
  metadata["ttc.format_version"] = "1";
  metadata["ttc.model_name"] = model.descriptor->name;
  metadata["ttc.schema"] = model.descriptor->schema_fingerprint;
  metadata["ttc.model"] = model.descriptor->model_fingerprint;
  metadata["ttc.weights_crc32c"] = checksumText(model.preparedChecksum());
  metadata["ttc.timestep"] =
      std::to_string(session.timestep.load(std::memory_order_relaxed));
  metadata[std::string(headerChecksumKey)] = noChecksum;
  if (model.descriptor->has_generator) {
    GeneratorState generator = session.generator();
    metadata[seedKey] = std::to_string(generator.seed);
    metadata[positionKey] = std::to_string(generator.position);
  }
  std::string absent;
  if (tensors.empty())
    for (const TensorLayout &layout : model.states)
      absent += (absent.empty() ? "" : ",") + jsonString(layout.spec->name);
  metadata["ttc.absent_states"] = "[" + absent + "]";
  for (const OutgoingTensor &tensor : tensors)
    metadata[std::string(checksumPrefix) + tensor.name] =
        checksumText(crc32c(tensor.data.data, tensor.data.size));

  std::string header = makeSafetensorsHeader(metadata, tensors);
  // The quotes of a name inside another string are escaped: in this spelling it
  // is there once.
  std::string spelling =
      jsonString(headerChecksumKey) + ":" + jsonString(noChecksum);
  header.replace(header.find(spelling) + spelling.size() - 1 -
                     noChecksum.size(),
                 noChecksum.size(),
                 checksumText(crc32c(header.data() + 8, header.size() - 8)));
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

/// Hears a JSON list of names.
class NameEvents final : public JsonEvents {
public:
  std::vector<std::string> names;

  bool string(std::string &value) override {
    if (!inList)
      return false;
    names.push_back(std::move(value));
    return true;
  }
  bool startArray() override { return !std::exchange(inList, true); }
  bool endArray() override { return true; }
  bool key(std::string &) override { return false; }
  bool unsignedInteger(uint64_t) override { return false; }
  bool other(const std::string &) override { return false; }
  bool startObject() override { return false; }
  bool endObject() override { return false; }
  void error(uint64_t, const std::string &) override {}

private:
  bool inList = false;
};

Status readAbsent(const std::string &path, StateFile &file) {
  const std::string &text = file.metadata("ttc.absent_states");
  NameEvents events;
  if (!parseJson(reinterpret_cast<const unsigned char *>(text.data()),
                 text.size(), events))
    return {TTC_ERROR_FORMAT, "InvalidMetadata",
            "The states file " + quoteName(path) +
                " has for 'ttc.absent_states' " + quoteName(text) +
                ", a JSON list of names is expected."};
  file.absent = std::move(events.names);
  return Status::success();
}

/// Reads a number in decimal, all of the value of a key that is there.
Status readNumber(const std::string &path, const StateFile &file,
                  const char *key, const char *cause, uint64_t &number) {
  const std::string &text = file.metadata(key);
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size())
    return Status::success();
  return {TTC_ERROR_FORMAT, cause,
          "The states file " + quoteName(path) + " has for " + quoteName(key) +
              " " + quoteName(text) + ", a number below 2^64 is expected."};
}

/// Both numbers of the generator, or none.
Status readGenerator(const std::string &path, StateFile &file) {
  const bool seed = file.header.findMetadata(seedKey);
  const bool position = file.header.findMetadata(positionKey);
  if (!seed && !position)
    return Status::success();
  if (!seed || !position)
    return {TTC_ERROR_FORMAT, "InvalidGenerator",
            "The states file " + quoteName(path) + " has " +
                quoteName(seed ? seedKey : positionKey) + " without " +
                quoteName(seed ? positionKey : seedKey) + "."};
  GeneratorState generator;
  Status status =
      readNumber(path, file, seedKey, "InvalidGenerator", generator.seed);
  if (!status.failed())
    status = readNumber(path, file, positionKey, "InvalidGenerator",
                        generator.position);
  if (!status.failed())
    file.generator = generator;
  return status;
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
  Status status =
      readNumber(path, file, "ttc.timestep", "InvalidTimestep", file.timestep);
  if (!status.failed())
    status = readGenerator(path, file);
  if (!status.failed())
    status = readAbsent(path, file);
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

/// A file that torch.save wrote carries nothing but tensors. Those that are not
/// dense are made so behind its end.
Status readTorchStates(const std::string &path, StateFile &file) {
  TensorTable table;
  Status status = readTable(path, FileKind::Torch, file.bytes.data(),
                            file.bytes.size(), /*verify=*/true, table);
  if (status.failed())
    return status;
  for (SafetensorsEntry &entry : table.header.tensors) {
    const int64_t *strides = table.stridesOf(entry);
    if (!strides)
      continue;
    const uint64_t size = entry.end - entry.begin;
    const uint64_t end = file.bytes.size();
    file.bytes.resize(end + size);
    copyDense(file.bytes.data() + entry.begin, table.header.shape(entry),
              strides, entry.rank, entry.dtype->bits / 8,
              file.bytes.data() + end);
    entry.begin = end;
    entry.end = end + size;
  }
  file.header = std::move(table.header);
  return status;
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

/// A model that draws random numbers goes on as it did only with their seed and
/// position. Says in `note` what is made of it where that is allowed.
Status checkGenerator(const std::string &path, const StateFile &file,
                      const ttc_session &session, int flags,
                      std::string &note) {
  const bool wanted = session.model->descriptor->has_generator;
  const bool lenient = flags & TTC_LOAD_LENIENT;
  if (wanted == file.generator.has_value())
    return Status::success();
  std::string who = "The states file " + quoteName(path);
  const std::string &model = session.model->name;
  if (!wanted) {
    who += " has the seed and position of random numbers, which the model " +
           model + " does not draw";
    if (!lenient)
      return {TTC_ERROR_UNEXPECTED, "UnexpectedGenerator",
              who + ". Load it with TTC_LOAD_LENIENT to pass over them."};
    addSentence(note, who + ".");
    return Status::success();
  }
  who +=
      " has no seed and position for the random numbers of the model " + model;
  if (!lenient)
    return {TTC_ERROR_MISSING, "MissingGenerator",
            who + ". Load it with TTC_LOAD_LENIENT to go on with those of the "
                  "session."};
  GeneratorState present = session.generator();
  addSentence(note, who + ": those of the session stay, seed " +
                        std::to_string(present.seed) + " and position " +
                        std::to_string(present.position) + ".");
  return Status::success();
}

/// Adds sentences to `note` on what could not be verified, before anything
/// changes: after that nothing may fail.
Status load(ttc_session &session, const std::string &path, int flags,
            std::string &note) {
  StateFile file;
  Status status = readStateFile(path, file);
  if (status.failed())
    return status;
  if (!file.ours && !(flags & TTC_LOAD_UNVERIFIED))
    return {TTC_ERROR_CHECKSUM, "ChecksumAbsent",
            "The file " + quoteName(path) +
                " carries no checksums and no fingerprints: ttc did not write "
                "it. If it is trusted, load it with TTC_LOAD_UNVERIFIED."};
  if (file.ours)
    status = checkFingerprints(path, file, *session.model, flags);
  else
    addSentence(note,
                "The file " + quoteName(path) +
                    " carries no checksums and no fingerprints: only its keys, "
                    "shapes and dtypes were verified, and the timestep is now "
                    "0.");
  if (!status.failed())
    status = checkGenerator(path, file, session, flags, note);
  if (status.failed())
    return status;
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
  return session.replaceStates(
      "The states file " + quoteName(path), sources, file.absent, flags,
      file.timestep,
      session.model->descriptor->has_generator ? file.generator : std::nullopt,
      note);
}

/// Whether a failure says that the file is not a whole states file (rather than
/// that it could not be read, or does not fit the model).
bool doesNotVerify(const Status &status) {
  return status.code() == TTC_ERROR_FORMAT ||
         status.code() == TTC_ERROR_CHECKSUM;
}

Status loadLatest(ttc_session &session, const std::string &path, int flags,
                  int &generation, std::string &note) {
  Status newest = load(session, path, flags, note);
  if (!newest.failed()) {
    generation = 0;
    return newest;
  }
  if (!doesNotVerify(newest) && newest.code() != TTC_ERROR_NOT_FOUND)
    return newest;
  note = newest.message() + " The generation before has taken its place.";
  Status before = load(session, path + ".prev", flags, note);
  if (!before.failed()) {
    generation = 1;
    return before;
  }
  if (before.code() == TTC_ERROR_NOT_FOUND)
    return newest;
  if (newest.code() == TTC_ERROR_NOT_FOUND)
    return before;
  // A generation that could not be read may still be whole: who hears that both
  // are damaged would begin anew, and write over it.
  const Status &worse = doesNotVerify(before) ? newest : before;
  return {worse.code(), worse.cause(),
          newest.message() + " The generation before cannot take its place: " +
              before.message()};
}

} // namespace

Status readStateFile(const std::string &path, StateFile &file) {
  Status status = readFile(path, file.bytes);
  return status.failed() ? status : checkStateFile(path, file);
}

Status checkStateFile(const std::string &path, StateFile &file) {
  if (kindOfContent(file.bytes.data(), file.bytes.size()) == FileKind::Torch)
    return readTorchStates(path, file);
  Status status =
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
    AlignedBlock copy;
    const unsigned char *bytes = nullptr;
    if (!status.failed())
      status = session->readStates(copy, bytes);
    if (status.failed())
      return status;
    std::vector<OutgoingTensor> tensors = listStates(*session, bytes);
    std::string header = makeHeader(*session, tensors);
    std::vector<Piece> pieces = {{header.data(), header.size()}};
    for (const OutgoingTensor &tensor : tensors)
      pieces.push_back(tensor.data);
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
    std::string note;
    if (!status.failed())
      status = load(*session, path, flags, note);
    if (!status.failed())
      remark(note, error);
    return status;
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
    std::string note;
    if (!status.failed())
      status = loadLatest(*session, path, flags, *generation, note);
    if (!status.failed())
      remark(note, error);
    return status;
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
