//===- TorchFixtures.cpp - How are files of torch.save made here? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"

#include "support/Checksum.h"

#include <cstring>
#include <memory>

namespace {

uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }

} // namespace

std::string ZipWriter::bytes() const {
  std::string result = prefix;
  std::string directory;
  uint64_t entries = 0;
  for (const ZipPart &part : parts) {
    uint32_t checksum =
        part.checksum.value_or(ttc::crc32(part.data.data(), part.data.size()));
    uint64_t headerAt = result.size();
    bool later = part.flags & 8;
    if (part.inFile) {
      std::string name = part.localName.value_or(part.name);
      uint32_t size =
          part.localSize.value_or(later ? 0 : low(part.data.size()));
      result += bytesOf<uint32_t>(0x04034b50) + bytesOf<uint16_t>(0) +
                bytesOf(part.localFlags.value_or(part.flags)) +
                bytesOf(part.localMethod.value_or(part.method)) +
                bytesOf<uint32_t>(0) + bytesOf(later ? 0u : checksum) +
                bytesOf(size) + bytesOf(size) +
                bytesOf(static_cast<uint16_t>(name.size())) +
                bytesOf(static_cast<uint16_t>(part.localExtra.size())) + name +
                part.localExtra + part.data;
      if (part.withoutDescriptor)
        later = false;
      if (later && part.wideDescriptor)
        result += bytesOf<uint32_t>(0x08074b50) + bytesOf(checksum) +
                  bytesOf<uint64_t>(part.data.size()) +
                  bytesOf<uint64_t>(part.data.size());
      else if (later)
        result += bytesOf<uint32_t>(0x08074b50) + bytesOf(checksum) +
                  bytesOf(low(part.data.size())) +
                  bytesOf(low(part.data.size()));
    }
    if (!part.inDirectory)
      continue;
    ++entries;
    uint32_t size = part.directorySize.value_or(low(part.data.size()));
    directory +=
        bytesOf<uint32_t>(0x02014b50) + bytesOf<uint32_t>(0) +
        bytesOf(part.flags) + bytesOf(part.method) + bytesOf<uint32_t>(0) +
        bytesOf(checksum) + bytesOf(size) + bytesOf(size) +
        bytesOf(static_cast<uint16_t>(part.name.size())) +
        bytesOf(static_cast<uint16_t>(part.directoryExtra.size())) +
        bytesOf(static_cast<uint16_t>(part.directoryComment.size())) +
        bytesOf(part.disk) + bytesOf<uint16_t>(0) + bytesOf<uint32_t>(0) +
        bytesOf(part.directoryHeaderAt.value_or(low(headerAt))) + part.name +
        part.directoryExtra + part.directoryComment;
  }
  result += gap;
  uint64_t at = result.size();
  result += directory + beforeEnd;
  uint64_t endAt = result.size();
  if (zip64)
    result += bytesOf<uint32_t>(0x06064b50) + bytesOf<uint64_t>(44) +
              bytesOf<uint32_t>(0) + bytesOf<uint32_t>(disk) +
              bytesOf<uint32_t>(disk) + bytesOf(count64.value_or(entries)) +
              bytesOf(count64.value_or(entries)) +
              bytesOf<uint64_t>(directory.size()) + bytesOf(at) +
              bytesOf<uint32_t>(0x07064b50) + bytesOf<uint32_t>(0) +
              bytesOf(end64At.value_or(endAt)) + bytesOf(disks.value_or(1));
  uint16_t number = count.value_or(static_cast<uint16_t>(entries));
  return result + bytesOf<uint32_t>(0x06054b50) + bytesOf(disk) +
         bytesOf(disk) + bytesOf(number) + bytesOf(number) +
         bytesOf(directorySize.value_or(low(directory.size()))) +
         bytesOf(directoryAt.value_or(low(at))) +
         bytesOf(static_cast<uint16_t>(comment.size())) + comment + suffix;
}

ZipPart &ZipWriter::operator[](const std::string &name) {
  for (ZipPart &part : parts)
    if (part.name == "archive/" + name)
      return part;
  REQUIRE_MESSAGE(false, name);
  return parts.front();
}

std::string text(const std::string &value) {
  return "X" + bytesOf(low(value.size())) + value;
}

std::string number(int64_t value) {
  if (value >= 0 && value < 256)
    return "K" + bytesOf(static_cast<uint8_t>(value));
  if (value == static_cast<int32_t>(value))
    return "J" + bytesOf(static_cast<int32_t>(value));
  return "\x8a\x08" + bytesOf(value);
}

std::string name(const std::string &module, const std::string &function) {
  return "c" + module + "\n" + function + "\n";
}

std::string tuple(const std::vector<std::string> &values) {
  std::string result = "(";
  for (const std::string &value : values)
    result += value;
  return result + "t";
}

std::string list(const std::vector<std::string> &values) {
  std::string result = "](";
  for (const std::string &value : values)
    result += value;
  return result + "e";
}

std::string dict(const std::vector<std::string> &pairs) {
  std::string result = "}(";
  for (const std::string &value : pairs)
    result += value;
  return result + "u";
}

std::string call(const std::string &function, const std::string &arguments) {
  return function + arguments + "R";
}

std::string orderedDict() {
  return call(name("collections", "OrderedDict"), ")");
}

std::string numbers(const std::vector<int64_t> &values) {
  std::vector<std::string> parts;
  for (int64_t value : values)
    parts.push_back(number(value));
  return tuple(parts);
}

std::string pickle(const std::string &value) {
  return "\x80\x02" + value + ".";
}

std::string storage(const std::string &key, int64_t count,
                    const std::string &type, const std::string &location) {
  return tuple({text("storage"), name("torch", type), text(key), text(location),
                number(count)}) +
         "Q";
}

std::string tensorArguments(const std::string &storage, int64_t offset,
                            const std::vector<int64_t> &sizes,
                            const std::vector<int64_t> &strides) {
  return tuple({storage, number(offset), numbers(sizes), numbers(strides),
                "\x89", orderedDict()});
}

std::string tensor(const std::string &storage, int64_t offset,
                   const std::vector<int64_t> &sizes,
                   const std::vector<int64_t> &strides) {
  return call(name("torch._utils", "_rebuild_tensor_v2"),
              tensorArguments(storage, offset, sizes, strides));
}

std::string tensor() { return tensor(storage("0", 6), 0, {2, 3}, {3, 1}); }

std::string storageBytes() {
  std::string bytes;
  for (char i = 1; i <= 24; ++i)
    bytes += i;
  return bytes;
}

ZipWriter torchArchive(const std::string &pickle) {
  ZipWriter writer;
  writer.parts = {{"archive/data.pkl", pickle},
                  {"archive/.format_version", "1"},
                  {"archive/.storage_alignment", "64"},
                  {"archive/byteorder", "little"},
                  {"archive/data/0", storageBytes()},
                  {"archive/version", "3\n"},
                  {"archive/.data/serialization_id", std::string(40, '7')}};
  return writer;
}

ZipWriter goodArchive() {
  return torchArchive(pickle(dict({text("w"), tensor()})));
}

ttc::Status parse(const std::string &bytes, ttc::TorchHeader &header,
                  bool verify) {
  // Exactly as long, so that a sanitizer sees every byte beyond.
  auto copy = std::make_unique<unsigned char[]>(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return ttc::parseTorchFile("w.pt", copy.get(), bytes.size(), verify, header);
}

void refusesTorch(const std::string &bytes, const char *cause, bool verify) {
  ttc::TorchHeader header;
  header.tensors.resize(7);
  ttc::Status status = parse(bytes, header, verify);
  CAPTURE(status.message());
  CHECK(status.failed());
  CHECK(std::string(status.cause()) == cause);
  CHECK(status.message().find("'w.pt'") != std::string::npos);
  CHECK(header.tensors.size() == 7);
  CHECK(header.shapes.empty());
}

void refusesPickle(const std::string &pickle, const char *cause) {
  refusesTorch(torchArchive(pickle).bytes(), cause);
}

void refusesValue(const std::string &value, const char *cause) {
  refusesPickle(pickle(dict({text("w"), value})), cause);
}

ttc::TorchHeader acceptsTorch(const std::string &bytes, bool verify) {
  ttc::TorchHeader header;
  ttc::Status status = parse(bytes, header, verify);
  CAPTURE(status.message());
  CHECK(!status.failed());
  return header;
}

void acceptsValue(const std::string &value) {
  ttc::TorchHeader header = acceptsTorch(
      torchArchive(pickle(dict({text("w"), tensor(), text("beside"), value})))
          .bytes());
  CHECK(header.tensors.size() == 1);
}
