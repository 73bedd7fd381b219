//===- TorchZipTest.cpp - Which archives of torch.save are refused? -------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"

namespace {

std::string zip64(const std::vector<uint64_t> &values) {
  std::string field =
      bytesOf<uint16_t>(1) + bytesOf(static_cast<uint16_t>(8 * values.size()));
  for (uint64_t value : values)
    field += bytesOf(value);
  return field;
}

/// What torch.save aligns storages with.
std::string padding(size_t size) {
  return "FB" + bytesOf(static_cast<uint16_t>(size)) + std::string(size, 'Z');
}

/// With these bytes at `at`.
std::string patched(std::string bytes, size_t at, const std::string &patch) {
  REQUIRE(at + patch.size() <= bytes.size());
  return bytes.replace(at, patch.size(), patch);
}

template <typename Change> std::string changed(Change &&change) {
  ZipWriter writer = goodArchive();
  change(writer);
  return writer.bytes();
}

} // namespace

TEST_CASE("an archive as torch.save writes it is accepted") {
  ttc::TorchHeader header = acceptsTorch(goodArchive().bytes(), true);
  REQUIRE(header.tensors.size() == 1);
  const ttc::TorchEntry &entry = header.tensors[0];
  CHECK(entry.name == "w");
  CHECK(std::string(entry.dtype->name) == "F32");
  CHECK(entry.rank == 2);
  CHECK(header.shape(entry)[0] == 2);
  CHECK(header.shape(entry)[1] == 3);
  CHECK(header.stride(entry)[0] == 3);
  CHECK(entry.bytes == 24);
  CHECK(entry.contiguous);
  CHECK(goodArchive().bytes().substr(entry.at, 24) == storageBytes());
}

TEST_CASE("what torch.save may write as well is accepted") {
  // Padding before a storage, sizes of 64 bits, no descriptor, no 64-bit end,
  // members in any order, members that are unknown.
  acceptsTorch(changed([](ZipWriter &w) {
    for (ZipPart &part : w.parts)
      part.localExtra = padding(part.name.size());
  }));
  acceptsTorch(changed([](ZipWriter &w) {
    w["data/0"].wideDescriptor = true;
    w["data/0"].localExtra = zip64({0, 0}) + padding(5);
  }));
  acceptsTorch(changed([](ZipWriter &w) {
    w["data/0"].directorySize = 0xFFFFFFFF;
    w["data/0"].directoryExtra = zip64({24, 24});
  }));
  acceptsTorch(changed([](ZipWriter &w) {
    for (ZipPart &part : w.parts)
      part.flags = 0x0800;
    w["data/0"].localExtra = zip64({24, 24});
    w["data/0"].localSize = 0xFFFFFFFF;
  }));
  acceptsTorch(changed([](ZipWriter &w) { w.zip64 = false; }));
  acceptsTorch(
      changed([](ZipWriter &w) { w["data/0"].directoryExtra = padding(3); }));
  // Of nothing there may be no descriptor.
  acceptsTorch(changed([](ZipWriter &w) {
    w.parts.push_back({"archive/data/1", ""});
    w.parts.back().withoutDescriptor = true;
  }));
  refusesTorch(changed([](ZipWriter &w) {
                 w.parts.push_back({"archive/data/1", "1"});
                 w.parts.back().withoutDescriptor = true;
               }),
               "BadZip");
  acceptsTorch(changed([](ZipWriter &w) {
    std::swap(w.parts.front(), w.parts.back());
    w.parts.push_back({"archive/of/the/future", "x"});
  }));
}

TEST_CASE("P1 what is no file of torch.save") {
  refusesTorch("", "UnknownFormat");
  refusesTorch("PK", "UnknownFormat");
  refusesTorch("{\"w\": 1}", "UnknownFormat");
  refusesTorch(std::string(1000, '\0'), "UnknownFormat");
  // A bare pickle.
  refusesTorch(pickle(dict({})), "UnknownFormat");
}

TEST_CASE("P2 the format before PyTorch 1.6") {
  std::string magic =
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  refusesTorch(magic, "LegacyFormat");
  refusesTorch(magic + "." + std::string(1000, 'x'), "LegacyFormat");
  refusesTorch(magic.substr(0, 13), "UnknownFormat");
}

TEST_CASE("P3 a tar archive") {
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  refusesTorch(tar, "LegacyTar");
  refusesTorch(tar.substr(0, 511), "UnknownFormat");
}

TEST_CASE("P4 a TorchScript archive") {
  refusesTorch(changed([](ZipWriter &w) {
                 w.parts.push_back({"archive/constants.pkl", "x"});
               }),
               "TorchScriptArchive");
  refusesTorch(changed([](ZipWriter &w) {
                 w.parts.push_back({"archive/code/__torch__.py", "x"});
                 w.parts.back().method = 8;
               }),
               "TorchScriptArchive");
}

TEST_CASE("P5 an archive without its end") {
  std::string whole = goodArchive().bytes();
  for (size_t cut = 1; cut <= 22 + 76; ++cut)
    refusesTorch(whole.substr(0, whole.size() - cut), "BadZip");
  // A comment can hide a second end: there is none in a file of torch.save.
  refusesTorch(changed([](ZipWriter &w) { w.comment = "x"; }), "BadZip");
  refusesTorch(changed([&](ZipWriter &w) {
                 w.comment = whole.substr(whole.size() - 22);
                 w.comment[0] = 'p';
               }),
               "BadZip");
}

TEST_CASE("P5 every truncation") {
  std::string whole = goodArchive().bytes();
  for (size_t size = 0; size < whole.size(); ++size)
    refusesTorch(whole.substr(0, size), size < 4 ? "UnknownFormat" : "BadZip");
}

TEST_CASE("P6 a 64-bit end that is elsewhere or says something else") {
  for (uint64_t at : {uint64_t(0), uint64_t(1) << 40, UINT64_MAX,
                      UINT64_MAX - 55, goodArchive().bytes().size() - 42})
    refusesTorch(changed([&](ZipWriter &w) { w.end64At = at; }), "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.count = 3; }), "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.directorySize = 46; }), "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.directoryAt = 1; }), "BadZip");
  // Those that do not fit in the short end are in the long one alone.
  acceptsTorch(changed([](ZipWriter &w) {
    w.count = 0xFFFF;
    w.directorySize = 0xFFFFFFFF;
    w.directoryAt = 0xFFFFFFFF;
  }));
  refusesTorch(changed([](ZipWriter &w) {
                 w.zip64 = false;
                 w.directoryAt = 0xFFFFFFFF;
               }),
               "BadZip");
}

TEST_CASE("P7 several disks") {
  refusesTorch(changed([](ZipWriter &w) { w.disk = 1; }), "BadZip");
  refusesTorch(changed([](ZipWriter &w) {
                 w.disk = 1;
                 w.zip64 = false;
               }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.disks = 2; }), "BadZip");
  std::string whole = goodArchive().bytes();
  refusesTorch(patched(whole, whole.size() - 98 + 16, "\1"), "BadZip");
  refusesTorch(patched(whole, whole.size() - 98 + 20, "\1"), "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].disk = 1; }), "BadZip");
}

TEST_CASE("P8 numbers of the directory that are wrong") {
  for (uint64_t count : {uint64_t(0), uint64_t(6), uint64_t(8), UINT64_MAX})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.count = 0xFFFF;
                   w.count64 = count;
                 }),
                 "BadZip");
  for (unsigned count : {0u, 6u, 8u, 65534u, 65535u})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.count = static_cast<uint16_t>(count);
                   w.zip64 = false;
                 }),
                 "BadZip");
  for (uint32_t size : {0u, 45u, 46u, 0x7FFFFFFFu, 0xFFFFFFFFu})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.directorySize = size;
                   w.zip64 = false;
                 }),
                 "BadZip");
  std::string whole = goodArchive().bytes();
  refusesTorch(patched(whole, whole.size() - 14, "\6"), "BadZip");
  size_t entry = whole.find("PK\x01\x02");
  refusesTorch(patched(whole, entry, "pk"), "BadZip");
  for (size_t field : {28u, 30u})
    refusesTorch(patched(whole, entry + field, "\xff\xff"), "BadZip");
  for (size_t field : {20u, 24u})
    refusesTorch(patched(whole, entry + field, "\7"), "BadZip");
  // The directory over the data.
  refusesTorch(changed([](ZipWriter &w) {
                 w.directoryAt = 0;
                 w.zip64 = false;
               }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.beforeEnd = "x"; }), "BadZip");
  refusesTorch(
      changed([](ZipWriter &w) { w["data/0"].directoryComment = "x"; }),
      "BadZip");
}

TEST_CASE("P9 bytes that belong to nothing") {
  refusesTorch(changed([](ZipWriter &w) { w.suffix = "x"; }), "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.suffix = "PK\x05\x06"; }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w.prefix = "PK\x03\x04polyglot"; }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) {
                 w.prefix = "\x7f"
                            "ELF";
               }),
               "UnknownFormat");
  for (uint16_t flags : {uint16_t(0x0808), uint16_t(0x0800)})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.gap = "x";
                   w.parts.back().flags = flags;
                 }),
                 "BadZip");
  // A member that the directory does not have.
  for (const char *name : {"data.pkl", "data/0", ".data/serialization_id"})
    refusesTorch(changed([&](ZipWriter &w) { w[name].inDirectory = false; }),
                 "BadZip");
}

TEST_CASE("P10 a member that calls itself something else") {
  refusesTorch(changed([](ZipWriter &w) {
                 w["data.pkl"].localName = "archive/data.pkx";
               }),
               "BadZip");
  refusesTorch(
      changed([](ZipWriter &w) { w["data.pkl"].localName = "data.pkl"; }),
      "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].localName = ""; }),
               "BadZip");
}

TEST_CASE("P11 flags") {
  for (int bit = 0; bit < 16; ++bit) {
    if (bit == 3 || bit == 11)
      continue;
    uint16_t flags = static_cast<uint16_t>(0x0808 | 1 << bit);
    CAPTURE(bit);
    refusesTorch(changed([&](ZipWriter &w) { w["data/0"].flags = flags; }),
                 "UnsupportedZipFlag");
    refusesTorch(changed([&](ZipWriter &w) { w["data/0"].localFlags = flags; }),
                 "UnsupportedZipFlag");
  }
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].localFlags = 0x0800; }),
               "BadZip");
}

TEST_CASE("P12 compression") {
  for (unsigned number : {1u, 8u, 9u, 14u, 93u, 99u, 65535u}) {
    uint16_t method = static_cast<uint16_t>(number);
    refusesTorch(changed([&](ZipWriter &w) { w["data/0"].method = method; }),
                 "CompressedMember");
    refusesTorch(changed([&](ZipWriter &w) { w["data.pkl"].method = method; }),
                 "CompressedMember");
    refusesTorch(
        changed([&](ZipWriter &w) { w["data.pkl"].localMethod = method; }),
        "BadZip");
  }
}

TEST_CASE("P13 a member that is there twice") {
  for (const char *name : {"archive/data.pkl", "archive/data/0"})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.parts.push_back({name, storageBytes()});
                 }),
                 "DuplicateMember");
}

TEST_CASE("P14 names that are no names") {
  for (std::string name :
       {std::string("archive/../data/1"), std::string("/archive/data/1"),
        std::string("archive/.."), std::string("archive//1"),
        std::string("archive/data/"), std::string("archive/./1"),
        std::string("archive\\data\\1"), std::string("archive/a\0b", 11),
        std::string("archive/\n"), std::string("archive/\xff\xfe"),
        std::string(), "archive/" + std::string(505, 'n')})
    refusesTorch(changed([&](ZipWriter &w) { w.parts.push_back({name, "x"}); }),
                 "BadMemberName");
  acceptsTorch(changed([](ZipWriter &w) {
    w.parts.push_back({"archive/" + std::string(504, 'n'), "x"});
  }));
  // The name that another reader may prefer.
  for (bool local : {false, true})
    refusesTorch(changed([&](ZipWriter &w) {
                   (local ? w["data/0"].localExtra
                          : w["data/0"].directoryExtra) =
                       bytesOf<uint16_t>(0x7075) + bytesOf<uint16_t>(6) +
                       "\x01\x01\x02\x03\x04z";
                 }),
                 "BadZip");
}

TEST_CASE("P15 members outside of the one directory") {
  for (const char *name : {"data.pkl", "other/data.pkl", "archive2/x", "a"})
    refusesTorch(changed([&](ZipWriter &w) { w.parts.push_back({name, "x"}); }),
                 "BadLayout");
}

TEST_CASE("P16 members that overlap") {
  // Many members of the directory on one in the file.
  refusesTorch(changed([](ZipWriter &w) {
                 uint32_t at = static_cast<uint32_t>(
                     w.bytes().find("archive/data/0") - 30);
                 w.parts.push_back(w["data/0"]);
                 w.parts.back().inFile = false;
                 w.parts.back().directoryHeaderAt = at;
               }),
               "OverlappingMembers");
  // One that contains another, whole.
  std::string inner;
  ZipWriter small;
  small.parts = {{"archive/inner", "abc"}};
  inner = small.bytes().substr(0, 30 + 13 + 3 + 16);
  for (uint16_t flags : {uint16_t(0x0808), uint16_t(0x0800)})
    refusesTorch(changed([&](ZipWriter &w) {
                   w.parts.insert(w.parts.begin(),
                                  ZipPart("archive/outer", inner));
                   w.parts.front().flags = flags;
                   w.parts.push_back({"archive/inner", "abc"});
                   w.parts.back().inFile = false;
                   w.parts.back().directoryHeaderAt = 30 + 13;
                 }),
                 "OverlappingMembers");
}

TEST_CASE("P17 members beyond the file") {
  for (uint32_t at : {0x00FFFFFFu, 0xFFFFFFFEu})
    refusesTorch(
        changed([&](ZipWriter &w) { w["data/0"].directoryHeaderAt = at; }),
        "Truncated");
  for (uint32_t size : {0x00FFFFFFu, 0xFFFFFFFEu})
    refusesTorch(
        changed([&](ZipWriter &w) { w["data/0"].directorySize = size; }),
        "Truncated");
  for (uint64_t size : {uint64_t(1) << 32, UINT64_MAX, UINT64_MAX - 100})
    refusesTorch(changed([&](ZipWriter &w) {
                   w["data/0"].directorySize = 0xFFFFFFFF;
                   w["data/0"].directoryExtra = zip64({size, size});
                 }),
                 "Truncated");
  for (uint64_t at : {uint64_t(1) << 32, UINT64_MAX, UINT64_MAX - 29})
    refusesTorch(changed([&](ZipWriter &w) {
                   w["data/0"].directoryHeaderAt = 0xFFFFFFFF;
                   w["data/0"].directoryExtra = zip64({at});
                 }),
                 "Truncated");
  // The lengths before the data push it out of the file.
  std::string whole = goodArchive().bytes();
  size_t header = whole.find("archive/.data/ser") - 30;
  std::string longer = whole;
  longer.replace(header + 28, 2, "\xff\xff");
  refusesTorch(longer, "Truncated");
  // Into the directory, or nowhere that a member begins.
  uint32_t directory = static_cast<uint32_t>(whole.find("PK\x01\x02"));
  refusesTorch(
      changed([&](ZipWriter &w) { w["data/0"].directoryHeaderAt = directory; }),
      "BadZip");
  refusesTorch(changed([&](ZipWriter &w) {
                 w[".data/serialization_id"].directorySize = 100;
               }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].directoryHeaderAt = 1; }),
               "BadZip");
}

TEST_CASE("sizes and extra fields that disagree") {
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].localSize = 23; }),
               "BadZip");
  refusesTorch(changed([](ZipWriter &w) {
                 w["data/0"].flags = 0x0800;
                 w["data/0"].localSize = 0;
               }),
               "BadZip");
  refusesTorch(
      changed([](ZipWriter &w) { w["data/0"].localExtra = zip64({23, 23}); }),
      "BadZip");
  for (const std::string &extra :
       {std::string("abc"), std::string("FB\xff\xff"), zip64({24, 24}),
        zip64({}) + zip64({})})
    refusesTorch(
        changed([&](ZipWriter &w) { w["data/0"].directoryExtra = extra; }),
        "BadZip");
  refusesTorch(changed([](ZipWriter &w) { w["data/0"].localExtra = "FB\x10"; }),
               "BadZip");
  refusesTorch(
      changed([](ZipWriter &w) { w["data/0"].directorySize = 0xFFFFFFFF; }),
      "BadZip");
  // A descriptor that says something else.
  std::string whole = goodArchive().bytes();
  size_t at = whole.find(storageBytes()) + 24;
  for (size_t i = 0; i < 16; ++i) {
    std::string flipped = whole;
    flipped[at + i] = static_cast<char>(flipped[at + i] ^ 1);
    refusesTorch(flipped, "BadZip");
  }
}

TEST_CASE("P18 a checksum that is not that of the bytes") {
  std::string pickle =
      changed([](ZipWriter &w) { w["data.pkl"].checksum = 0x12345678; });
  refusesTorch(pickle, "ChecksumMismatch");
  std::string storage =
      changed([](ZipWriter &w) { w["data/0"].checksum = 0x12345678; });
  acceptsTorch(storage);
  refusesTorch(storage, "ChecksumMismatch", true);
}

TEST_CASE("P19 no checksums") {
  acceptsTorch(changed([](ZipWriter &w) {
                 for (ZipPart &part : w.parts)
                   part.checksum = 0;
               }),
               true);
}

TEST_CASE("P20 no pickle, or one that is too large") {
  refusesTorch(changed([](ZipWriter &w) { w.parts.erase(w.parts.begin()); }),
               "MissingPickle");
  refusesTorch(changed([](ZipWriter &w) { w["data.pkl"].data.clear(); }),
               "MissingPickle");
  refusesTorch(changed([](ZipWriter &w) {
                 w.parts.clear();
                 w.zip64 = false;
               }),
               "MissingPickle");
  refusesTorch(changed([](ZipWriter &w) {
                 w["data.pkl"].data.assign((64 << 20) + 1, '.');
               }),
               "TooLarge");
}

TEST_CASE("P21 versions") {
  for (const char *version :
       {"0", "1", "2", "4", "99", "", "3\n\n", "33", " 3", "three"})
    refusesTorch(changed([&](ZipWriter &w) { w["version"].data = version; }),
                 "UnsupportedVersion");
  refusesTorch(
      changed([](ZipWriter &w) { w["version"].name = "archive/versio"; }),
      "UnsupportedVersion");
  acceptsTorch(changed([](ZipWriter &w) { w["version"].data = "3"; }));
}

TEST_CASE("P22 byte orders") {
  refusesTorch(changed([](ZipWriter &w) { w["byteorder"].data = "big"; }),
               "UnsupportedByteOrder");
  for (const char *order : {"", "Little", "little\n", "middle"})
    refusesTorch(changed([&](ZipWriter &w) { w["byteorder"].data = order; }),
                 "BadByteOrder");
  acceptsTorch(
      changed([](ZipWriter &w) { w["byteorder"].name = "archive/byteorde"; }));
}

TEST_CASE("P48 the kind of a file is told by its first bytes") {
  auto bytesAt = [](const std::string &text) {
    return reinterpret_cast<const unsigned char *>(text.data());
  };
  std::string archive = goodArchive().bytes();
  std::string other = safetensors("{}");
  CHECK(ttc::isZip(bytesAt(archive), archive.size()));
  CHECK(!ttc::isZip(bytesAt(archive), 3));
  CHECK(!ttc::isZip(bytesAt(other), other.size()));
  CHECK(!ttc::isLegacyTorch(bytesAt(archive), archive.size()));
  CHECK(!ttc::isTar(bytesAt(archive), archive.size()));
}
