//===- SafetensorsTest.cpp - Which safetensors files are refused? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

/// The outcome of opening a file of these bytes.
Outcome openBytes(const std::string &bytes) {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, bytes);
  ttc_weights *weights = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_weights_open(path.c_str(), &weights, error);
  });
  if (outcome.code == TTC_OK)
    ttc_weights_close(weights);
  else
    CHECK(weights == nullptr);
  if (outcome.code != TTC_OK)
    CHECK(outcome.mentions("w.safetensors"));
  return outcome;
}

void refuses(const std::string &bytes, const char *cause) {
  CAPTURE(bytes.substr(0, 200));
  Outcome outcome = openBytes(bytes);
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_ERROR_FORMAT);
  CHECK(outcome.mentions(std::string("[") + cause + "]"));
}

void refusesHeader(const std::string &header, const char *cause,
                   const std::string &data = std::string()) {
  refuses(safetensors(header, data), cause);
}

void accepts(const std::string &bytes) {
  CAPTURE(bytes.substr(0, 200));
  Outcome outcome = openBytes(bytes);
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_OK);
}

/// A header of one tensor.
std::string one(const std::string &dtype, const std::string &shape,
                const std::string &offsets) {
  return "{" + entry("w", dtype, shape, offsets) + "}";
}

/// A line of what the system says of this process.
double statusKilobytes(const std::string &key) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word)
    if (word == key && status >> word)
      return std::stod(word);
  return 0;
}

std::string lengthOnly(uint64_t length, size_t following) {
  std::string bytes(8 + following, 'x');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

const std::string four(4, '\0');
const std::string eight(8, '\0');

} // namespace

TEST_CASE("S1 a file shorter than its length") {
  for (size_t size = 0; size < 8; ++size)
    refuses(std::string(size, '\0'), "HeaderTooSmall");
}

TEST_CASE("S2 an empty header") { refuses(eight, "InvalidJson"); }

TEST_CASE("S3 a header that is too large is refused before any allocation") {
  for (uint64_t length : {UINT64_MAX, uint64_t(1) << 63, uint64_t(100'000'001)})
    refuses(lengthOnly(length, 16), "HeaderTooLarge");
}

TEST_CASE("S4 S5 a header longer than the file") {
  refuses(lengthOnly(100'000'000, 16), "InvalidHeaderLength");
  refuses(lengthOnly(17, 16), "InvalidHeaderLength");
}

TEST_CASE("S6 a header that is not UTF-8") {
  for (const char *wrong : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xE2\x82",
                            "\xF5\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\x80"})
    refusesHeader(std::string("{\"") + wrong + "\":1}", "InvalidUtf8");
  refusesHeader("{}\xE2\x82", "InvalidUtf8");
}

TEST_CASE("S7 a byte order mark, or UTF-16") {
  refusesHeader("\xEF\xBB\xBF{}", "InvalidJson");
  refusesHeader(std::string("{\0}\0", 4), "InvalidJson");
}

TEST_CASE("S8 what is not one object") {
  for (const char *text :
       {"{", "[", "[]", "\"x\"", "null", "1", "{}}", "{}x", "{}{}", " ", "}"})
    refusesHeader(text, "InvalidJson");
  refusesHeader(std::string("{} \0", 4), "InvalidJson");
  refusesHeader("{}\x0b", "InvalidJson");
}

TEST_CASE("S9 what JSON does not allow") {
  for (const char *text :
       {"{\"__metadata__\":{\"a\":\"b\",}}", "{/* */}", "{'a':1}",
        "{\"__metadata__\":{\"a\":NaN}}", "{\"a\n\":{}}", "{\"\\x\":{}}",
        "{\"\\ud800\":{}}", "{\"\\udc00\":{}}", "{,}", "{\"a\"}"})
    refusesHeader(text, "InvalidJson");
}

TEST_CASE("S10 a million levels") {
  std::string bomb;
  for (int i = 0; i < 1'000'000; ++i)
    bomb += "{\"a\":";
  refusesHeader(bomb, "UnknownField");
  refusesHeader("{\"a\":" + std::string(1'000'000, '['), "InvalidTensorEntry");
  refusesHeader("{\"__metadata__\":{\"a\":" + std::string(1'000'000, '['),
                "InvalidMetadata");
}

TEST_CASE("S11 S12 a tensor that is there twice") {
  refusesHeader("{" + entry("w", "F32", "[1]", "[0,4]") + "," +
                    entry("w", "U8", "[4]", "[0,4]") + "}",
                "DuplicateKey", four);
  refusesHeader("{" + entry("w", "F32", "[1]", "[0,4]") + "," +
                    entry("\\u0077", "F32", "[1]", "[4,8]") + "}",
                "DuplicateKey", eight);
}

TEST_CASE("S13 anything else that is there twice") {
  refusesHeader("{\"__metadata__\":{},\"__metadata__\":{}}", "DuplicateKey");
  refusesHeader("{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", "DuplicateKey");
  for (const char *field :
       {"\"dtype\":\"F32\"", "\"shape\":[1]", "\"data_offsets\":[0,4]"})
    refusesHeader(std::string("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],"
                              "\"data_offsets\":[0,4],") +
                      field + "}}",
                  "DuplicateKey", four);
}

TEST_CASE("S14 metadata that is not strings") {
  for (const char *value : {"1", "-1", "1.5", "null", "true", "{}", "[]"}) {
    refusesHeader(std::string("{\"__metadata__\":{\"a\":") + value + "}}",
                  "InvalidMetadata");
    if (std::strcmp(value, "{}") != 0)
      refusesHeader(std::string("{\"__metadata__\":") + value + "}",
                    "InvalidMetadata");
  }
}

TEST_CASE("S15 a tensor that is no object") {
  for (const char *value : {"[]", "\"F32\"", "null", "1", "-1", "1.5", "false"})
    refusesHeader(std::string("{\"w\":") + value + "}", "InvalidTensorEntry");
}

TEST_CASE("S16 a field is missing") {
  refusesHeader("{\"w\":{}}", "MissingField");
  refusesHeader("{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}",
                "MissingField", four);
  refusesHeader("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
                "MissingField", four);
  refusesHeader("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", "MissingField",
                four);
}

TEST_CASE("S17 an unknown field") {
  refusesHeader("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"
                ",\"strides\":[1]}}",
                "UnknownField", four);
}

TEST_CASE("S18 an unknown dtype") {
  for (std::string dtype : {std::string("f32"), std::string(),
                            std::string("F33"), std::string(1 << 20, 'F')})
    refusesHeader(one(dtype, "[1]", "[0,4]"), "UnknownDType", four);
  refusesHeader("{\"w\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}",
                "UnknownDType", four);
}

TEST_CASE("S19 a dtype that only the format knows is parsed") {
  for (const char *dtype : {"F8_E8M0", "F8_E4M3", "F8_E5M2", "I8"}) {
    TemporaryDirectory directory;
    std::string path = directory / "w.safetensors";
    writeBytes(path, safetensors(one(dtype, "[4]", "[0,4]"), four));
    ttc_weights *weights = nullptr;
    REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
    ttc_tensor tensor;
    REQUIRE(ttc_weights_at(weights, 0, &tensor, nullptr) == TTC_OK);
    CHECK(tensor.dtype == 0);
    CHECK(std::string(ttc_weights_dtype(weights, 0)) == dtype);
    ttc_weights_close(weights);
  }
  accepts(safetensors(one("C64", "[1]", "[0,8]"), eight));
  accepts(safetensors(one("F4", "[8]", "[0,4]"), four));
  accepts(safetensors(one("F6_E2M3", "[4]", "[0,3]"), "abc"));
}

TEST_CASE("S20 a size that is no size") {
  for (const char *size :
       {"-1", "2.0", "1e2", "-0", "\"2\"", "true", "null", "[1]", "{}"})
    refusesHeader(one("F32", std::string("[") + size + "]", "[0,4]"),
                  "InvalidShape", four);
  refusesHeader(one("F32", "[01]", "[0,4]"), "InvalidJson", four);
  refusesHeader(one("F32", "4", "[0,4]"), "InvalidShape", four);
}

TEST_CASE("S21 a size beyond 2^63 - 1") {
  refusesHeader(one("U8", "[9223372036854775808]", "[0,4]"), "Overflow", four);
  refusesHeader(one("U8", "[18446744073709551615]", "[0,4]"), "Overflow", four);
  refusesHeader(one("U8", "[18446744073709551616]", "[0,4]"), "InvalidShape",
                four);
}

TEST_CASE("S22 S23 S24 products that wrap") {
  for (const char *shape :
       {"[4294967296,4294967296]", "[4294967297,4294967296]",
        "[2,9223372036854775807]",
        "[0,4611686018427387904,4611686018427387904]",
        "[4611686018427387904,0,4611686018427387904]",
        "[4611686018427387904,4611686018427387904,0]"})
    refusesHeader(one("F32", shape, "[0,0]"), "Overflow");
  // The elements can be counted, their bits cannot.
  refusesHeader(one("F64", "[1152921504606846976]", "[0,0]"), "Overflow");
}

TEST_CASE("S25 too many dimensions") {
  std::string shape = "1";
  for (int i = 1; i < 64; ++i)
    shape += ",1";
  accepts(safetensors(one("F32", "[" + shape + "]", "[0,4]"), four));
  refusesHeader(one("F32", "[" + shape + ",1]", "[0,4]"), "RankTooLarge", four);
  for (int i = 64; i < 1'000'000; ++i)
    shape += ",1";
  refusesHeader(one("F32", "[" + shape + "]", "[0,4]"), "RankTooLarge", four);
}

TEST_CASE("S26 bits that make no byte") {
  refusesHeader(one("F4", "[3]", "[0,2]"), "MisalignedSize", "ab");
}

TEST_CASE("S27 S28 offsets that are no offsets") {
  for (const char *offsets :
       {"[]", "[0]", "[0,4,4]", "[-1,4]", "[0.0,4]", "[0,1e2]",
        "[0,9223372036854775808]", "[\"0\",4]", "{}", "null", "4", "[4,0]"})
    refusesHeader(one("F32", "[1]", offsets), "InvalidOffset", four);
}

TEST_CASE("S29 tensors that overlap") {
  for (const char *second : {"[0,4]", "[2,6]"})
    refusesHeader("{" + entry("a", "U8", "[4]", "[0,4]") + "," +
                      entry("b", "U8", "[4]", second) + "}",
                  "InvalidOffset", std::string(6, '\0'));
  refusesHeader("{" + entry("a", "U8", "[8]", "[0,8]") + "," +
                    entry("b", "U8", "[4]", "[2,6]") + "}",
                "InvalidOffset", eight);
  std::string bomb = "{" + entry("t0", "U8", "[8]", "[0,8]");
  for (int i = 1; i < 10; ++i)
    bomb += "," + entry("t" + std::to_string(i), "U8", "[8]", "[0,8]");
  refusesHeader(bomb + "}", "InvalidOffset", eight);
}

TEST_CASE("S30 holes") {
  refusesHeader(one("U8", "[4]", "[1,5]"), "InvalidOffset",
                std::string(5, '\0'));
  refusesHeader("{" + entry("a", "U8", "[1]", "[0,1]") + "," +
                    entry("b", "U8", "[1]", "[2,3]") + "}",
                "InvalidOffset", std::string(3, '\0'));
  refusesHeader(one("U8", "[4]", "[0,4]"), "IncompleteBuffer",
                std::string(5, '\0'));
}

TEST_CASE("S31 data beyond the end") {
  refusesHeader(one("U8", "[5]", "[0,5]"), "IncompleteBuffer", four);
  refusesHeader(one("U8", "[4]", "[100,104]"), "IncompleteBuffer", four);
  refusesHeader(one("U8", "[9223372036854775807]", "[0,9223372036854775807]"),
                "Overflow", four);
}

TEST_CASE("S32 every truncation") {
  std::string whole =
      safetensors("{" + entry("a", "F32", "[2]", "[0,8]") + "," +
                      entry("b", "U8", "[3]", "[8,11]") + "}",
                  std::string(11, 'd'));
  accepts(whole);
  for (size_t size = 0; size < whole.size(); ++size) {
    Outcome outcome = openBytes(whole.substr(0, size));
    CAPTURE(size);
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_FORMAT);
  }
}

TEST_CASE("S33 trailing bytes") {
  std::string whole = safetensors(one("U8", "[4]", "[0,4]"), four);
  refuses(whole + "x", "IncompleteBuffer");
  refuses(whole + "PK\x03\x04" + std::string(100, 'z'), "IncompleteBuffer");
}

TEST_CASE("S34 S35 a size that is not that of the shape") {
  refusesHeader(one("F32", "[1]", "[0,8]"), "SizeMismatch", eight);
  refusesHeader(one("F32", "[0]", "[0,4]"), "SizeMismatch", four);
  refusesHeader(one("F32", "[1]", "[0,0]"), "SizeMismatch");
  refusesHeader(one("F32", "[]", "[0,0]"), "SizeMismatch");
}

TEST_CASE("S36 empty tensors are accepted at every boundary") {
  accepts(safetensors("{" + entry("a", "F32", "[0,3]", "[0,0]") + "," +
                          entry("b", "U8", "[4]", "[0,4]") + "," +
                          entry("c", "F32", "[0]", "[4,4]") + "," +
                          entry("d", "F64", "[2,0]", "[4,4]") + "}",
                      four));
  refusesHeader("{" + entry("a", "F32", "[0]", "[2,2]") + "," +
                    entry("b", "U8", "[4]", "[0,4]") + "}",
                "InvalidOffset", four);
}

TEST_CASE("S37 unusual files that are right are accepted") {
  accepts(safetensors("{}"));
  accepts(safetensors(" \t\r\n{} \t\r\n"));
  accepts(safetensors("{\"__metadata__\":{}}"));
  accepts(safetensors("{\"__metadata__\":{\"\":\"\"}}"));
  accepts(safetensors(one("F32", "[]", "[0,4]"), four));
  accepts(safetensors("{" + entry("z", "U8", "[4]", "[4,8]") + "," +
                          entry("a", "U8", "[4]", "[0,4]") + "}",
                      eight));
}

TEST_CASE("S38 data that is not aligned is copied") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  std::string header = "{" + entry("a", "U8", "[3]", "[0,3]") + "," +
                       entry("b", "F32", "[2]", "[3,11]") + "}";
  std::string data = "abc";
  const float values[] = {1.5f, -2.25f};
  data.append(reinterpret_cast<const char *>(values), sizeof(values));
  for (int pad = 0; pad < 8; ++pad) {
    writeBytes(path, safetensors(header + std::string(pad, ' '), data));
    ttc_weights *weights = nullptr;
    REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
    ttc_tensor tensor, again;
    REQUIRE(ttc_weights_at(weights, 1, &tensor, nullptr) == TTC_OK);
    REQUIRE(ttc_weights_at(weights, 1, &again, nullptr) == TTC_OK);
    CHECK(reinterpret_cast<uintptr_t>(tensor.data) % alignof(float) == 0);
    CHECK(tensor.data == again.data);
    CHECK(static_cast<const float *>(tensor.data)[0] == 1.5f);
    CHECK(static_cast<const float *>(tensor.data)[1] == -2.25f);
    ttc_weights_close(weights);
  }
}

TEST_CASE(
    "S39 a BOOL that is neither 0 nor 1 is refused when it is asked for") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  for (int value : {1, 2, 255}) {
    std::string data(4, '\1');
    data[2] = static_cast<char>(value);
    writeBytes(path, safetensors(one("BOOL", "[4]", "[0,4]"), data));
    ttc_weights *weights = nullptr;
    REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
    ttc_tensor tensor;
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_at(weights, 0, &tensor, error);
    });
    CHECK(outcome.code == (value > 1 ? TTC_ERROR_FORMAT : TTC_OK));
    if (value > 1)
      CHECK(outcome.mentions("[InvalidBool]"));
    ttc_weights_close(weights);
  }
}

TEST_CASE("S40 strange names are names") {
  refusesHeader("{" + entry("", "U8", "[4]", "[0,4]") + "}", "EmptyName", four);
  for (std::string name :
       {std::string(70'000, 'n'), std::string("a\\u0000b"),
        std::string("/../../x"), std::string("a\\nb"), std::string("%s%n%d")})
    accepts(safetensors("{" + entry(name, "U8", "[4]", "[0,4]") + "}", four));
  // In a sentence they are escaped and cut.
  Outcome outcome = openBytes(
      safetensors("{" + entry("%n\\n\\u001b[31m", "F33", "[]", "[]") + "}"));
  CHECK(outcome.mentions("'%n\\x0a\\x1b[31m'"));
  outcome = openBytes(safetensors(
      "{" + entry(std::string(70'000, 'n'), "F33", "[]", "[]") + "}"));
  CHECK(outcome.mentions("70000 bytes"));
  CHECK(outcome.mentions("[UnknownDType]"));
}

TEST_CASE("S41 a million tensors in a header of 90 MB") {
  std::string header = "{";
  const int64_t count = 1'000'000;
  header.reserve(size_t(count) * 95);
  for (int64_t i = 0; i < count; ++i)
    header +=
        (i ? "," : "") +
        entry("model.layers." + std::to_string(i % 77) + ".weights_" +
                  std::to_string(i * 7919 % count),
              "U8", "[1]",
              "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
  header += "}";
  const size_t headerSize = header.size();
  CHECK(headerSize > 90'000'000);
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, safetensors(header, std::string(size_t(count), '\0')));
  std::string().swap(header);
  // The highest so far becomes what it is now.
  writeBytes("/proc/self/clear_refs", "5");
  const double highestBefore = statusKilobytes("VmHWM:");
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
  getrusage(RUSAGE_SELF, &after);
  const double times =
      (statusKilobytes("VmHWM:") - highestBefore) * 1024 / double(headerSize);
  CHECK(ttc_weights_count(weights) == size_t(count));
  ttc_weights_close(weights);
  // Of this thread's work, so that a busy machine does not count.
  auto secondsOf = [](const rusage &usage) {
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  double seconds = secondsOf(after) - secondsOf(before);
  MESSAGE("a million tensors took " << seconds << " s and " << times
                                    << " times the header");
  // Sanitizers and unoptimised builds get a tenfold allowance.
#if defined(__OPTIMIZE__) && !defined(TTC_SANITIZED)
  CHECK(seconds < 2);
#else
  CHECK(seconds < 20);
#endif
  CHECK(times < 10);
}

TEST_CASE("S42 what is no regular file, without waiting for it") {
  TemporaryDirectory directory;
  auto open = [](const std::string &path) {
    ttc_weights *weights = nullptr;
    return outcomeOf([&](ttc_error *error) {
      return ttc_weights_open(path.c_str(), &weights, error);
    });
  };
  std::string pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string link = directory / "link";
  REQUIRE(::symlink("nowhere", link.c_str()) == 0);
  std::string loop = directory / "loop";
  REQUIRE(::symlink("loop", loop.c_str()) == 0);
  std::string socketPath = directory / "socket";
  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socketPath.c_str(),
               sizeof(address.sun_path) - 1);
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr *>(&address),
                 sizeof(address)) == 0);
  for (const std::string &path :
       {directory / ".", pipe, link, loop, socketPath, std::string("/dev/zero"),
        std::string("/dev/null")}) {
    Outcome outcome = open(path);
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_IO);
  }
  ::close(socket);
  CHECK(open("/proc/self/status").code == TTC_ERROR_FORMAT);
  CHECK(open(directory / "nothing").code == TTC_ERROR_NOT_FOUND);
  CHECK(open((directory / "no directory") + "/nothing").code ==
        TTC_ERROR_NOT_FOUND);
  CHECK(open("").code == TTC_ERROR_ARGUMENT);
  std::string secret = directory / "secret";
  writeBytes(secret, "x");
  REQUIRE(::chmod(secret.c_str(), 0) == 0);
  if (::geteuid() != 0)
    CHECK(open(secret).code == TTC_ERROR_IO);
}

TEST_CASE("S43 other files under this name get a hint") {
  struct {
    const char *start, *hint;
  } cases[] = {{"version https://git-lfs.github.com/spec/v1\n", "git-lfs"},
               {"<!DOCTYPE html>", "HTML"},
               {"<html><body>", "HTML"},
               {"PK\x03\x04 and more", "zip"},
               {"GGUF\x03 and more", "GGUF"},
               {"{\"w\":{\"dtype\"", "length"}};
  for (auto &[start, hint] : cases) {
    Outcome outcome = openBytes(start + std::string(200, ' '));
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions(hint));
  }
}

TEST_CASE("S45 a file that is replaced or grows stays as it was mapped") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, safetensors(one("U8", "[4]", "[0,4]"), "old!"));
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
  writeBytes(directory / "new", "something else");
  std::filesystem::rename(directory / "new", path);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(weights, 0, &tensor, nullptr) == TTC_OK);
  CHECK(std::memcmp(tensor.data, "old!", 4) == 0);
  ttc_weights_close(weights);
}

TEST_CASE("S47 of a file of a terabyte only the header is read") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  const uint64_t terabyte = uint64_t(1) << 40;
  std::string text = std::to_string(terabyte);
  std::string bytes =
      safetensors(one("U8", "[" + text + "]", "[0," + text + "]"));
  writeBytes(path, bytes);
  if (::truncate(path.c_str(), static_cast<off_t>(bytes.size() + terabyte)) !=
      0) {
    MESSAGE("skipped: this file system has no room for a sparse terabyte");
    return;
  }
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(weights, 0, &tensor, nullptr) == TTC_OK);
  CHECK(tensor.shape[0] == static_cast<int64_t>(terabyte));
  CHECK(static_cast<const char *>(tensor.data)[terabyte - 1] == 0);
  ttc_weights_close(weights);
}

TEST_CASE("Metadata and tensors come in order of name") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, safetensors("{\"__metadata__\":{\"z\":\"1\",\"a\":\"2\"}," +
                                   entry("b", "U8", "[2,2]", "[0,4]") + "," +
                                   entry("a", "F32", "[]", "[4,8]") + "}",
                               eight));
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open(path.c_str(), &weights, nullptr) == TTC_OK);
  REQUIRE(ttc_weights_metadata_count(weights) == 2);
  const char *key, *value;
  REQUIRE(ttc_weights_metadata_at(weights, 0, &key, &value, nullptr) == TTC_OK);
  CHECK(std::string(key) == "a");
  CHECK(std::string(value) == "2");
  REQUIRE(ttc_weights_count(weights) == 2);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(weights, 1, &tensor, nullptr) == TTC_OK);
  CHECK(std::string(tensor.name) == "b");
  CHECK(tensor.rank == 2);
  CHECK(tensor.shape[1] == 2);
  CHECK(ttc_weights_at(weights, 2, &tensor, nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_metadata_at(weights, 2, &key, &value, nullptr) ==
        TTC_ERROR_ARGUMENT);
  ttc_weights_close(weights);
}

TEST_CASE("Tensors that are lent are checked") {
  Tensor good("a", {2, 2});
  auto outcome = [](std::vector<ttc_tensor> tensors) {
    ttc_weights *weights = nullptr;
    Outcome result = outcomeOf([&](ttc_error *error) {
      return ttc_weights_from_tensors(tensors.data(), tensors.size(), &weights,
                                      error);
    });
    ttc_weights_close(weights);
    return result;
  };
  CHECK(outcome({good.view()}).code == TTC_OK);
  CHECK(outcome({}).code == TTC_OK);
  CHECK(outcome({good.view(), good.view()}).mentions("[DuplicateKey]"));
  ttc_tensor wrong = good.view();
  wrong.name = nullptr;
  CHECK(outcome({wrong}).mentions("[EmptyName]"));
  wrong = good.view();
  wrong.dtype = 77;
  CHECK(outcome({wrong}).code == TTC_ERROR_DTYPE);
  wrong = good.view();
  wrong.rank = 65;
  CHECK(outcome({wrong}).code == TTC_ERROR_SHAPE);
  wrong = good.view();
  wrong.shape = nullptr;
  CHECK(outcome({wrong}).code == TTC_ERROR_SHAPE);
  wrong = good.view();
  wrong.data = nullptr;
  CHECK(outcome({wrong}).code == TTC_ERROR_ARGUMENT);
  const int64_t negative[] = {-1, 2};
  wrong = good.view();
  wrong.shape = negative;
  CHECK(outcome({wrong}).mentions("[Overflow]"));
}

TEST_CASE("A sentence that is too long is cut, its cause is not") {
  // A name of characters of two bytes: the cut must not halve one.
  std::string name;
  for (int i = 0; i < 2000; ++i)
    name += "\xC3\xA9";
  Outcome outcome = openBytes(
      safetensors("{" + entry(name, "F32", "[1]", "[0,8]") + "}", eight));
  CHECK(outcome.mentions("[SizeMismatch]"));
  CHECK(outcome.message.size() < sizeof(ttc_error::message));
}
