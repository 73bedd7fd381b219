//===- ShardsTest.cpp - Which sharded checkpoints are refused? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"
#include "support/SystemCalls.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

/// A safetensors file of U8 tensors of four bytes each: the first two letters
/// of its name, twice.
std::string shardOf(const std::vector<std::string> &names) {
  std::string header, data;
  for (const std::string &name : names) {
    header += (header.empty() ? "" : ",") +
              entry(name, "U8", "[4]",
                    "[" + std::to_string(data.size()) + "," +
                        std::to_string(data.size() + 4) + "]");
    data += name.substr(0, 2) + name.substr(0, 2);
  }
  return safetensors("{" + header + "}", data);
}

/// The same, as torch.save writes it.
std::string torchShardOf(const std::vector<std::string> &names) {
  std::vector<std::string> pairs;
  std::string data;
  const int64_t size = static_cast<int64_t>(4 * names.size());
  for (const std::string &name : names) {
    pairs.push_back(text(name));
    pairs.push_back(tensor(storage("0", size, "ByteStorage"),
                           static_cast<int64_t>(data.size()), {4}, {1}));
    data += name.substr(0, 2) + name.substr(0, 2);
  }
  ZipWriter writer = torchArchive(pickle(dict(pairs)));
  writer["data/0"].data = data;
  return writer.bytes();
}

/// A directory with a checkpoint of two shards.
struct Checkpoint {
  TemporaryDirectory directory;
  std::string path = directory / "model.safetensors.index.json";

  Checkpoint() {
    write("m1.safetensors", shardOf({"aa", "bb"}));
    write("m2.safetensors", shardOf({"cc"}));
    index(right());
  }
  static std::string right() {
    return "\"aa\":\"m1.safetensors\",\"cc\":\"m2.safetensors\","
           "\"bb\":\"m1.safetensors\"";
  }
  void write(const std::string &name, const std::string &bytes) const {
    writeBytes(directory / name, bytes);
  }
  void index(const std::string &map) const {
    writeBytes(path, "{\"metadata\":{\"total_size\":12},\"weight_map\":{" +
                         map + "}}");
  }
  void remove(const std::string &name) const {
    REQUIRE(fs::remove(directory / name));
  }

  /// On success the message is the note, and all tensors have been looked at.
  Outcome open(int flags = 0, std::string *names = nullptr) const {
    ttc_weights *weights = nullptr;
    ttc_error error = {};
    ttc_status status =
        ttc_weights_open_with(path.c_str(), flags, &weights, &error);
    CHECK(error.code == status);
    if (status != TTC_OK) {
      CHECK(weights == nullptr);
      return {status, error.message};
    }
    for (size_t i = 0; i < ttc_weights_count(weights); ++i) {
      ttc_tensor tensor;
      REQUIRE(ttc_weights_at(weights, i, &tensor, nullptr) == TTC_OK);
      if (names)
        *names += std::string(tensor.name) + " ";
      if (tensor.data)
        CHECK(std::memcmp(tensor.data, tensor.name, 2) == 0);
    }
    ttc_weights_close(weights);
    return {status, error.message};
  }

  void refuses(const char *cause, const char *what, int flags = 0) const {
    Outcome outcome = open(flags);
    CAPTURE(outcome);
    CHECK(outcome.code != TTC_OK);
    CHECK(outcome.mentions(std::string("[") + cause + "]"));
    CHECK(outcome.mentions(what));
  }
};

ttc::SystemCalls real = ttc::systemCalls;

/// Puts the system's calls back.
struct Restore {
  ~Restore() { ttc::systemCalls = real; }
};

} // namespace

TEST_CASE("A checkpoint of several shards is one set of tensors") {
  Checkpoint checkpoint;
  for (int flags : {0, int(TTC_WEIGHTS_META), int(TTC_WEIGHTS_COPY),
                    int(TTC_WEIGHTS_VERIFY), int(TTC_WEIGHTS_LENIENT)}) {
    std::string names;
    Outcome outcome = checkpoint.open(flags, &names);
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_OK);
    CHECK(outcome.message.empty());
    CHECK(names == "aa bb cc ");
  }
}

TEST_CASE("A shard is opened when a tensor of it is asked for") {
  Checkpoint checkpoint;
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open(checkpoint.path.c_str(), &weights, nullptr) ==
          TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_find(weights, "cc", &tensor, nullptr) == TTC_OK);
  // What is open stays as it was; what is not must be the file that it was.
  checkpoint.write("new", shardOf({"xx", "yy"}));
  fs::rename(checkpoint.directory / "new",
             checkpoint.directory / "m1.safetensors");
  checkpoint.remove("m2.safetensors");
  CHECK(std::memcmp(tensor.data, "cccc", 4) == 0);
  REQUIRE(ttc_weights_find(weights, "cc", &tensor, nullptr) == TTC_OK);
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_weights_find(weights, "aa", &tensor, error);
  });
  CHECK(outcome.code == TTC_ERROR_IO);
  CHECK(outcome.mentions("[FileChanged]"));
  CHECK(outcome.mentions("m1.safetensors"));
  ttc_weights_close(weights);
}

TEST_CASE("S44 shards that were read survive their loss") {
  Checkpoint checkpoint;
  ttc_weights *weights = nullptr;
  REQUIRE(ttc_weights_open_with(checkpoint.path.c_str(), TTC_WEIGHTS_COPY,
                                &weights, nullptr) == TTC_OK);
  fs::resize_file(checkpoint.directory / "m1.safetensors", 0);
  checkpoint.remove("m2.safetensors");
  ttc_tensor tensor;
  for (const char *name : {"aa", "bb", "cc"}) {
    REQUIRE(ttc_weights_find(weights, name, &tensor, nullptr) == TTC_OK);
    CHECK(std::memcmp(tensor.data, name, 2) == 0);
  }
  ttc_weights_close(weights);
}

TEST_CASE("H1 an index that is no JSON, too large, or says a thing twice") {
  Checkpoint checkpoint;
  for (const char *text :
       {"{", "{\"weight_map\":{\"a\":\"b\"},}", "{\"weight_map\":{}} x", "",
        " ", "[1]", "null", "\xEF\xBB\xBF{}",
        "{\"weight_map\":{\"a\":\"b\",\"a\":\"b\"}}",
        "{\"weight_map\":{\"a\":\"b\",\"\\u0061\":\"c\"}}",
        "{\"weight_map\":{\"a\":\"b\"},\"weight_map\":{\"a\":\"b\"}}",
        "{\"metadata\":{},\"metadata\":{},\"weight_map\":{\"a\":\"b\"}}",
        "{\"metadata\":{\"total_size\":1,\"total_size\":1},"
        "\"weight_map\":{\"a\":\"b\"}}"}) {
    CAPTURE(text);
    writeBytes(checkpoint.path, text);
    checkpoint.refuses("BadIndex", "index.json");
  }
  // The parser alone would take it for the end.
  writeBytes(checkpoint.path,
             "{\"weight_map\":{\"a\":\"b\"}}" + std::string(1, '\0') + "x");
  checkpoint.refuses("BadIndex", "byte 25, there is a zero byte");
  // Nothing of it is allocated, or nested.
  writeBytes(checkpoint.path, "{\"metadata\":" + std::string(1'000'000, '['));
  checkpoint.refuses("BadIndex", "deeper");
  writeBytes(checkpoint.path, "{");
  fs::resize_file(checkpoint.path, (64u << 20) + 1);
  checkpoint.refuses("BadIndex", "67108865 bytes");
}

TEST_CASE("H2 an index without a weight_map") {
  Checkpoint checkpoint;
  for (const char *text :
       {"{}", "{\"metadata\":{\"weight_map\":{\"a\":\"b\"}}}",
        "{\"weight_map\":{}}", "{\"weight_map\":[]}", "{\"weight_map\":null}",
        "{\"weight_map\":\"a\"}", "{\"weight_map\":1}"}) {
    CAPTURE(text);
    writeBytes(checkpoint.path, text);
    checkpoint.refuses("BadIndex", "weight_map");
  }
}

TEST_CASE("H3 a shard that has no name") {
  Checkpoint checkpoint;
  for (const char *value :
       {"\"\"", "1", "-1", "1.5", "null", "true", "{}", "[]"}) {
    CAPTURE(value);
    checkpoint.index(std::string("\"aa\":") + value);
    checkpoint.refuses("BadShardName", "'aa'");
  }
}

TEST_CASE("H4 a shard that lies elsewhere") {
  Checkpoint checkpoint;
  for (const char *name :
       {"../x", "a/../../x", "/etc/passwd", "C:\\\\x", "a\\\\b", "a\\u0000b",
        "https://x/y", "~/x", "~x", ".", "..", "sub/x", "a\\nb"}) {
    CAPTURE(name);
    checkpoint.index(std::string("\"aa\":\"") + name + "\"");
    checkpoint.refuses("ShardPathEscape", "'aa'");
  }
  checkpoint.index("\"aa\":\"" + std::string(256, 'n') + "\"");
  checkpoint.refuses("ShardPathEscape", "256 bytes");
}

TEST_CASE("H4 a symbolic link that leads elsewhere") {
  Checkpoint checkpoint;
  const std::string shard = checkpoint.directory / "m1.safetensors";
  TemporaryDirectory elsewhere;
  writeBytes(elsewhere / "m1", shardOf({"aa", "bb"}));
  fs::create_directory(checkpoint.directory / "blobs");
  fs::rename(shard, checkpoint.directory / "blobs/m1");
  for (const std::string &target :
       {elsewhere / "m1", std::string("blobs/m1"), std::string("../x"),
        std::string("../../x"), std::string("../../blobs/../x"),
        std::string("../../blobs/"), std::string("../blobs/m1")}) {
    CAPTURE(target);
    fs::create_symlink(target, shard);
    checkpoint.refuses("ShardPathEscape", "m1.safetensors");
    checkpoint.remove("m1.safetensors");
  }
  // Of one step only, and not to itself.
  fs::rename(checkpoint.directory / "blobs/m1", checkpoint.directory / "m");
  fs::create_symlink("m", checkpoint.directory / "link");
  fs::create_symlink("link", shard);
  checkpoint.refuses("ShardPathEscape", "a symbolic link itself");
  checkpoint.remove("m1.safetensors");
  fs::create_symlink("m1.safetensors", shard);
  checkpoint.refuses("ShardPathEscape", "a symbolic link itself");
  checkpoint.remove("m1.safetensors");
  fs::create_symlink("m", shard);
  CHECK(checkpoint.open().code == TTC_OK);
}

TEST_CASE("H4 a downloaded snapshot leads into its store of blobs") {
  TemporaryDirectory directory;
  fs::create_directories(directory / "snapshots/rev");
  fs::create_directory(directory / "blobs");
  std::string snapshot = directory / "snapshots/rev/";
  writeBytes(directory / "blobs/1", shardOf({"aa"}));
  writeBytes(directory / "blobs/i",
             "{\"weight_map\":{\"aa\":\"m1.safetensors\"}}");
  fs::create_symlink("../../blobs/1", snapshot + "m1.safetensors");
  std::string index = snapshot + "model.safetensors.index.json";
  fs::create_symlink("../../blobs/i", index);
  ttc_weights *weights = nullptr;
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_weights_open(index.c_str(), &weights, error);
  });
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_find(weights, "aa", &tensor, nullptr) == TTC_OK);
  CHECK(std::memcmp(tensor.data, "aaaa", 4) == 0);
  ttc_weights_close(weights);
  // A blob that is not there yet is a shard that is missing.
  fs::remove(directory / "blobs/1");
  outcome = outcomeOf([&](ttc_error *error) {
    return ttc_weights_open(index.c_str(), &weights, error);
  });
  CHECK(outcome.mentions("[MissingShard]"));
}

TEST_CASE("H5 H20 shards that are missing are all named") {
  Checkpoint checkpoint;
  checkpoint.remove("m1.safetensors");
  checkpoint.remove("m2.safetensors");
  checkpoint.refuses("MissingShard", "'m1.safetensors', 'm2.safetensors'");
  CHECK(checkpoint.open().code == TTC_ERROR_MISSING);
  checkpoint.write("m2.safetensors.incomplete", "x");
  checkpoint.refuses("MissingShard",
                     "'m2.safetensors.incomplete' is what a download");
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"s" +
            std::to_string(i) + "\"";
  checkpoint.index(many);
  checkpoint.refuses("MissingShard", "and 984 more");
}

TEST_CASE("H6 a tensor that is in another shard") {
  Checkpoint checkpoint;
  checkpoint.index("\"aa\":\"m1.safetensors\",\"bb\":\"m2.safetensors\","
                   "\"cc\":\"m2.safetensors\"");
  checkpoint.refuses(
      "KeyInWrongShard",
      "'bb' is listed for 'm2.safetensors', but is in 'm1.safetensors'");
  checkpoint.refuses("KeyInWrongShard", "'bb'", TTC_WEIGHTS_LENIENT);
}

TEST_CASE("H7 a tensor that is in no shard") {
  Checkpoint checkpoint;
  checkpoint.index(Checkpoint::right() + ",\"dd\":\"m1.safetensors\"");
  checkpoint.refuses("MissingKey",
                     "'dd', listed for 'm1.safetensors', is in no shard");
  checkpoint.refuses("MissingKey", "'dd'", TTC_WEIGHTS_LENIENT);
  std::string many = Checkpoint::right();
  for (int i = 0; i < 100'000; ++i)
    many += ",\"d" + std::to_string(i) + "\":\"m1.safetensors\"";
  checkpoint.index(many);
  CHECK(checkpoint.open().code == TTC_ERROR_MISSING);
}

TEST_CASE("H8 a tensor that the index does not name") {
  Checkpoint checkpoint;
  checkpoint.index("\"aa\":\"m1.safetensors\",\"cc\":\"m2.safetensors\"");
  checkpoint.refuses("UnindexedKey", "'bb' in 'm1.safetensors'");
  std::string names;
  CHECK(checkpoint.open(TTC_WEIGHTS_LENIENT, &names).code == TTC_OK);
  CHECK(names == "aa cc ");
}

TEST_CASE("H9 a tensor that is in two shards") {
  Checkpoint checkpoint;
  checkpoint.write("m2.safetensors", shardOf({"bb", "cc"}));
  checkpoint.refuses("DuplicateKeyAcrossShards",
                     "'bb' is in 'm1.safetensors' and in 'm2.safetensors'");
  std::string names;
  CHECK(checkpoint.open(TTC_WEIGHTS_LENIENT, &names).code == TTC_OK);
  CHECK(names == "aa bb cc ");
}

TEST_CASE("H10 a shard that is damaged") {
  Checkpoint checkpoint;
  checkpoint.write("m2.safetensors", shardOf({"cc"}) + "x");
  checkpoint.refuses("ShardError", "(IncompleteBuffer)");
  checkpoint.refuses("ShardError", "m2.safetensors");
  checkpoint.write("m2.safetensors", readBytes(checkpoint.path));
  checkpoint.refuses("ShardError", "HeaderTooLarge");
  checkpoint.index(Checkpoint::right() + ",\"dd\":\"m3\"");
  checkpoint.write("m2.safetensors", shardOf({"cc"}));
  checkpoint.write("m3", readBytes(checkpoint.path));
  checkpoint.refuses("ShardError", "is an index itself");
}

TEST_CASE("H11 a total size that is not that of the tensors") {
  Checkpoint checkpoint;
  auto withTotal = [&](const std::string &total) {
    writeBytes(checkpoint.path, "{\"metadata\":{" + total +
                                    "},\"weight_map\":{" + Checkpoint::right() +
                                    "}}");
    return checkpoint.open();
  };
  CHECK(withTotal("").message.empty());
  CHECK(withTotal("\"total_size\":12").message.empty());
  CHECK(withTotal("\"total_size\":12.0,\"x\":[{\"total_size\":1}]")
            .message.empty());
  Outcome outcome = withTotal("\"total_size\":13");
  CHECK(outcome.code == TTC_OK);
  CHECK(outcome.mentions("counts 13 bytes of tensors, its shards have 12"));
}

TEST_CASE("H12 numbers of shards that are not all there") {
  Checkpoint checkpoint;
  auto named = [&](const std::string &first, const std::string &second) {
    checkpoint.write(first, shardOf({"aa"}));
    checkpoint.write(second, shardOf({"bbbb"}));
    checkpoint.index("\"aa\":\"" + first + "\",\"bbbb\":\"" + second + "\"");
    Outcome outcome = checkpoint.open();
    CHECK(outcome.code == TTC_OK);
    return outcome;
  };
  CHECK_FALSE(
      named("m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors")
          .mentions("numbered"));
  CHECK(named("m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors")
            .mentions("are numbered as 2 of 3"));
  CHECK(named("m-00001-of-00002.safetensors", "m-00002-of-00003.safetensors")
            .mentions("parts of 2 and of 3"));
  CHECK_FALSE(
      named("m-of-x", "m-1-of-99999999999999999999").mentions("numbered"));
}

TEST_CASE("H13 shards of both formats") {
  Checkpoint checkpoint;
  checkpoint.write("m2.bin", torchShardOf({"cc"}));
  checkpoint.index("\"aa\":\"m1.safetensors\",\"bb\":\"m1.safetensors\","
                   "\"cc\":\"m2.bin\"");
  checkpoint.refuses("MixedFormats", "'m1.safetensors' and 'm2.bin'");
  std::string names;
  Outcome outcome = checkpoint.open(TTC_WEIGHTS_LENIENT, &names);
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_OK);
  CHECK(names == "aa bb cc ");
  // All of the other format is as good.
  checkpoint.write("m1.bin", torchShardOf({"aa", "bb"}));
  checkpoint.index("\"aa\":\"m1.bin\",\"bb\":\"m1.bin\",\"cc\":\"m2.bin\"");
  CHECK(checkpoint.open().code == TTC_OK);
}

TEST_CASE("H14 of two indexes, that which is named is opened") {
  Checkpoint checkpoint;
  checkpoint.write("p.bin", torchShardOf({"zz"}));
  std::string torch = checkpoint.directory / "pytorch_model.bin.index.json";
  writeBytes(torch, "{\"weight_map\":{\"zz\":\"p.bin\"}}");
  std::string names;
  CHECK(checkpoint.open(0, &names).code == TTC_OK);
  checkpoint.path = torch;
  CHECK(checkpoint.open(0, &names).code == TTC_OK);
  CHECK(names == "aa bb cc zz ");
  // For the directory itself, the advice is always the same.
  checkpoint.path = checkpoint.directory / ".";
  checkpoint.refuses("NotRegularFile", "/./model.safetensors.index.json'");
}

TEST_CASE("H15 many shards do not need many open files") {
  Checkpoint checkpoint;
  std::string map;
  constexpr int count = 2000;
  for (int i = 0; i < count; ++i) {
    std::string name = std::to_string(1000 + i), file = "s" + name;
    checkpoint.write(file, shardOf({name}));
    map += (i ? ",\"" : "\"") + name + "\":\"" + file + "\"";
  }
  checkpoint.index(map);
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  Outcome outcome = checkpoint.open();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_OK);
}

TEST_CASE("H15 no room for an open file is not a missing shard") {
  Checkpoint checkpoint;
  Restore restore;
  for (int reason : {EMFILE, ENFILE, EACCES, EIO}) {
    static int failure;
    failure = reason;
    ttc::systemCalls.openat = [](int, const char *, int) {
      errno = failure;
      return -1;
    };
    Outcome outcome = checkpoint.open();
    CAPTURE(outcome);
    CHECK(outcome.code == TTC_ERROR_IO);
    CHECK(outcome.mentions("m1.safetensors"));
  }
  ttc::systemCalls = real;
  ttc::systemCalls.readlinkat = [](int, const char *, char *,
                                   size_t) -> ssize_t {
    errno = EIO;
    return -1;
  };
  checkpoint.remove("m1.safetensors");
  fs::create_symlink("m2.safetensors", checkpoint.directory / "m1.safetensors");
  CHECK(checkpoint.open().code == TTC_ERROR_IO);
}

TEST_CASE("H16 a shard that is no regular file") {
  Checkpoint checkpoint;
  checkpoint.remove("m2.safetensors");
  fs::create_directory(checkpoint.directory / "m2.safetensors");
  checkpoint.refuses("NotRegularFile", "a directory");
  checkpoint.remove("m2.safetensors");
  REQUIRE(::mkfifo((checkpoint.directory / "m2.safetensors").c_str(), 0600) ==
          0);
  checkpoint.refuses("NotRegularFile", "a pipe");
}

TEST_CASE("H17 an index that is a pointer of git-lfs") {
  Checkpoint checkpoint;
  writeBytes(checkpoint.path, "version https://git-lfs.github.com/spec/v1\n");
  checkpoint.refuses("BadIndex", "git lfs pull");
}

TEST_CASE("H18 one file under two names is one shard") {
  Checkpoint checkpoint;
  fs::create_hard_link(checkpoint.directory / "m1.safetensors",
                       checkpoint.directory / "m3.safetensors");
  checkpoint.index("\"aa\":\"m1.safetensors\",\"bb\":\"m3.safetensors\","
                   "\"cc\":\"m2.safetensors\"");
  Outcome outcome = checkpoint.open();
  CAPTURE(outcome);
  CHECK(outcome.code == TTC_OK);
}

TEST_CASE("H19 names that differ in case are different names") {
  Checkpoint checkpoint;
  checkpoint.write("M1.safetensors", shardOf({"dd"}));
  if (readBytes(checkpoint.directory / "m1.safetensors") == shardOf({"dd"})) {
    MESSAGE("skipped: this file system takes them for one");
    return;
  }
  checkpoint.index(Checkpoint::right() + ",\"dd\":\"M1.safetensors\"");
  std::string names;
  CHECK(checkpoint.open(0, &names).code == TTC_OK);
  CHECK(names == "aa bb cc dd ");
  checkpoint.index("\"aa\":\"M2.SAFETENSORS\"");
  checkpoint.refuses("MissingShard", "'M2.SAFETENSORS'");
}
