//===- StateFileTest.cpp - Does a states file keep its promises? ----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "support/Checksum.h"

#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

Outcome save(FakeSession &fake, const std::string &path) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_save(fake.session, path.c_str(), error);
  });
}

Outcome load(FakeSession &fake, const std::string &path, int flags = 0) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_load(fake.session, path.c_str(), flags, error);
  });
}

Outcome loadLatest(FakeSession &fake, const std::string &path, int &generation,
                   int flags = 0) {
  return outcomeOf([&](ttc_error *error) {
    return ttc_session_load_latest(fake.session, path.c_str(), flags,
                                   &generation, error);
  });
}

/// A states file of the fake model after some steps, as bytes.
std::string savedBytes(int steps, int64_t batch = 2) {
  TemporaryDirectory directory;
  FakeSession fake;
  for (int t = 0; t < steps; ++t)
    fake.step(batch, t);
  std::string path = directory / "s.safetensors";
  REQUIRE(save(fake, path).code == TTC_OK);
  return readBytes(path);
}

/// Loading these bytes must fail and change nothing.
Outcome refused(const std::string &bytes, int flags = 0) {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  writeBytes(path, bytes);
  FakeSession fake;
  fake.step(2, 7);
  std::vector<float> before = fake.states();
  Outcome outcome = load(fake, path, flags);
  CHECK(outcome.code != TTC_OK);
  CHECK(fake.states() == before);
  CHECK(ttc_session_timestep(fake.session) == 1);
  return outcome;
}

std::string replaced(std::string bytes, const std::string &from,
                     const std::string &to) {
  size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  return bytes.replace(at, from.size(), to);
}

/// Gives a file whose header was changed the right length and header checksum.
std::string sealed(std::string bytes, size_t oldHeader) {
  // What was changed moved the end of the header by as much.
  uint64_t length = oldHeader;
  std::memcpy(bytes.data(), &length, 8);
  const std::string key = "\"ttc.header_crc32c\":\"";
  size_t at = bytes.find(key) + key.size();
  bytes.replace(at, 8, "00000000");
  return bytes.replace(
      at, 8, ttc::checksumText(ttc::crc32c(bytes.data() + 8, length)));
}

uint64_t headerSize(const std::string &bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return length;
}

/// Replaces text in the header, and seals it again.
std::string edited(const std::string &bytes, const std::string &from,
                   const std::string &to) {
  return sealed(replaced(bytes, from, to),
                headerSize(bytes) + to.size() - from.size());
}

} // namespace

TEST_CASE("A states file has the form of format 1") {
  std::string bytes = savedBytes(3);
  uint64_t length = headerSize(bytes);
  CHECK((8 + length) % 64 == 0);
  std::string header = bytes.substr(8, length);
  std::string data = bytes.substr(8 + length);
  REQUIRE(data.size() == 64);
  auto crc = [&](size_t at) {
    return ttc::checksumText(ttc::crc32c(data.data() + at, 32));
  };
  std::string expected =
      "{\"__metadata__\":{\"ttc.absent_states\":\"[]\","
      "\"ttc.crc32c.net.1.mem\":\"" +
      crc(0) + "\",\"ttc.crc32c.net.1.syn\":\"" + crc(32) +
      "\",\"ttc.format_version\":\"1\",\"ttc.header_crc32c\":\"00000000\","
      "\"ttc.model\":\"" +
      std::string(64, '2') +
      "\",\"ttc.model_name\":\"fake\",\"ttc.schema\":\"" +
      std::string(64, '1') +
      "\",\"ttc.timestep\":\"3\","
      "\"ttc.weights_crc32c\":\"";
  size_t weightsAt = header.find("weights_crc32c\":\"") + 17;
  expected += header.substr(weightsAt, 8) +
              "\"},\"net.1.mem\":{\"dtype\":\"F32\",\"shape\":[2,4],"
              "\"data_offsets\":[0,32]},\"net.1.syn\":{\"dtype\":\"F32\","
              "\"shape\":[2,4],\"data_offsets\":[32,64]}}";
  expected.resize(length, ' ');
  std::string own = ttc::checksumText(ttc::crc32c(expected.data(), length));
  CHECK(header == replaced(expected, "header_crc32c\":\"00000000",
                           "header_crc32c\":\"" + own));
}

TEST_CASE("Equal states give equal bytes") {
  CHECK(savedBytes(5) == savedBytes(5));
  CHECK(savedBytes(5) != savedBytes(6));
}

TEST_CASE("A run that is resumed is the run without interruption, to the bit") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  for (int stop = 0; stop < 12; ++stop) {
    FakeSession whole, before, after;
    for (int t = 0; t < stop; ++t) {
      whole.step(3, t);
      before.step(3, t);
    }
    REQUIRE(save(before, path).code == TTC_OK);
    REQUIRE(load(after, path).code == TTC_OK);
    CHECK(ttc_session_timestep(after.session) == static_cast<uint64_t>(stop));
    for (int t = stop; t < stop + 5; ++t)
      CHECK(after.step(3, t) == whole.step(3, t));
    CHECK(after.states() == whole.states());
    CHECK(ttc_states_verify(path.c_str(), nullptr) == TTC_OK);
  }
}

TEST_CASE("K10 states that do not exist yet are recorded as such") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fresh, used;
  REQUIRE(save(fresh, path).code == TTC_OK);
  CHECK(
      readBytes(path).find(
          "\"ttc.absent_states\":\"[\\\"net.1.mem\\\",\\\"net.1.syn\\\"]\"") !=
      std::string::npos);
  used.step(2, 0);
  REQUIRE(load(used, path).code == TTC_OK);
  CHECK(ttc_session_batch(used.session) == TTC_BATCH);
  CHECK(ttc_session_timestep(used.session) == 0);
  CHECK(used.step(5, 1) == fresh.step(5, 1));
}

TEST_CASE("Every bit flip is refused") {
  std::string bytes = savedBytes(2);
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  fake.step(2, 7);
  std::vector<float> before = fake.states();
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      writeBytes(path, flipped);
      CAPTURE(at);
      CAPTURE(bit);
      Outcome outcome = load(fake, path);
      REQUIRE((outcome.code == TTC_ERROR_FORMAT ||
               outcome.code == TTC_ERROR_CHECKSUM));
      // Nor is it taken as a file that others made.
      REQUIRE(load(fake, path, TTC_LOAD_UNVERIFIED).code == outcome.code);
    }
  CHECK(fake.states() == before);
  CHECK(ttc_session_timestep(fake.session) == 1);
}

TEST_CASE("Every truncation is refused, and every extension") {
  std::string bytes = savedBytes(2);
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  fake.step(2, 7);
  std::vector<float> before = fake.states();
  for (size_t size = 0; size < bytes.size(); ++size) {
    writeBytes(path, bytes.substr(0, size));
    CAPTURE(size);
    REQUIRE(load(fake, path).code == TTC_ERROR_FORMAT);
  }
  for (const char *more : {" ", "x", "0000000000000000"}) {
    writeBytes(path, bytes + more);
    CHECK(load(fake, path).code == TTC_ERROR_FORMAT);
  }
  CHECK(fake.states() == before);
}

TEST_CASE("K11 the states of another model") {
  std::string other =
      edited(savedBytes(2), std::string(64, '2'), std::string(64, '3'));
  Outcome outcome = refused(other);
  CHECK(outcome.code == TTC_ERROR_FINGERPRINT);
  CHECK(outcome.mentions("[ModelMismatch]"));
  CHECK(outcome.mentions("TTC_LOAD_OTHER_MODEL"));
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  writeBytes(path, other);
  FakeSession fake;
  CHECK(load(fake, path, TTC_LOAD_OTHER_MODEL).code == TTC_OK);

  std::string table =
      edited(savedBytes(2), std::string(64, '1'), std::string(64, '4'));
  for (int flags : {0, int(TTC_LOAD_OTHER_MODEL), int(TTC_LOAD_LENIENT),
                    int(TTC_LOAD_UNVERIFIED)}) {
    outcome = refused(table, flags);
    CHECK(outcome.code == TTC_ERROR_FINGERPRINT);
    CHECK(outcome.mentions("[SchemaMismatch]"));
  }
  writeBytes(path, table);
  FakeSession lenient;
  CHECK(load(lenient, path, TTC_LOAD_LENIENT | TTC_LOAD_OTHER_MODEL).code ==
        TTC_OK);
}

TEST_CASE("K20 a generator that is not two numbers") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  MixedSession mixed;
  mixed.step(2, 0);
  REQUIRE(ttc_session_save(mixed.session, path.c_str(), nullptr) == TTC_OK);
  std::string bytes = readBytes(path);
  const std::string seed = "\"ttc.rng_seed\":\"";
  const std::string position = "\"ttc.rng_position\":\"";
  for (const char *wrong :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"}) {
    CAPTURE(wrong);
    Outcome outcome = refused(edited(bytes, seed + "0", seed + wrong));
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("[InvalidGenerator]"));
    CHECK(outcome.mentions("'ttc.rng_seed'"));
    outcome = refused(edited(bytes, position + "1", position + wrong));
    CHECK(outcome.mentions("'ttc.rng_position'"));
    CHECK(outcome.mentions("a number below 2^64 is expected"));
  }
  CHECK(refused(edited(bytes, seed + "0\",", ""))
            .mentions("has 'ttc.rng_position' without 'ttc.rng_seed'"));
  CHECK(refused(edited(bytes, position + "1\",", ""))
            .mentions("has 'ttc.rng_seed' without 'ttc.rng_position'"));
}

TEST_CASE("K12 a file of another version") {
  std::string bytes = savedBytes(2);
  Outcome outcome =
      refused(edited(bytes, "version\":\"1\"", "version\":\"2\""));
  CHECK(outcome.code == TTC_ERROR_VERSION);
  CHECK(outcome.mentions("'2'"));
  // Damage is not taken for another version.
  CHECK(refused(replaced(bytes, "version\":\"1\"", "version\":\"2\"")).code ==
        TTC_ERROR_CHECKSUM);
}

TEST_CASE("K13 checksums that are absent") {
  std::string bytes = savedBytes(2);
  const std::string one = "\"ttc.crc32c.net.1.mem\":\"";
  size_t at = bytes.find(one);
  std::string without = bytes;
  without.erase(at, one.size() + 10);
  without = sealed(without, headerSize(bytes) - one.size() - 10);
  Outcome outcome = refused(without);
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("'net.1.mem' has no checksum"));
  // In a file of ours that is never accepted.
  CHECK(refused(without, TTC_LOAD_UNVERIFIED).code == TTC_ERROR_CHECKSUM);

  // In one of others it is, on request.
  std::string data = bytes.substr(8 + headerSize(bytes));
  std::string foreign =
      safetensors("{\"__metadata__\":{\"format\":\"pt\"}," +
                      entry("net._modules[1].syn", "F32", "[2,4]", "[32,64]") +
                      "," + entry("net.1.mem", "F32", "[2,4]", "[0,32]") + "}",
                  data);
  outcome = refused(foreign);
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("TTC_LOAD_UNVERIFIED"));
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  writeBytes(path, foreign);
  FakeSession fake, original;
  original.step(2, 0);
  original.step(2, 1);
  REQUIRE(load(fake, path, TTC_LOAD_UNVERIFIED).code == TTC_OK);
  CHECK(fake.states() == original.states());
  CHECK(ttc_session_timestep(fake.session) == 0);
  CHECK(ttc_states_verify(path.c_str(), nullptr) == TTC_ERROR_CHECKSUM);
}

TEST_CASE("K14 K15 a checksum that is wrong") {
  std::string bytes = savedBytes(2);
  std::string damaged = bytes;
  damaged[damaged.size() - 1] ^= 1;
  Outcome outcome = refused(damaged);
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("[ChecksumMismatch]"));
  CHECK(outcome.mentions("'net.1.syn'"));
  outcome = refused(replaced(bytes, "\"fake\"", "\"fade\""));
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("[HeaderChecksumMismatch]"));
}

TEST_CASE("K1 K2 K4 K5 K8 in a file whose checksums are right") {
  std::string bytes = savedBytes(2);
  Outcome outcome =
      refused(edited(bytes, "\"net.1.mem\":{", "\"net.1.mex\":{"));
  // Its checksum has another name now.
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  outcome = refused(edited(edited(bytes, "\"net.1.mem\":{", "\"net.1.mex\":{"),
                           "ttc.crc32c.net.1.mem", "ttc.crc32c.net.1.mex"));
  CHECK(outcome.code == TTC_ERROR_UNEXPECTED);
  CHECK(outcome.mentions("'net.1.mex'"));
  CHECK(outcome.mentions("'net.1.mem' is missing"));
  CHECK(refused(edited(bytes, "\"shape\":[2,4]", "\"shape\":[8]"))
            .mentions("[RankMismatch]"));
  CHECK(refused(edited(bytes, "\"shape\":[2,4]", "\"shape\":[1,8]"))
            .mentions("[ShapeMismatch]"));
  outcome = refused(edited(bytes, "\"dtype\":\"F32\"", "\"dtype\":\"U32\""));
  CHECK(outcome.code == TTC_ERROR_DTYPE);
  CHECK(outcome.mentions("'net.1.mem' is U32"));
}

TEST_CASE("K20 a step count that is none") {
  std::string bytes = savedBytes(2);
  for (const char *count : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "two",
                            "18446744073709551616"}) {
    Outcome outcome =
        refused(edited(bytes, "timestep\":\"2\"",
                       std::string("timestep\":\"") + count + "\""));
    CAPTURE(outcome);
    CHECK(outcome.mentions("[InvalidTimestep]"));
  }
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  writeBytes(path, edited(bytes, "timestep\":\"2\"",
                          "timestep\":\"18446744073709551615\""));
  FakeSession fake;
  CHECK(load(fake, path).code == TTC_OK);
  CHECK(ttc_session_timestep(fake.session) == UINT64_MAX);
}

TEST_CASE("Absent states that make no sense") {
  std::string bytes = savedBytes(2);
  for (const char *list : {"", "[", "{}", "[1]", "net.1.mem"})
    CHECK(refused(edited(bytes, "absent_states\":\"[]\"",
                         std::string("absent_states\":\"") + list + "\""))
              .mentions("[InvalidMetadata]"));
  CHECK(refused(edited(bytes, "absent_states\":\"[]\"",
                       "absent_states\":\"[\\\"net.1.mem\\\"]\""))
            .mentions("recorded as not existing yet"));
  CHECK(refused(edited(bytes, "absent_states\":\"[]\"",
                       "absent_states\":\"[\\\"x\\\"]\""))
            .code == TTC_ERROR_UNEXPECTED);
}

TEST_CASE("K15 metadata that a file of ours must have, or must not") {
  std::string bytes = savedBytes(2);
  for (const std::string &pair :
       {"\"ttc.model\":\"" + std::string(64, '2') + "\",",
        "\"ttc.schema\":\"" + std::string(64, '1') + "\",",
        std::string("\"ttc.timestep\":\"2\","),
        std::string("\"ttc.absent_states\":\"[]\",")}) {
    Outcome outcome = refused(edited(bytes, pair, ""));
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("has no '" + pair.substr(1, pair.find(':') - 2)));
  }
  Outcome outcome =
      refused(edited(bytes, "\"ttc.format_version\"",
                     "\"ttc.crc32c.x\":\"00000000\",\"ttc.format_version\""));
  CHECK(outcome.code == TTC_ERROR_FORMAT);
  CHECK(outcome.mentions("'ttc.crc32c.x' of a tensor that is not there"));
  // A checksum of the header that is no checksum.
  const std::string key = "\"ttc.header_crc32c\":\"";
  size_t at = bytes.find(key) + key.size();
  std::string shorter = bytes;
  shorter.erase(at, 1);
  uint64_t length = headerSize(bytes) - 1;
  std::memcpy(shorter.data(), &length, 8);
  outcome = refused(shorter);
  CHECK(outcome.mentions("[HeaderChecksumMismatch]"));
  CHECK(outcome.mentions("is not written as format 1 asks"));
}

TEST_CASE("S39 a BOOL among the states that is neither 0 nor 1") {
  Outcome outcome = refused(
      safetensors("{" + entry("net.1.mem", "BOOL", "[2]", "[0,2]") + "}",
                  std::string("\1\2")),
      TTC_LOAD_UNVERIFIED);
  CHECK(outcome.mentions("[InvalidBool]"));
}

TEST_CASE("K16 S46 a file that is saved over and loaded by the same session") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake;
  for (int t = 0; t < 5; ++t) {
    fake.step(2, t);
    std::vector<float> states = fake.states();
    REQUIRE(save(fake, path).code == TTC_OK);
    REQUIRE(load(fake, path).code == TTC_OK);
    CHECK(fake.states() == states);
  }
}

TEST_CASE("The latest generation that verifies is loaded") {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  FakeSession fake, other;
  int generation = -1;
  CHECK(loadLatest(other, path, generation).code == TTC_ERROR_NOT_FOUND);
  CHECK(generation == -1);
  fake.step(2, 0);
  REQUIRE(save(fake, path).code == TTC_OK);
  std::vector<float> first = fake.states();
  fake.step(2, 1);
  REQUIRE(save(fake, path).code == TTC_OK);
  std::vector<float> second = fake.states();
  REQUIRE(loadLatest(other, path, generation).code == TTC_OK);
  CHECK(generation == 0);
  CHECK(other.states() == second);

  std::string good = readBytes(path);
  writeBytes(path, good.substr(0, good.size() - 1));
  REQUIRE(loadLatest(other, path, generation).code == TTC_OK);
  CHECK(generation == 1);
  CHECK(other.states() == first);
  fs::remove(path);
  REQUIRE(loadLatest(other, path, generation).code == TTC_OK);
  CHECK(generation == 1);
  // There is no newest, and the generation before is damaged.
  std::string whole = readBytes(path + ".prev");
  writeBytes(path + ".prev", whole.substr(1));
  CHECK(loadLatest(other, path, generation).code == TTC_ERROR_FORMAT);
  writeBytes(path + ".prev", whole);

  // Neither is whole: the newest is what the sentence begins with.
  writeBytes(path, "");
  writeBytes(path + ".prev", "");
  Outcome outcome = loadLatest(other, path, generation);
  CHECK(outcome.code == TTC_ERROR_FORMAT);
  CHECK(outcome.mentions("The generation before"));
  fs::remove(path + ".prev");
  CHECK(loadLatest(other, path, generation).code == TTC_ERROR_FORMAT);
  // A file of another model is whole: it does not make way.
  writeBytes(path + ".prev", good);
  writeBytes(path, edited(good, std::string(64, '2'), std::string(64, '3')));
  CHECK(loadLatest(other, path, generation).code == TTC_ERROR_FINGERPRINT);
}

TEST_CASE("K24 where no file can be") {
  TemporaryDirectory directory;
  FakeSession fake;
  int generation = -1;
  std::string loop = directory / "loop";
  REQUIRE(::symlink("loop", loop.c_str()) == 0);
  std::string dangling = directory / "dangling";
  REQUIRE(::symlink("nowhere", dangling.c_str()) == 0);
  std::string pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string &path : {directory / ".", loop, dangling, pipe}) {
    CAPTURE(path);
    CHECK(load(fake, path).code == TTC_ERROR_IO);
    CHECK(loadLatest(fake, path, generation).code == TTC_ERROR_IO);
    CHECK(save(fake, path).code == TTC_ERROR_IO);
  }
  CHECK(save(fake, directory / "no/s.safetensors").code == TTC_ERROR_IO);
  CHECK(save(fake, "").code == TTC_ERROR_ARGUMENT);
}
