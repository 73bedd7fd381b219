//===- Zip.cpp - What are the members of a zip archive? -------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/Zip.h"

#include "files/SafetensorsReader.h"
#include "support/Checksum.h"

#include <algorithm>
#include <cstring>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "zip archives are little-endian: this host would have to swap bytes"
#endif

namespace ttc {
namespace {

constexpr uint32_t localSignature = 0x04034b50;
constexpr uint32_t descriptorSignature = 0x08074b50;
constexpr uint32_t directorySignature = 0x02014b50;
constexpr uint32_t endSignature = 0x06054b50;
constexpr uint32_t end64Signature = 0x06064b50;
constexpr uint32_t locatorSignature = 0x07064b50;

constexpr uint64_t localSize = 30;
constexpr uint64_t directorySize = 46;
constexpr uint64_t endSize = 22;
constexpr uint64_t end64Size = 56;
constexpr uint64_t locatorSize = 20;

/// The sizes follow the data, in a descriptor.
constexpr uint16_t descriptorFlag = 1u << 3;
/// The name is UTF-8.
constexpr uint16_t utf8Flag = 1u << 11;

/// The extra fields that mean something to a reader.
constexpr uint16_t zip64Field = 0x0001;
constexpr uint16_t unicodePathField = 0x7075;

constexpr uint16_t full16 = 0xFFFF;
constexpr uint32_t full32 = 0xFFFFFFFF;

constexpr uint64_t longestMemberName = 512;

template <typename T> T load(const unsigned char *at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

uint16_t load16(const unsigned char *at) { return load<uint16_t>(at); }
uint32_t load32(const unsigned char *at) { return load<uint32_t>(at); }
uint64_t load64(const unsigned char *at) { return load<uint64_t>(at); }

/// `length` bytes from `at` lie in the first `size` ones.
bool within(uint64_t at, uint64_t length, uint64_t size) {
  return length <= size && at <= size - length;
}

/// One field of an extra block; `length` bytes from `at`.
struct ExtraField {
  uint16_t id;
  uint16_t length;
  const unsigned char *at;
};

/// Takes a field off an extra block; false if the rest is no field.
bool nextField(const unsigned char *&at, uint64_t &left, ExtraField &field) {
  if (left < 4)
    return false;
  field = {load16(at), load16(at + 2), at + 4};
  if (field.length > left - 4)
    return false;
  at += 4 + uint64_t(field.length);
  left -= 4 + uint64_t(field.length);
  return true;
}

class ZipParser {
public:
  ZipParser(const std::string &path, const unsigned char *bytes, uint64_t size,
            ZipArchive &archive)
      : path(path), bytes(bytes), size(size), members(archive.members) {}

  Status parse() {
    for (auto step : {&ZipParser::findDirectory, &ZipParser::readDirectory,
                      &ZipParser::checkPlaces, &ZipParser::checkNames}) {
      Status status = (this->*step)();
      if (status.failed())
        return status;
    }
    return Status::success();
  }

private:
  Status bad(const std::string &what) { return badFile(path, "BadZip", what); }

  /// Where the directory is, how long it is, and how many members it has: said
  /// at the very end of the file, and in 64 bits before that.
  Status findDirectory() {
    if (size < endSize || load32(bytes + size - endSize) != endSignature ||
        load16(bytes + size - 2) != 0)
      return bad("the archive's directory does not end with the file: it was "
                 "cut, or something was added to it");
    const unsigned char *end = bytes + size - endSize;
    uint64_t endAt = size - endSize;
    if (load16(end + 4) != 0 || load16(end + 6) != 0)
      return bad("the archive is spread over several disks");
    if (load16(end + 8) != load16(end + 10))
      return bad("the number of its members is said twice, as " +
                 std::to_string(load16(end + 8)) + " and as " +
                 std::to_string(load16(end + 10)));
    count = load16(end + 10);
    uint64_t length = load32(end + 12);
    directoryAt = load32(end + 16);

    if (endAt >= locatorSize &&
        load32(bytes + endAt - locatorSize) == locatorSignature) {
      const unsigned char *locator = bytes + endAt - locatorSize;
      endAt -= locatorSize;
      if (load32(locator + 4) != 0 || load32(locator + 16) > 1)
        return bad("the archive is spread over several disks");
      uint64_t end64At = load64(locator + 8);
      if (endAt < end64Size || end64At != endAt - end64Size ||
          load32(bytes + end64At) != end64Signature ||
          load64(bytes + end64At + 4) != end64Size - 12)
        return bad("the 64-bit end of the directory is not at " +
                   std::to_string(end64At) + ", where its locator says");
      const unsigned char *end64 = bytes + end64At;
      endAt = end64At;
      if (load32(end64 + 16) != 0 || load32(end64 + 20) != 0)
        return bad("the archive is spread over several disks");
      uint64_t count64 = load64(end64 + 32);
      uint64_t length64 = load64(end64 + 40);
      uint64_t at64 = load64(end64 + 48);
      if (load64(end64 + 24) != count64 ||
          (count != full16 && count != count64) ||
          (length != full32 && length != length64) ||
          (directoryAt != full32 && directoryAt != at64))
        return bad("the two ends of the directory disagree");
      count = count64;
      length = length64;
      directoryAt = at64;
    }
    if (directoryAt > endAt || length != endAt - directoryAt)
      return bad("the directory of " + std::to_string(length) +
                 " bytes at byte " + std::to_string(directoryAt) +
                 " does not reach its end at byte " + std::to_string(endAt));
    directoryEnd = endAt;
    if (count > length / directorySize)
      return bad("a directory of " + std::to_string(length) +
                 " bytes cannot have " + std::to_string(count) + " members");
    return Status::success();
  }

  Status readDirectory() {
    members.reserve(count);
    uint64_t at = directoryAt;
    while (at < directoryEnd) {
      if (members.size() == count)
        return bad("the directory has more than the " + std::to_string(count) +
                   " members that it announces");
      Status status = readEntry(at);
      if (status.failed())
        return status;
    }
    if (members.size() != count)
      return bad("the directory announces " + std::to_string(count) +
                 " members, but has " + std::to_string(members.size()));
    return Status::success();
  }

  /// One entry of the directory; `at` moves behind it.
  Status readEntry(uint64_t &at) {
    const unsigned char *entry = bytes + at;
    if (!within(at, directorySize, directoryEnd) ||
        load32(entry) != directorySignature)
      return bad("there is no entry of the directory at byte " +
                 std::to_string(at));
    uint64_t nameSize = load16(entry + 28);
    uint64_t extraSize = load16(entry + 30);
    if (!within(at + directorySize, nameSize + extraSize, directoryEnd))
      return bad("the entry of the directory at byte " + std::to_string(at) +
                 " is cut");
    ZipMember member;
    member.name = {reinterpret_cast<const char *>(entry + directorySize),
                   nameSize};
    Status status = checkName(member.name);
    if (status.failed())
      return status;
    std::string who = "the member " + quoteName(member.name);
    member.flags = load16(entry + 8);
    status = checkFlags(member.flags, who);
    if (status.failed())
      return status;
    member.method = load16(entry + 10);
    member.checksum = load32(entry + 16);
    member.size = load32(entry + 20);
    member.unpacked = load32(entry + 24);
    if (load16(entry + 32) != 0)
      return bad(who + " has a comment");
    if (load16(entry + 34) != 0)
      return bad(who + " is on another disk");
    member.headerAt = load32(entry + 42);

    // What does not fit in 32 bits is in an extra field, in this order.
    std::vector<uint64_t *> wide;
    for (uint64_t *field : {&member.unpacked, &member.size, &member.headerAt})
      if (*field == full32)
        wide.push_back(field);
    const unsigned char *extra = entry + directorySize + nameSize;
    bool widened = false;
    for (uint64_t left = extraSize; left > 0;) {
      ExtraField field;
      if (!nextField(extra, left, field) || field.id == unicodePathField)
        return bad(who + " has extra fields that are wrong");
      if (field.id != zip64Field)
        continue;
      if (widened || field.length != 8 * wide.size())
        return bad(who + " has wrong sizes of 64 bits");
      widened = true;
      for (size_t i = 0; i < wide.size(); ++i)
        *wide[i] = load64(field.at + 8 * i);
    }
    if (!wide.empty() && !widened)
      return bad(who + " has no sizes of 64 bits, but needs them");
    if (member.method == 0 && member.size != member.unpacked)
      return bad(who + " is stored in " + std::to_string(member.size) +
                 " bytes, but has " + std::to_string(member.unpacked));
    at += directorySize + nameSize + extraSize;
    members.push_back(member);
    return Status::success();
  }

  /// The name could stand in a path without harm, although it never does.
  Status checkName(std::string_view name) {
    auto wrong = [&](const char *why) {
      return badFile(path, "BadMemberName",
                     "the name of its member " + quoteName(name) + " " + why);
    };
    if (name.empty())
      return wrong("is empty");
    if (name.size() > longestMemberName)
      return wrong("is longer than 512 bytes");
    if (!isUtf8(name))
      return wrong("is not UTF-8");
    for (char c : name)
      if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F)
        return wrong("has a control character or a backslash");
    for (size_t begin = 0; begin <= name.size();) {
      size_t end = std::min(name.find('/', begin), name.size());
      std::string_view part = name.substr(begin, end - begin);
      if (part.empty() || part == "." || part == "..")
        return wrong("is no plain path: it has an empty part, '.' or '..'");
      begin = end + 1;
    }
    return Status::success();
  }

  Status checkFlags(uint16_t flags, const std::string &who) {
    uint16_t unknown = static_cast<uint16_t>(
        flags & ~static_cast<unsigned>(descriptorFlag | utf8Flag));
    if (!unknown)
      return Status::success();
    return badFile(path, "UnsupportedZipFlag",
                   who + " has the flags " + std::to_string(flags) +
                       (unknown & 0x2041
                            ? ": it is encrypted"
                            : ", of which only bits 3 and 11 are known"));
  }

  /// The members and what frames them fill the file up to the directory, in
  /// some order, and say of themselves what the directory says of them.
  Status checkPlaces() {
    std::sort(members.begin(), members.end(),
              [](const ZipMember &a, const ZipMember &b) {
                return a.headerAt < b.headerAt;
              });
    for (ZipMember &member : members) {
      Status status =
          checkHeader(member, "the member " + quoteName(member.name));
      if (status.failed())
        return status;
    }
    uint64_t expected = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      const ZipMember &member = members[i];
      std::string who = "the member " + quoteName(member.name);
      if (member.headerAt < expected)
        return badFile(path, "OverlappingMembers",
                       who + " begins at byte " +
                           std::to_string(member.headerAt) +
                           ", inside another one");
      if (member.headerAt > expected)
        return bad("the bytes " + std::to_string(expected) + " to " +
                   std::to_string(member.headerAt) +
                   " of the archive belong to no member");
      uint64_t next =
          i + 1 < members.size() ? members[i + 1].headerAt : directoryAt;
      Status status = checkEnd(member, who, next, expected);
      if (status.failed())
        return status;
    }
    if (expected != directoryAt)
      return bad("the bytes " + std::to_string(expected) + " to " +
                 std::to_string(directoryAt) +
                 " of the archive belong to no member");
    return Status::success();
  }

  /// The header before the member's data, which says where that begins.
  Status checkHeader(ZipMember &member, const std::string &who) {
    if (!within(member.headerAt, localSize, size))
      return badFile(path, "Truncated",
                     who + " begins at byte " +
                         std::to_string(member.headerAt) + " of a file of " +
                         std::to_string(size) + " bytes");
    if (!within(member.headerAt, localSize, directoryAt))
      return bad(who + " lies in the archive's directory");
    const unsigned char *local = bytes + member.headerAt;
    if (load32(local) != localSignature)
      return bad(who + " has no header at byte " +
                 std::to_string(member.headerAt));
    uint64_t nameSize = load16(local + 26);
    uint64_t extraSize = load16(local + 28);
    uint64_t nameAt = member.headerAt + localSize;
    if (!within(nameAt, nameSize + extraSize, size))
      return badFile(path, "Truncated",
                     "the header of " + who + " goes beyond the file's end");
    // Sums of what is known to lie in the file: no overflow from here on.
    member.dataAt = nameAt + nameSize + extraSize;
    if (!within(member.dataAt, member.size, size))
      return badFile(path, "Truncated",
                     who + " has " + std::to_string(member.size) +
                         " bytes from byte " + std::to_string(member.dataAt) +
                         " of a file of " + std::to_string(size) + " bytes");
    if (!within(member.dataAt, member.size, directoryAt))
      return bad(who + " goes into the archive's directory");
    if (nameSize != member.name.size() ||
        std::memcmp(local + localSize, member.name.data(), nameSize) != 0)
      return bad(who + " calls itself " +
                 quoteName({reinterpret_cast<const char *>(local + localSize),
                            nameSize}));
    Status status = checkFlags(load16(local + 6), who);
    if (status.failed())
      return status;
    if (load16(local + 6) != member.flags || load16(local + 8) != member.method)
      return bad(who + " and the directory disagree on its flags or method");

    bool later = member.flags & descriptorFlag;
    bool wide = false;
    const unsigned char *extra = local + localSize + nameSize;
    for (uint64_t left = extraSize; left > 0;) {
      ExtraField field;
      if (!nextField(extra, left, field) || field.id == unicodePathField)
        return bad("the header of " + who + " has extra fields that are wrong");
      if (field.id != zip64Field)
        continue;
      bool right = !wide && field.length % 8 == 0 && field.length <= 24;
      for (uint16_t i = 0; right && i < field.length; i += 8) {
        uint64_t value = load64(field.at + i);
        right = value == member.size || value == member.unpacked ||
                value == member.headerAt || (value == 0 && later);
      }
      if (!right)
        return bad("the header of " + who + " has wrong sizes of 64 bits");
      wide = true;
    }
    auto agrees = [&](uint32_t said, uint64_t known) {
      return said == known || (said == 0 && later) || (said == full32 && wide);
    };
    if (!agrees(load32(local + 14), member.checksum) ||
        !agrees(load32(local + 18), member.size) ||
        !agrees(load32(local + 22), member.unpacked))
      return bad(who + " and the directory disagree on its size or checksum");
    return Status::success();
  }

  /// Between the data and `next` there is a descriptor or nothing. `end` is
  /// what the member's last part leaves.
  Status checkEnd(const ZipMember &member, const std::string &who,
                  uint64_t next, uint64_t &end) {
    end = member.dataAt + member.size;
    if (!(member.flags & descriptorFlag))
      return Status::success();
    if (next < end)
      return badFile(path, "OverlappingMembers",
                     who + " goes beyond byte " + std::to_string(next) +
                         ", where the next one begins");
    const unsigned char *at = bytes + end;
    const uint64_t length = next - end;
    // The writer of torch.save leaves out the descriptor of nothing.
    if (length == 0 && member.size == 0)
      return Status::success();
    bool right = false;
    if (length == 16)
      right =
          load32(at + 8) == member.size && load32(at + 12) == member.unpacked;
    else if (length == 24)
      right =
          load64(at + 8) == member.size && load64(at + 16) == member.unpacked;
    if (!right || load32(at) != descriptorSignature ||
        load32(at + 4) != member.checksum)
      return bad("what follows the data of " + who +
                 " is not the descriptor of its size and checksum");
    end = next;
    return Status::success();
  }

  Status checkNames() {
    std::sort(
        members.begin(), members.end(),
        [](const ZipMember &a, const ZipMember &b) { return a.name < b.name; });
    for (size_t i = 1; i < members.size(); ++i)
      if (members[i].name == members[i - 1].name)
        return badFile(path, "DuplicateMember",
                       "the member " + quoteName(members[i].name) +
                           " is there twice");
    return Status::success();
  }

  const std::string &path;
  const unsigned char *bytes;
  uint64_t size;
  std::vector<ZipMember> &members;
  uint64_t count = 0;
  uint64_t directoryAt = 0;
  uint64_t directoryEnd = 0;
};

} // namespace

const ZipMember *ZipArchive::find(std::string_view name) const {
  auto at = std::lower_bound(
      members.begin(), members.end(), name,
      [](const ZipMember &m, std::string_view n) { return m.name < n; });
  return at != members.end() && at->name == name ? &*at : nullptr;
}

Status parseZip(const std::string &path, const unsigned char *bytes,
                uint64_t size, ZipArchive &archive) {
  ZipArchive result;
  Status status = ZipParser(path, bytes, size, result).parse();
  if (!status.failed())
    archive = std::move(result);
  return status;
}

Status verifyMember(const std::string &path, const unsigned char *bytes,
                    const ZipMember &member) {
  if (member.checksum == 0)
    return Status::success();
  uint32_t found = crc32(bytes + member.dataAt, member.size);
  if (found == member.checksum)
    return Status::success();
  return {TTC_ERROR_CHECKSUM, "ChecksumMismatch",
          "Cannot read " + quoteName(path) + ": the member " +
              quoteName(member.name) + " has the CRC-32 " +
              checksumText(found) + ", " + checksumText(member.checksum) +
              " is expected; the file is damaged, get it again."};
}

} // namespace ttc
