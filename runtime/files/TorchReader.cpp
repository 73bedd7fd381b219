//===- TorchReader.cpp - What is in a file of torch.save? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/TorchReader.h"

#include "files/TorchObjects.h"

#include <algorithm>
#include <cstring>

namespace ttc {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t largestPickle = uint64_t(64) << 20;
/// What tensors that are not contiguous may need together, however small the
/// file is.
constexpr uint64_t denseBudget = uint64_t(256) << 20;

bool beginsWith(const unsigned char *bytes, uint64_t size,
                std::string_view start) {
  return size >= start.size() &&
         std::memcmp(bytes, start.data(), start.size()) == 0;
}

class TorchParser {
public:
  TorchParser(const std::string &path, const unsigned char *bytes,
              uint64_t size, TorchHeader &header)
      : path(path), bytes(bytes), size(size), header(header) {}

  Status parse(bool verify);

private:
  Status fail(const char *cause, const std::string &what) const {
    return badFile(path, cause, what);
  }
  /// The bytes of the member `name` of the root.
  std::string_view contents(const ZipMember &member) const {
    return {reinterpret_cast<const char *>(bytes + member.dataAt),
            static_cast<size_t>(member.size)};
  }
  const ZipMember *find(std::string_view name) const {
    return archive.find(root + std::string(name));
  }
  Status checkLayout();
  Status verifyMembers(bool storages) const;
  Status readTensors();
  Status findStateDict(const PickleGraph &graph, const PickleValue &top,
                       PickleValue &dict);
  Status readStateDict(const PickleGraph &graph, const PickleValue &dict,
                       const TorchObjects &objects);
  Status checkKeys(const PickleGraph &graph, const PickleValue &dict) const;
  Status checkDense() const;

  const std::string &path;
  const unsigned char *bytes;
  uint64_t size;
  TorchHeader &header;
  ZipArchive archive;
  std::string root; ///< "archive/"
};

Status TorchParser::parse(bool verify) {
  if (isLegacyTorch(bytes, size))
    return fail("LegacyFormat",
                "it is in the format that torch.save wrote before PyTorch 1.6; "
                "load it there with torch.load(path, weights_only=True) and "
                "save it again");
  if (isTar(bytes, size))
    return fail("LegacyTar",
                "it is a tar archive, which PyTorch wrote before 0.2; load it "
                "there and save it again");
  if (!isZip(bytes, size))
    return fail("UnknownFormat", "it is no file of torch.save: it does not "
                                 "begin as a zip archive does");
  Status status = parseZip(path, bytes, size, archive);
  if (!status.failed())
    status = checkLayout();
  if (!status.failed())
    status = verifyMembers(false);
  if (!status.failed())
    status = readTensors();
  if (!status.failed() && verify)
    status = verifyMembers(true);
  return status;
}

Status TorchParser::checkLayout() {
  if (archive.members.empty())
    return fail("MissingPickle", "the archive is empty");
  std::string_view first = archive.members.front().name;
  size_t slash = first.find('/');
  if (slash == std::string_view::npos)
    return fail("BadLayout", "its member " + quoteName(first) +
                                 " is in no directory, as all of a file of "
                                 "torch.save are");
  root = first.substr(0, slash + 1);
  // Sorted by name, those of one directory stand together.
  for (const ZipMember &member : archive.members)
    if (member.name.substr(0, root.size()) != root)
      return fail("BadLayout", "its member " + quoteName(member.name) +
                                   " is not in the directory " +
                                   quoteName(root) + " of the others");
  auto anyIn = [&](std::string_view directory) {
    std::string prefix = root + std::string(directory);
    auto at = std::lower_bound(
        archive.members.begin(), archive.members.end(), prefix,
        [](const ZipMember &m, const std::string &n) { return m.name < n; });
    return at != archive.members.end() &&
           at->name.substr(0, prefix.size()) == prefix;
  };
  if (find("constants.pkl") || anyIn("code/"))
    return fail("TorchScriptArchive",
                "it is a TorchScript archive, which contains code; load it "
                "with torch.jit.load and save model.state_dict()");
  for (const ZipMember &member : archive.members)
    if (member.method != 0)
      return fail("CompressedMember",
                  "its member " + quoteName(member.name) +
                      " is compressed (method " +
                      std::to_string(member.method) +
                      "), which torch.save never does; pack the archive again "
                      "without compression, or save it again");
  const ZipMember *pickle = find("data.pkl");
  if (!pickle || pickle->size == 0)
    return fail("MissingPickle", "its member " + quoteName(root + "data.pkl") +
                                     (pickle ? " is empty" : " is missing"));
  if (pickle->size > largestPickle)
    return fail("TooLarge", "its member " + quoteName(pickle->name) + " has " +
                                std::to_string(pickle->size) + " bytes, " +
                                std::to_string(largestPickle) +
                                " at most are read");

  const ZipMember *version = find("version");
  std::string_view number = version ? contents(*version) : std::string_view();
  if (number != "3" && number != "3\n")
    return fail("UnsupportedVersion",
                "its member " + quoteName(root + "version") +
                    (version ? " is " + quoteName(number.substr(0, 16))
                             : " is missing") +
                    ", 3 is expected");
  if (const ZipMember *order = find("byteorder")) {
    std::string_view text = contents(*order);
    if (text == "big")
      return fail("UnsupportedByteOrder",
                  "it was written on a big-endian machine; load it in PyTorch "
                  "and save it again on a little-endian one");
    if (text != "little")
      return fail("BadByteOrder", "its byte order is " +
                                      quoteName(text.substr(0, 16)) +
                                      ", 'little' is expected");
  }
  return Status::success();
}

/// The storages, or all others, have the bytes that their checksums say.
Status TorchParser::verifyMembers(bool storages) const {
  std::string prefix = root + "data/";
  for (const ZipMember &member : archive.members) {
    bool isStorage = member.name.substr(0, prefix.size()) == prefix;
    // What nobody reads is not touched.
    if (isStorage != storages || (!storages && member.size > largestPickle))
      continue;
    Status status = verifyMember(path, bytes, member);
    if (status.failed())
      return status;
  }
  return Status::success();
}

Status TorchParser::readTensors() {
  std::string_view pickle = contents(*find("data.pkl"));
  PickleGraph graph(pickle);
  TorchObjects objects(path, archive, root, graph);
  PickleValue top, dict;
  Status status = readPickle(path, pickle, objects, graph, top);
  if (!status.failed())
    status = graph.check(path, top);
  if (!status.failed())
    status = findStateDict(graph, top, dict);
  if (!status.failed())
    status = readStateDict(graph, dict, objects);
  header.shapes = std::move(objects.shapes);
  header.strides = std::move(objects.strides);
  if (!status.failed())
    status = checkDense();
  return status;
}

/// The state dict lies under one of the usual keys, or is what was saved.
Status TorchParser::findStateDict(const PickleGraph &graph,
                                  const PickleValue &top, PickleValue &dict) {
  if (!top.is(Kind::Dict))
    return fail("NotStateDict",
                std::string("it holds ") + describeKind(top.kind) +
                    ", a state dict is expected: names and their tensors");
  Status status = checkKeys(graph, top);
  if (status.failed())
    return status;
  std::string found;
  bool hasTensors = false;
  PickleValue key, value, empty;
  std::string_view wrapping;
  for (auto rest = graph.elements(top); rest.next(key) && rest.next(value);) {
    hasTensors |= value.is(Kind::Object);
    if (!key.is(Kind::Text))
      continue;
    std::string_view name = graph.text(key);
    found += found.size() < 100 ? quoteName(name) + ", " : "";
    if (!value.is(Kind::Dict) ||
        std::find(std::begin(torchWrappings), std::end(torchWrappings), name) ==
            std::end(torchWrappings))
      continue;
    if (!graph.holdsObjects(value)) {
      if (graph.count(value) == 0)
        empty = value;
      continue;
    }
    if (!wrapping.empty())
      return fail("AmbiguousStateDict",
                  "it has a dict under " + quoteName(wrapping) +
                      " and one under " + quoteName(name) +
                      ": save only the one that is wanted");
    wrapping = name;
    dict = value;
  }
  // Beside a state dict tensors are none of it, a random generator's state for
  // example.
  if (!wrapping.empty())
    return checkKeys(graph, dict);
  if (hasTensors || graph.count(top) == 0) {
    dict = top;
    return Status::success();
  }
  // That of a model without parameters.
  if (empty.is(Kind::Dict)) {
    dict = empty;
    return Status::success();
  }
  return fail("NotStateDict",
              "it has no tensors on its first level, and no state dict under "
              "'state_dict', 'model_state_dict' or 'model'; its keys are " +
                  found + "save model.state_dict() alone");
}

/// Which of two equal keys would count is not for a reader to choose.
Status TorchParser::checkKeys(const PickleGraph &graph,
                              const PickleValue &dict) const {
  std::vector<std::string_view> names;
  PickleValue key, value;
  for (auto rest = graph.elements(dict); rest.next(key) && rest.next(value);)
    if (key.is(Kind::Text))
      names.push_back(graph.text(key));
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end())
    return Status::success();
  return fail("DuplicateKey",
              "the key " + quoteName(*twice) + " is there twice");
}

Status TorchParser::readStateDict(const PickleGraph &graph,
                                  const PickleValue &dict,
                                  const TorchObjects &objects) {
  PickleValue key, value;
  for (auto rest = graph.elements(dict); rest.next(key) && rest.next(value);) {
    if (!key.is(Kind::Text))
      return fail("NonStringKey", std::string("a key of the state dict is ") +
                                      describeKind(key.kind) +
                                      ", a str is expected");
    std::string_view name = graph.text(key);
    const TorchTensor *tensor =
        value.is(Kind::Object) ? objects.tensor(value) : nullptr;
    if (!tensor) {
      if (value.is(Kind::Object) ||
          (value.isContainer() && graph.holdsObjects(value)))
        return fail("UnexpectedValue",
                    quoteName(name) + " is " + describeKind(value.kind) +
                        (value.isContainer() ? " with tensors in it" : "") +
                        ", a tensor or plain data is expected; save "
                        "model.state_dict() alone, or under 'state_dict'");
      // Numbers and texts beside the tensors are no weights.
      continue;
    }
    if (name.empty())
      return fail("EmptyName", "a tensor has an empty name");
    if (tensor->unsupported)
      return fail("UnsupportedTensorKind", quoteName(name) + " is " +
                                               tensor->unsupported +
                                               "; save a dense tensor");
    TorchEntry entry;
    entry.name = name;
    entry.dtype = tensor->dtype;
    entry.rank = tensor->rank;
    entry.shapeAt = tensor->shapeAt;
    entry.at = tensor->at;
    entry.bytes = tensor->bytes;
    entry.contiguous = tensor->contiguous;
    header.tensors.push_back(std::move(entry));
  }
  std::sort(
      header.tensors.begin(), header.tensors.end(),
      [](const TorchEntry &a, const TorchEntry &b) { return a.name < b.name; });
  return Status::success();
}

/// Nobody is made to fill the memory by a tensor whose strides are 0.
Status TorchParser::checkDense() const {
  uint64_t budget =
      std::max(denseBudget, size > UINT64_MAX / 4 ? UINT64_MAX : 4 * size);
  for (const TorchEntry &entry : header.tensors) {
    if (entry.contiguous)
      continue;
    if (entry.bytes > budget)
      return fail("ExpandedTooLarge",
                  quoteName(entry.name) + " has the shape " +
                      describeShape(header.shape(entry), entry.rank) +
                      " and strides that repeat elements: made dense, such "
                      "tensors would need more than four times the file. Save "
                      "tensor.contiguous(), or what was expanded");
    budget -= entry.bytes;
  }
  return Status::success();
}

} // namespace

bool isZip(const unsigned char *bytes, uint64_t size) {
  return beginsWith(bytes, size, {"PK\x03\x04", 4}) ||
         beginsWith(bytes, size, {"PK\x05\x06", 4});
}

bool isLegacyTorch(const unsigned char *bytes, uint64_t size) {
  // A pickle of any protocol, of one number.
  return size >= 14 && bytes[0] == 0x80 &&
         beginsWith(bytes + 2, size - 2,
                    "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
}

bool isTar(const unsigned char *bytes, uint64_t size) {
  return size >= 512 && beginsWith(bytes + 257, size - 257, "ustar");
}

Status parseTorchFile(const std::string &path, const unsigned char *bytes,
                      uint64_t size, bool verify, TorchHeader &header) {
  TorchHeader result;
  Status status = TorchParser(path, bytes, size, result).parse(verify);
  if (!status.failed())
    header = std::move(result);
  return status;
}

} // namespace ttc
