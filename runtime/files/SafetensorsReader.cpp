//===- SafetensorsReader.cpp - What is in a safetensors file? -------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/SafetensorsReader.h"

#include "files/FileKind.h"
#include "files/Json.h"

#include <algorithm>
#include <cstring>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors data is little-endian: this host would have to swap bytes"
#endif

namespace ttc {
namespace {

Status invalid(const std::string &path, const char *cause,
               const std::string &what) {
  return {TTC_ERROR_FORMAT, cause,
          "Cannot read " + quoteName(path) + ": " + what + "."};
}

/// The position of the first byte that is not UTF-8, or `size`.
uint64_t firstNotUtf8(const unsigned char *bytes, uint64_t size) {
  uint64_t at = 0;
  while (at < size) {
    unsigned char lead = bytes[at];
    if (lead < 0x80) {
      ++at;
      continue;
    }
    // The second byte's range excludes overlong forms, surrogates, and all that
    // lies beyond U+10FFFF.
    unsigned length = 0;
    unsigned char low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      low = lead == 0xE0 ? 0xA0 : low;
      high = lead == 0xED ? 0x9F : high;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      low = lead == 0xF0 ? 0x90 : low;
      high = lead == 0xF4 ? 0x8F : high;
    } else {
      return at;
    }
    if (size - at < length || bytes[at + 1] < low || bytes[at + 1] > high)
      return at;
    for (unsigned i = 2; i < length; ++i)
      if ((bytes[at + i] & 0xC0) != 0x80)
        return at;
    at += length;
  }
  return size;
}

/// Hears the header's JSON, one event at a time. Anything that is not a
/// header's form ends the parse at once, so that nothing nests deeper than
/// three.
class HeaderEvents final : public JsonEvents {
public:
  HeaderEvents(const std::string &path, SafetensorsHeader &header)
      : path(path), header(header) {}

  Status takeStatus() { return std::move(status); }

  bool unsignedInteger(uint64_t value) override {
    if (place != Place::Shape && place != Place::Offsets)
      return other("a number");
    if (value > static_cast<uint64_t>(INT64_MAX))
      return place == Place::Shape
                 ? fail("Overflow", inEntry() + "a size, " +
                                        std::to_string(value) +
                                        ", is above 2^63 - 1")
                 : fail("InvalidOffset", inEntry() + "a data offset, " +
                                             std::to_string(value) +
                                             ", is above 2^63 - 1");
    if (place == Place::Shape) {
      if (entry.rank == maxRank)
        return fail("RankTooLarge",
                    inEntry() + "the shape has more than 64 dimensions");
      header.shapes.push_back(static_cast<int64_t>(value));
      ++entry.rank;
      return true;
    }
    if (numOffsets == 2)
      return fail("InvalidOffset", inEntry() + "data_offsets has more than two "
                                               "numbers");
    (numOffsets == 0 ? entry.begin : entry.end) = value;
    ++numOffsets;
    return true;
  }

  bool string(std::string &value) override {
    if (place == Place::Metadata) {
      header.metadata.emplace_back(std::move(metadataKey), std::move(value));
      return true;
    }
    if (place != Place::Entry || field != Field::Dtype)
      return other("a string");
    entry.dtype = dtypeByName(value);
    if (!entry.dtype)
      return fail("UnknownDType", inEntry() + "the dtype " + quoteName(value) +
                                      " does not exist");
    field = Field::None;
    return true;
  }

  bool key(std::string &name) override {
    switch (place) {
    case Place::Names:
      if (name.empty())
        return fail("EmptyName", "a tensor has an empty name");
      inMetadata = name == "__metadata__";
      if (inMetadata && hadMetadata)
        return fail("DuplicateKey", "'__metadata__' is there twice");
      hadMetadata |= inMetadata;
      entry = SafetensorsEntry();
      entry.name = std::move(name);
      entry.shapeAt = header.shapes.size();
      return true;
    case Place::Metadata:
      metadataKey = std::move(name);
      return true;
    default:
      break;
    }
    field = name == "dtype"          ? Field::Dtype
            : name == "shape"        ? Field::Shape
            : name == "data_offsets" ? Field::Offsets
                                     : Field::None;
    if (field == Field::None)
      return fail("UnknownField", inEntry() + "the field " + quoteName(name) +
                                      " is none of dtype, shape and "
                                      "data_offsets");
    unsigned bit = 1u << static_cast<unsigned>(field);
    if (fields & bit)
      return fail("DuplicateKey", inEntry() + "the field " + quoteName(name) +
                                      " is there twice");
    fields |= bit;
    return true;
  }

  bool startObject() override {
    switch (place) {
    case Place::Top:
      place = Place::Names;
      return true;
    case Place::Names:
      place = inMetadata ? Place::Metadata : Place::Entry;
      fields = 0;
      numOffsets = 0;
      field = Field::None;
      return true;
    default:
      return other("an object");
    }
  }

  bool endObject() override {
    switch (place) {
    case Place::Entry:
      for (Field wanted : {Field::Dtype, Field::Shape, Field::Offsets})
        if (!(fields & (1u << static_cast<unsigned>(wanted))))
          return fail("MissingField", inEntry() + "the field '" +
                                          fieldName(wanted) + "' is missing");
      header.tensors.push_back(std::move(entry));
      place = Place::Names;
      return true;
    case Place::Metadata:
      place = Place::Names;
      return true;
    default:
      place = Place::Top;
      return true;
    }
  }

  bool startArray() override {
    if (place != Place::Entry ||
        (field != Field::Shape && field != Field::Offsets))
      return other("an array");
    place = field == Field::Shape ? Place::Shape : Place::Offsets;
    return true;
  }

  bool endArray() override {
    if (place == Place::Offsets && numOffsets != 2)
      return fail("InvalidOffset", inEntry() + "data_offsets has " +
                                       std::to_string(numOffsets) +
                                       " numbers, two are expected");
    place = Place::Entry;
    field = Field::None;
    return true;
  }

  /// A value of a kind that does not belong where it stands.
  bool other(const std::string &what) override {
    switch (place) {
    case Place::Top:
      return fail("InvalidJson",
                  "the header is " + what + ", an object is expected");
    case Place::Names:
      if (inMetadata)
        return fail("InvalidMetadata",
                    "'__metadata__' is " + what + ", an object is expected");
      return fail("InvalidTensorEntry", "the entry of " +
                                            quoteName(entry.name) + " is " +
                                            what + ", an object is expected");
    case Place::Metadata:
      return fail("InvalidMetadata", "in '__metadata__', the value of " +
                                         quoteName(metadataKey) + " is " +
                                         what + ", a string is expected");
    case Place::Shape:
      return fail("InvalidShape", inEntry() + "the shape contains " + what +
                                      ", sizes are expected");
    case Place::Offsets:
      return fail("InvalidOffset", inEntry() + "data_offsets contains " + what +
                                       ", byte offsets are expected");
    case Place::Entry:
      break;
    }
    return field == Field::Dtype
               ? fail("UnknownDType", inEntry() + "the dtype is " + what +
                                          ", a string is expected")
           : field == Field::Shape
               ? fail("InvalidShape", inEntry() + "the shape is " + what +
                                          ", an array of sizes is expected")
               : fail("InvalidOffset", inEntry() + "data_offsets is " + what +
                                           ", an array of two is expected");
  }

  void error(uint64_t position, const std::string &why) override {
    fail("InvalidJson", "the header is not valid JSON at byte " +
                            std::to_string(position) +
                            (why.empty() ? "" : ", " + why));
  }

private:
  enum class Place { Top, Names, Metadata, Entry, Shape, Offsets };
  enum class Field { None, Dtype, Shape, Offsets };

  static const char *fieldName(Field field) {
    return field == Field::Dtype   ? "dtype"
           : field == Field::Shape ? "shape"
                                   : "data_offsets";
  }

  std::string inEntry() const { return "in " + quoteName(entry.name) + ", "; }

  bool fail(const char *cause, const std::string &what) {
    status = invalid(path, cause, what);
    return false;
  }

  const std::string &path;
  SafetensorsHeader &header;
  Status status = Status::success();
  Place place = Place::Top;
  Field field = Field::None;
  SafetensorsEntry entry;
  std::string metadataKey;
  bool inMetadata = false;
  bool hadMetadata = false;
  unsigned fields = 0;
  unsigned numOffsets = 0;
};

/// No two of the sorted names are equal.
template <typename Range, typename Name>
const std::string *findDuplicate(const Range &range, Name name) {
  for (size_t i = 1; i < range.size(); ++i)
    if (name(range[i]) == name(range[i - 1]))
      return &name(range[i]);
  return nullptr;
}

/// The tensors' ranges are those of their shapes, and cover the data exactly.
Status checkRanges(const std::string &path, const SafetensorsHeader &header,
                   uint64_t dataSize) {
  for (const SafetensorsEntry &entry : header.tensors) {
    uint64_t bits = 0;
    auto in = [&] { return "in " + quoteName(entry.name) + ", "; };
    if (!tensorBits(header.shape(entry), entry.rank, entry.dtype->bits, bits))
      return invalid(path, "Overflow",
                     in() + "the shape " +
                         describeShape(header.shape(entry), entry.rank) +
                         " has more elements than can be counted");
    if (bits % 8)
      return invalid(path, "MisalignedSize",
                     in() + std::to_string(bits) + " bits of " +
                         entry.dtype->name + " are no whole number of bytes");
    if (entry.end < entry.begin)
      return invalid(path, "InvalidOffset",
                     in() + "the data ends at " + std::to_string(entry.end) +
                         ", before it begins at " +
                         std::to_string(entry.begin));
    if (entry.end > dataSize)
      return invalid(path, "IncompleteBuffer",
                     in() + "the data ends at " + std::to_string(entry.end) +
                         ", but the file has only " + std::to_string(dataSize) +
                         " bytes of data");
    if (entry.end - entry.begin != bits / 8)
      return invalid(path, "SizeMismatch",
                     in() + "the data has " +
                         std::to_string(entry.end - entry.begin) + " bytes, " +
                         entry.dtype->name + " of shape " +
                         describeShape(header.shape(entry), entry.rank) +
                         " needs " + std::to_string(bits / 8));
  }
  std::vector<const SafetensorsEntry *> order;
  order.reserve(header.tensors.size());
  for (const SafetensorsEntry &entry : header.tensors)
    order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](const SafetensorsEntry *a, const SafetensorsEntry *b) {
              return std::make_pair(a->begin, a->end) <
                     std::make_pair(b->begin, b->end);
            });
  uint64_t expected = 0;
  for (const SafetensorsEntry *entry : order) {
    if (entry->begin != expected)
      return invalid(path, "InvalidOffset",
                     "the data of " + quoteName(entry->name) + " begins at " +
                         std::to_string(entry->begin) +
                         (entry->begin < expected
                              ? ", inside that of another tensor"
                              : ", after a hole") +
                         "; " + std::to_string(expected) + " is expected");
    expected = entry->end;
  }
  if (expected != dataSize)
    return invalid(path, "IncompleteBuffer",
                   std::to_string(dataSize - expected) +
                       " bytes at the end belong to no tensor");
  return Status::success();
}

} // namespace

const SafetensorsEntry *SafetensorsHeader::find(std::string_view name) const {
  auto at = std::lower_bound(
      tensors.begin(), tensors.end(), name,
      [](const SafetensorsEntry &e, std::string_view n) { return e.name < n; });
  return at != tensors.end() && at->name == name ? &*at : nullptr;
}

const std::string *SafetensorsHeader::findMetadata(std::string_view key) const {
  auto at = std::lower_bound(
      metadata.begin(), metadata.end(), key,
      [](const auto &pair, std::string_view k) { return pair.first < k; });
  return at != metadata.end() && at->first == key ? &at->second : nullptr;
}

bool isUtf8(std::string_view text) {
  const unsigned char *bytes =
      reinterpret_cast<const unsigned char *>(text.data());
  return firstNotUtf8(bytes, text.size()) == text.size();
}

Status parseSafetensors(const std::string &path, const unsigned char *bytes,
                        uint64_t size, SafetensorsHeader &header) {
  if (size < 8)
    return invalid(path, "HeaderTooSmall",
                   "it has " + std::to_string(size) +
                       " bytes, the length of its header alone needs 8" +
                       hintOfContent(bytes, size));
  uint64_t headerSize = 0;
  std::memcpy(&headerSize, bytes, 8);
  if (headerSize > largestSafetensorsHeader)
    return invalid(path, "HeaderTooLarge",
                   "its first eight bytes claim a header of " +
                       std::to_string(headerSize) + " bytes, at most " +
                       std::to_string(largestSafetensorsHeader) + " are read" +
                       hintOfContent(bytes, size));
  if (headerSize > size - 8)
    return invalid(path, "InvalidHeaderLength",
                   "its first eight bytes claim a header of " +
                       std::to_string(headerSize) + " bytes, but only " +
                       std::to_string(size - 8) + " follow" +
                       hintOfContent(bytes, size));

  const unsigned char *text = bytes + 8;
  uint64_t wrong = firstNotUtf8(text, headerSize);
  if (wrong != headerSize)
    return invalid(path, "InvalidUtf8",
                   "the header is not UTF-8 at byte " + std::to_string(wrong) +
                       hintOfContent(bytes, size));
  uint64_t start = 0;
  while (start < headerSize && (text[start] == ' ' || text[start] == '\t' ||
                                text[start] == '\n' || text[start] == '\r'))
    ++start;
  if (start == headerSize || text[start] != '{')
    return invalid(path, "InvalidJson",
                   start == headerSize ? std::string("the header is empty")
                                       : "the header does not begin with '{'" +
                                             hintOfContent(bytes, size));
  SafetensorsHeader result;
  result.headerSize = headerSize;
  result.dataAt = 8 + headerSize;
  HeaderEvents events(path, result);
  if (!parseJson(text, headerSize, events))
    return events.takeStatus();

  std::sort(result.tensors.begin(), result.tensors.end(),
            [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
              return a.name < b.name;
            });
  std::sort(result.metadata.begin(), result.metadata.end());
  if (const std::string *name = findDuplicate(
          result.tensors, [](const SafetensorsEntry &e) -> const std::string & {
            return e.name;
          }))
    return invalid(path, "DuplicateKey",
                   "the tensor " + quoteName(*name) + " is there twice");
  if (const std::string *key = findDuplicate(
          result.metadata,
          [](const auto &pair) -> const std::string & { return pair.first; }))
    return invalid(path, "DuplicateKey",
                   "in '__metadata__', the key " + quoteName(*key) +
                       " is there twice");
  Status status = checkRanges(path, result, size - result.dataAt);
  if (status.failed())
    return status;
  header = std::move(result);
  return Status::success();
}

} // namespace ttc
