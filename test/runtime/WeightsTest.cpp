//===- WeightsTest.cpp - What kinds of weights files are there? -----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace {

/// Sanitizers have memory of their own, and code that is not optimised is slow.
#if !defined(TTC_SANITIZED) && defined(__OPTIMIZE__)
constexpr bool asReleased = true;
#else
constexpr bool asReleased = false;
#endif

const std::string four = "\1\2\3\4";
const std::string oneTensor = entry("w", "U8", "[4]", "[0,4]");

/// Weights that close themselves.
struct Opened {
  ttc_weights *weights = nullptr;
  Outcome outcome;

  explicit Opened(const std::string &path, int flags = 0) {
    ttc_error error = {};
    outcome.code = ttc_weights_open_with(path.c_str(), flags, &weights, &error);
    outcome.message = error.message;
    CHECK(error.code == outcome.code);
    CHECK((weights == nullptr) == (outcome.code != TTC_OK));
  }
  Opened(const Opened &) = delete;
  ~Opened() { ttc_weights_close(weights); }

  ttc_tensor find(const std::string &name) const {
    ttc_tensor tensor;
    CAPTURE(outcome);
    REQUIRE(ttc_weights_find(weights, name.c_str(), &tensor, nullptr) ==
            TTC_OK);
    return tensor;
  }
};

/// The bytes of memory that are this process's now.
uint64_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t grown(uint64_t before) {
  uint64_t now = residentBytes();
  return now > before ? now - before : 0;
}

double secondsOf(const std::chrono::steady_clock::time_point &start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A checkpoint of `count` tensors of F32, of which nothing but the header is
/// on disk. False where a file cannot be that large.
bool writeSparse(const std::string &path, uint64_t count, uint64_t size) {
  std::string header = "{";
  for (uint64_t i = 0; i < count; ++i)
    header +=
        (i ? "," : "") + entry("layers." + std::to_string(i) + ".weight", "F32",
                               "[" + std::to_string(size / 4) + "]",
                               "[" + std::to_string(i * size) + "," +
                                   std::to_string((i + 1) * size) + "]");
  std::string bytes = safetensors(header + "}");
  writeBytes(path, bytes);
  return ::truncate(path.c_str(),
                    static_cast<off_t>(bytes.size() + count * size)) == 0;
}

/// How many pages of these bytes are in memory.
size_t pagesInMemory(const void *data, size_t size) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) / page * page;
  size_t length = reinterpret_cast<uintptr_t>(data) + size - begin;
  std::vector<unsigned char> pages((length + page - 1) / page);
  REQUIRE(::mincore(reinterpret_cast<void *>(begin), length, pages.data()) ==
          0);
  return static_cast<size_t>(
      std::count_if(pages.begin(), pages.end(),
                    [](unsigned char state) { return state & 1; }));
}

} // namespace

TEST_CASE(
    "S43 P48 the content says what a file is, the name must not deny it") {
  TemporaryDirectory directory;
  const std::string tensors = safetensors("{" + oneTensor + "}", four);
  const std::string torch = goodArchive().bytes();
  writeBytes(directory / "m1", tensors);
  const std::string index = " \n{\"weight_map\":{\"w\":\"m1\"}}";
  struct {
    const char *name;
    const std::string &bytes;
    const char *refusal; ///< null where it is opened
  } cases[] = {
      {"a.safetensors", tensors, nullptr},
      {"a.pt", torch, nullptr},
      {"a.pth", torch, nullptr},
      {"a.bin", torch, nullptr},
      {"a.ckpt", torch, nullptr},
      {"a.json", index, nullptr},
      {"tensors", tensors, nullptr},
      {"tensors.prev", tensors, nullptr},
      {"torch", torch, nullptr},
      {"index", index, nullptr},
      {"b.bin", tensors, "rename it so that it ends in '.safetensors'"},
      {"b.pt", tensors, "rename it so that it ends in '.safetensors'"},
      {"b.safetensors", torch, "rename it so that it ends in '.pt'"},
      {"b.json", torch, "rename it so that it ends in '.pt'"},
      {"b.json", tensors, "rename it so that it ends in '.safetensors'"},
      {"b.pth", index, "rename it so that it ends in '.index.json'"}};
  for (auto &each : cases) {
    writeBytes(directory / each.name, each.bytes);
    Opened opened(directory / each.name);
    CAPTURE(each.name);
    CAPTURE(opened.outcome);
    CHECK(opened.outcome.code == (each.refusal ? TTC_ERROR_FORMAT : TTC_OK));
    if (each.refusal) {
      CHECK(opened.outcome.mentions("[FormatMismatch]"));
      CHECK(opened.outcome.mentions(each.refusal));
    }
  }
}

TEST_CASE("S43 what is no weights file, under each name") {
  struct {
    std::string start;
    const char *hint;
  } cases[] = {{"version https://git-lfs.github.com/spec/v1\n", "git-lfs"},
               {"<!DOCTYPE html>", "HTML"},
               {"GGUF\x03 and more", "GGUF"},
               {"\x89HDF\r\n\x1a\n", "HDF5"},
               {"\x93NUMPY\x01", "NumPy"},
               {"\x1f\x8b\x08", "gzip"},
               {std::string(257, 'a') + "ustar", "tar"},
               {"\x80\x02}q", "weights_only"}};
  TemporaryDirectory directory;
  for (const char *name : {"w.safetensors", "w", "w.index.json"})
    for (auto &[start, hint] : cases) {
      writeBytes(directory / name, start + std::string(300, ' '));
      Opened opened(directory / name);
      CAPTURE(name);
      CAPTURE(opened.outcome);
      CHECK(opened.outcome.code == TTC_ERROR_FORMAT);
      CHECK(opened.outcome.mentions(hint));
    }
  for (auto &[start, hint] : cases) {
    writeBytes(directory / "w.pt", start + std::string(300, ' '));
    CHECK(Opened(directory / "w.pt").outcome.code == TTC_ERROR_FORMAT);
  }
}

TEST_CASE("Flags that do not exist, and null arguments") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, safetensors("{" + oneTensor + "}", four));
  CHECK(Opened(path, 16).outcome.mentions("[UnknownFlag]"));
  CHECK(Opened(path, -1).outcome.code == TTC_ERROR_ARGUMENT);
  ttc_weights *weights = nullptr;
  CHECK(ttc_weights_open_with(nullptr, 0, &weights, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_open_with(path.c_str(), 0, nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
  Opened opened(path);
  ttc_tensor tensor;
  CHECK(ttc_weights_find(nullptr, "w", &tensor, nullptr) == TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_find(opened.weights, nullptr, &tensor, nullptr) ==
        TTC_ERROR_ARGUMENT);
  CHECK(ttc_weights_find(opened.weights, "w", nullptr, nullptr) ==
        TTC_ERROR_ARGUMENT);
}

TEST_CASE("A tensor is found by its name") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  writeBytes(path, safetensors("{" + oneTensor + "}", four));
  for (int flags : {0, int(TTC_WEIGHTS_COPY), int(TTC_WEIGHTS_VERIFY)}) {
    Opened opened(path, flags);
    CHECK(std::memcmp(opened.find("w").data, four.data(), 4) == 0);
    ttc_tensor tensor = {};
    Outcome outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_find(opened.weights, "v", &tensor, error);
    });
    CHECK(outcome.code == TTC_ERROR_MISSING);
    CHECK(outcome.mentions("no tensor 'v' among the 1 of "));
    CHECK(tensor.name == nullptr);
  }
}

TEST_CASE("Without data there are names, dtypes and shapes") {
  TemporaryDirectory directory;
  writeBytes(directory / "w.safetensors",
             safetensors("{" + oneTensor + "}", four));
  writeBytes(directory / "w.pt", goodArchive().bytes());
  for (const char *name : {"w.safetensors", "w.pt"}) {
    Opened opened(directory / name, TTC_WEIGHTS_META | TTC_WEIGHTS_COPY);
    ttc_tensor tensor = opened.find("w");
    CHECK(tensor.rank > 0);
    CHECK(tensor.data == nullptr);
    CHECK(std::string(ttc_weights_device(opened.weights)) == "meta");
    CHECK(ttc_weights_save(opened.weights, (directory / "x").c_str(),
                           nullptr) == TTC_ERROR_ARGUMENT);
    CHECK_FALSE(fileExists(directory / "x"));
  }
}

TEST_CASE("Tensors that torch.save wrote, dense or not") {
  TemporaryDirectory directory;
  std::string path = directory / "w.pt";
  ZipWriter writer = torchArchive(
      pickle(dict({text("w"), tensor(), text("transposed"),
                   tensor(storage("0", 6), 0, {3, 2}, {1, 3}), text("odd"),
                   tensor(storage("0", 6), 1, {2}, {3}), text("same"),
                   tensor(storage("0", 6), 2, {2, 2}, {0, 1}), text("scalar"),
                   tensor(storage("0", 6), 5, {}, {}), text("empty"),
                   tensor(storage("0", 6), 0, {0, 3}, {1, 9})})));
  const float values[] = {1, 2, 3, 4, 5, 6};
  writer["data/0"].data.assign(reinterpret_cast<const char *>(values),
                               sizeof(values));
  writeBytes(path, writer.bytes());
  Opened opened(path, TTC_WEIGHTS_VERIFY);
  auto check = [](const Opened &weights, const char *name,
                  const std::vector<float> &expected) {
    ttc_tensor tensor = weights.find(name);
    CAPTURE(name);
    CHECK(tensor.dtype == TTC_DTYPE_F32);
    REQUIRE(reinterpret_cast<uintptr_t>(tensor.data) % 4 == 0);
    CHECK(std::vector<float>(static_cast<float *>(tensor.data),
                             static_cast<float *>(tensor.data) +
                                 expected.size()) == expected);
    CHECK(weights.find(name).data == tensor.data);
  };
  auto checkAll = [&](const Opened &weights) {
    REQUIRE(ttc_weights_count(weights.weights) == 6);
    check(weights, "w", {1, 2, 3, 4, 5, 6});
    check(weights, "transposed", {1, 4, 2, 5, 3, 6});
    check(weights, "odd", {2, 5});
    check(weights, "same", {3, 4, 3, 4});
    check(weights, "scalar", {6});
    check(weights, "empty", {});
  };
  checkAll(opened);
  // What is written is dense, and a file that others read too.
  std::string saved = directory / "w.safetensors";
  REQUIRE(ttc_weights_save(opened.weights, saved.c_str(), nullptr) == TTC_OK);
  checkAll(Opened(saved));
  ttc_weights *placed = nullptr;
  REQUIRE(ttc_weights_place(opened.weights, "cpu", &placed, nullptr) == TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_find(placed, "odd", &tensor, nullptr) == TTC_OK);
  CHECK(static_cast<float *>(tensor.data)[1] == 5);
  ttc_weights_close(placed);
}

TEST_CASE("P18 the data's checksums are compared if that is asked for") {
  TemporaryDirectory directory;
  std::string path = directory / "w.pt";
  ZipWriter writer = goodArchive();
  writer["data/0"].checksum = 12345;
  writeBytes(path, writer.bytes());
  CHECK(Opened(path).outcome.code == TTC_OK);
  CHECK(
      Opened(path, TTC_WEIGHTS_VERIFY).outcome.mentions("[ChecksumMismatch]"));
}

TEST_CASE("A dtype that only torch has, and names that deny the format") {
  TemporaryDirectory directory;
  std::string path = directory / "w.pt";
  ZipWriter writer = torchArchive(
      pickle(dict({text("w"), tensor(storage("0", 1, "ComplexDoubleStorage"), 0,
                                     {1}, {1})})));
  writer["data/0"].data = std::string(16, 'c');
  writeBytes(path, writer.bytes());
  Opened opened(path);
  CAPTURE(opened.outcome);
  REQUIRE(opened.outcome.code == TTC_OK);
  CHECK(opened.find("w").dtype == 0);
  Outcome outcome = outcomeOf([&](ttc_error *error) {
    return ttc_weights_save(opened.weights, (directory / "x").c_str(), error);
  });
  CHECK(outcome.code == TTC_ERROR_DTYPE);
  CHECK(outcome.mentions("[UnsupportedDType]"));
  for (const char *name : {"x.pt", "x.bin", "x.json"}) {
    outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_save(opened.weights, (directory / name).c_str(),
                              error);
    });
    CHECK(outcome.mentions("[FormatMismatch]"));
    CHECK_FALSE(fileExists(directory / name));
  }
}

TEST_CASE("K17 states that torch.save wrote") {
  FakeSession from;
  for (int t = 0; t < 5; ++t)
    from.step(2, t);
  std::vector<float> states = from.states();
  auto load = [&](const std::string &bytes, int flags, FakeSession &session) {
    TemporaryDirectory directory;
    std::string path = directory / "states.pt";
    writeBytes(path, bytes);
    ttc_error error = {};
    ttc_status status =
        ttc_session_load(session.session, path.c_str(), flags, &error);
    return Outcome{status, error.message};
  };
  // The states lie in one storage, under the aliases of the reference.
  auto view = [](int64_t offset) {
    return tensor(storage("0", 16), offset, {2, 4}, {4, 1});
  };
  ZipWriter writer = torchArchive(
      pickle(dict({text("net.1.mem"), view(0), text("net._modules[1].mem"),
                   view(0), text("net.1.syn"), view(8)})));
  writer["data/0"].data.assign(reinterpret_cast<const char *>(states.data()),
                               states.size() * sizeof(float));
  FakeSession to;
  Outcome outcome = load(writer.bytes(), 0, to);
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("[ChecksumAbsent]"));
  CHECK(to.states().empty());
  outcome = load(writer.bytes(), TTC_LOAD_UNVERIFIED, to);
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  CHECK(outcome.mentions("carries no checksums"));
  CHECK(to.states() == states);

  // The same numbers, as transposed views.
  auto transposed = [](int64_t offset) {
    return tensor(storage("0", 16), offset, {2, 4}, {1, 2});
  };
  writer = torchArchive(pickle(dict(
      {text("net.1.mem"), transposed(0), text("net.1.syn"), transposed(8)})));
  std::vector<float> turned(states.size());
  for (size_t s = 0; s < 2; ++s)
    for (size_t b = 0; b < 2; ++b)
      for (size_t i = 0; i < 4; ++i)
        turned[s * 8 + i * 2 + b] = states[s * 8 + b * 4 + i];
  writer["data/0"].data.assign(reinterpret_cast<const char *>(turned.data()),
                               turned.size() * sizeof(float));
  FakeSession again;
  outcome = load(writer.bytes(), TTC_LOAD_UNVERIFIED, again);
  CAPTURE(outcome);
  REQUIRE(outcome.code == TTC_OK);
  CHECK(again.states() == states);

  // A damaged one changes nothing, whatever is allowed.
  writer["data/0"].checksum = 1;
  outcome = load(writer.bytes(), TTC_LOAD_UNVERIFIED, again);
  CHECK(outcome.mentions("[ChecksumMismatch]"));
  CHECK(again.states() == states);
}

TEST_CASE("S44 a file that was read survives its truncation") {
  TemporaryDirectory directory;
  writeBytes(directory / "w.safetensors",
             safetensors("{" + oneTensor + "}", four));
  writeBytes(directory / "w.pt", goodArchive().bytes());
  Opened opened(directory / "w.safetensors", TTC_WEIGHTS_COPY);
  Opened torch(directory / "w.pt", TTC_WEIGHTS_COPY);
  std::filesystem::resize_file(directory / "w.safetensors", 0);
  std::filesystem::resize_file(directory / "w.pt", 0);
  CHECK(std::memcmp(opened.find("w").data, four.data(), 4) == 0);
  CHECK(std::memcmp(torch.find("w").data, storageBytes().data(), 24) == 0);
}

TEST_CASE("S45 a file that is replaced or grows stays as it was opened") {
  for (int flags : {0, int(TTC_WEIGHTS_COPY)}) {
    TemporaryDirectory directory;
    std::string path = directory / "w.safetensors";
    writeBytes(path, safetensors("{" + oneTensor + "}", four));
    Opened opened(path, flags);
    std::ofstream(path, std::ios::app) << "grown";
    CHECK(std::memcmp(opened.find("w").data, four.data(), 4) == 0);
    writeBytes(directory / "new", "something else");
    std::filesystem::rename(directory / "new", path);
    CHECK(std::memcmp(opened.find("w").data, four.data(), 4) == 0);
  }
}

TEST_CASE("S46 weights that are saved over the file they are mapped from") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  std::string data(1 << 20, '\0');
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 7 + 1);
  // A header of another length than that which is written.
  writeBytes(
      path,
      safetensors("{" + entry("w", "U8", "[1048576]", "[0,1048576]") + "}   ",
                  data));
  Opened opened(path);
  REQUIRE(ttc_weights_save(opened.weights, path.c_str(), nullptr) == TTC_OK);
  CHECK(std::memcmp(opened.find("w").data, data.data(), data.size()) == 0);
  Opened again(path);
  CHECK(std::memcmp(again.find("w").data, data.data(), data.size()) == 0);
}

TEST_CASE("S47 without data, a terabyte costs its header") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  const uint64_t terabyte = uint64_t(1) << 40;
  if (!writeSparse(path, 1, terabyte)) {
    MESSAGE("skipped: this file system has no room for a sparse terabyte");
    return;
  }
  uint64_t before = residentBytes();
  Opened opened(path, TTC_WEIGHTS_META);
  uint64_t growth = grown(before);
  CHECK(opened.find("layers.0.weight").shape[0] ==
        static_cast<int64_t>(terabyte / 4));
  MESSAGE("a terabyte without data took " << growth << " bytes");
  if (asReleased)
    CHECK(growth < 1 << 20);
  // Nothing reads a file into memory that is larger than that.
  CHECK(Opened(path, TTC_WEIGHTS_COPY).outcome.code == TTC_ERROR_MEMORY);
}

TEST_CASE("Without data, a tensor takes at most a kilobyte") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  constexpr uint64_t count = 50'000;
  REQUIRE(writeSparse(path, count, 4));
  uint64_t before = residentBytes();
  Opened opened(path, TTC_WEIGHTS_META);
  uint64_t growth = grown(before);
  REQUIRE(ttc_weights_count(opened.weights) == count);
  MESSAGE("a tensor without data took " << growth / count << " bytes");
  if (asReleased)
    CHECK(growth < 1024 * count);
}

TEST_CASE("Of a large checkpoint, what is asked for is read") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors";
  constexpr uint64_t count = 10'000, size = 429'496;
  if (!writeSparse(path, count, size)) {
    MESSAGE("skipped: this file system has no room for a sparse file");
    return;
  }
  uint64_t before = residentBytes();
  Opened opened(path);
  uint64_t growth = grown(before);
  double seconds = 1;
  for (int i = 0; i < 5; ++i) {
    auto start = std::chrono::steady_clock::now();
    Opened again(path);
    seconds = std::min(seconds, secondsOf(start));
  }
  MESSAGE("4 GiB of 10,000 tensors were opened in "
          << seconds * 1e3 << " ms, with " << growth / 1024 << " KiB");
  before = residentBytes();
  const ttc_tensor tensor = opened.find("layers.5000.weight");
  const float *values = static_cast<const float *>(tensor.data);
  float sum = 0;
  for (int64_t i = 0; i < tensor.shape[0]; ++i)
    sum += values[i];
  CHECK(sum == 0);
  uint64_t one = grown(before);
  MESSAGE("a tensor of " << size / 1024 << " KiB took " << one / 1024
                         << " KiB");
  if (asReleased) {
    CHECK(seconds < 0.05);
    CHECK(growth < 10'000'000);
    CHECK(one < size + (1 << 20));
  }
  CHECK(pagesInMemory(tensor.data, size) >= size / 4096);
  // The system reads some pages around those that it must.
  size_t others = 0;
  for (uint64_t i = 0; i < count; ++i)
    if (i > 5 && (i < 4990 || i > 5010)) {
      ttc_tensor other = opened.find("layers." + std::to_string(i) + ".weight");
      others += pagesInMemory(other.data, size);
    }
  CHECK(others == 0);
}

TEST_CASE("Many threads ask for the same tensors") {
  TemporaryDirectory directory;
  std::string path = directory / "w.safetensors", header, data = "x";
  header = entry("a", "U8", "[1]", "[0,1]");
  for (int i = 0; i < 100; ++i) {
    const double value = i;
    header += "," + entry("t" + std::to_string(i), "F64", "[]",
                          "[" + std::to_string(data.size()) + "," +
                              std::to_string(data.size() + 8) + "]");
    data += bytesOf(value);
  }
  writeBytes(path, safetensors("{" + header + "}", data));
  Opened opened(path);
  std::vector<std::thread> threads;
  std::vector<std::vector<const void *>> seen(8);
  for (auto &mine : seen)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        ttc_tensor tensor = {};
        std::string name = "t" + std::to_string(i);
        if (ttc_weights_find(opened.weights, name.c_str(), &tensor, nullptr) ==
                TTC_OK &&
            *static_cast<const double *>(tensor.data) == i)
          mine.push_back(tensor.data);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(seen[0].size() == 100);
  for (auto &mine : seen)
    CHECK(mine == seen[0]);
}
