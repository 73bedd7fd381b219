//===- NpyTest.cpp - Which .npy files are read? ---------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "Fixtures.h"

#include <cstring>
#include <stdexcept>

namespace {

std::string npy(const std::string &header, const std::string &data,
                int version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += static_cast<char>(version);
  bytes += '\0';
  uint32_t size = static_cast<uint32_t>(header.size());
  bytes.append(reinterpret_cast<const char *>(&size), version == 1 ? 2 : 4);
  return bytes + header + data;
}

std::string header(const std::string &descr, const std::string &shape,
                   const std::string &fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran +
         ", 'shape': " + shape + ", }   \n";
}

NpyArray read(const std::string &bytes) {
  TemporaryDirectory directory;
  std::string path = directory / "a.npy";
  writeBytes(path, bytes);
  return readNpy(path);
}

} // namespace

TEST_CASE("Arrays of every format and shape") {
  for (int version : {1, 2, 3}) {
    NpyArray array =
        read(npy(header("<f4", "(2, 3)"), std::string(24, '\0'), version));
    CHECK(array.type() == "f4");
    CHECK(array.shape == std::vector<int64_t>{2, 3});
    CHECK(array.elements() == 6);
    CHECK(array.elements(1) == 3);
  }
  CHECK(read(npy(header("|u1", "(3,)"), "abc")).number(1) == 'b');
  CHECK(read(npy(header("|b1", "(2,)"), std::string("\0\1", 2))).number(1) ==
        1);
  CHECK(read(npy(header("<i8", "()"), std::string(8, '\xFF'))).number(0) == -1);
  CHECK(read(npy(header("<f8", "(0, 5)"), "")).elements() == 0);
  CHECK(read(npy("{'shape':(1,),'fortran_order':False,'descr':'<i2'}", "ab"))
            .number(0) == 0x6261);
}

TEST_CASE("What is not understood is refused with its path") {
  auto refused = [](const std::string &bytes, const char *part) {
    try {
      read(bytes);
      FAIL("it was read: " << part);
    } catch (const std::runtime_error &error) {
      std::string message = error.what();
      CAPTURE(message);
      CHECK(message.find("a.npy") != std::string::npos);
      CHECK(message.find(part) != std::string::npos);
    }
  };
  std::string good = npy(header("<f4", "(2,)"), std::string(8, '\0'));
  for (size_t size = 0; size < good.size(); ++size)
    CHECK_THROWS_AS(read(good.substr(0, size)), std::runtime_error);
  refused(good + "x", "9 bytes of data");
  refused("PK\x03\x04 a zip file", "does not begin");
  refused(npy(header("<f4", "(2,)"), std::string(8, '\0'), 4), "4.0");
  refused(npy(header(">f4", "(2,)"), std::string(8, '\0')), "'>f4'");
  refused(npy(header("|O", "(2,)"), std::string(8, '\0')), "'|O'");
  refused(npy(header("<f2", "(2,)"), std::string(4, '\0')), "'<f2'");
  refused(npy(header("<U4", "(1,)"), std::string(16, '\0')), "'<U4'");
  refused(npy(header("<f4", "(2,)", "True"), std::string(8, '\0')), "Fortran");
  refused(npy(header("<f4", "(-2,)"), std::string(8, '\0')), "sizes");
  refused(npy(header("<f4", "(99999999999999999999,)"), ""), "too large");
  refused(npy(header("<f4", "(9223372036854775807, 4)"), ""), "counted");
  refused(npy("{'descr': '<f4', 'shape': (2,), }", std::string(8, '\0')),
          "needs descr");
  refused(npy("{'descr': '<f4', 'descr': '<f4', 'shape': (2,), }", ""),
          "twice");
  refused(npy("{'evil': 1}", ""), "evil");
  refused(npy(header("<f4", "(2,)") + "x", std::string(8, '\0')), "nothing");
  CHECK_THROWS_WITH_AS(readNpy("/nonexistent/a.npy"),
                       "Cannot read '/nonexistent/a.npy': No such file or "
                       "directory.",
                       std::runtime_error);
}

TEST_CASE("What is written is read again") {
  TemporaryDirectory directory;
  std::string path = directory / "a.npy";
  const float values[] = {1, 2, 3, 4, 5, 6};
  {
    NpyWriter writer(path, "f4", {1, 3});
    writer.write(values, 3 * sizeof(float));
    writer.write(values + 3, 3 * sizeof(float));
    CHECK(!fileExists(path));
    writer.finish(2);
  }
  NpyArray array = readNpy(path);
  CHECK(array.shape == std::vector<int64_t>{2, 1, 3});
  CHECK(std::memcmp(array.data.data(), values, sizeof(values)) == 0);
  // The data starts where a mapping of it is aligned.
  CHECK((readBytes(path).size() - sizeof(values)) % 64 == 0);
  // One that is not finished leaves nothing.
  std::string other = directory / "b.npy";
  {
    NpyWriter writer(other, "f8", {3});
  }
  CHECK(!fileExists(other));
}
