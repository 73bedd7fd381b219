//===- TorchTensorTest.cpp - Which tensors of torch.save are refused? -----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr int64_t huge = INT64_MAX;

/// A tensor in storage "0".
std::string view(int64_t offset, const std::vector<int64_t> &sizes,
                 const std::vector<int64_t> &strides) {
  return tensor(storage("0", 6), offset, sizes, strides);
}

void refusesView(int64_t offset, const std::vector<int64_t> &sizes,
                 const std::vector<int64_t> &strides, const char *cause) {
  refusesValue(view(offset, sizes, strides), cause);
}

ttc::TorchEntry acceptsView(int64_t offset, const std::vector<int64_t> &sizes,
                            const std::vector<int64_t> &strides) {
  std::string bytes =
      torchArchive(pickle(dict({text("w"), view(offset, sizes, strides)})))
          .bytes();
  ttc::TorchHeader header = acceptsTorch(bytes);
  REQUIRE(header.tensors.size() == 1);
  ttc::TorchEntry entry = header.tensors[0];
  CHECK(entry.at == bytes.find(storageBytes()) + 4 * uint64_t(offset));
  CHECK(entry.rank == sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    CHECK(header.shape(entry)[i] == sizes[i]);
    CHECK(header.stride(entry)[i] == strides[i]);
  }
  return entry;
}

/// The weights in a file of these bytes, through the C API.
struct Opened {
  TemporaryDirectory directory;
  ttc_weights *weights = nullptr;
  Outcome outcome;

  explicit Opened(const std::string &bytes, const std::string &name = "w.pt",
                  int flags = 0) {
    std::string path = directory / name;
    writeBytes(path, bytes);
    outcome = outcomeOf([&](ttc_error *error) {
      return ttc_weights_open_with(path.c_str(), flags, &weights, error);
    });
  }
  ~Opened() { ttc_weights_close(weights); }
};

std::vector<float> floatsOf(const ttc_tensor &tensor) {
  size_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= static_cast<size_t>(tensor.shape[i]);
  const float *data = static_cast<const float *>(tensor.data);
  return {data, data + count};
}

std::string floats(const std::vector<float> &values) {
  return {reinterpret_cast<const char *>(values.data()), 4 * values.size()};
}

} // namespace

TEST_CASE("P36 a storage without a member") {
  refusesValue(tensor(storage("1", 6), 0, {6}, {1}), "MissingStorage");
  refusesValue(tensor(storage("00", 6), 0, {6}, {1}), "MissingStorage");
  ZipWriter writer = goodArchive();
  writer["data/0"].name = "archive/data/1";
  refusesTorch(writer.bytes(), "MissingStorage");
  writer["data/1"].name = "archive/0";
  refusesTorch(writer.bytes(), "MissingStorage");
}

TEST_CASE("P37 a member that is no storage of that size") {
  for (int64_t count : {int64_t(0), int64_t(5), int64_t(7), huge, huge / 4 + 1,
                        (int64_t(1) << 62) + 6})
    refusesValue(tensor(storage("0", count), 0, {1}, {1}),
                 "StorageSizeMismatch");
  refusesValue(tensor(storage("0", 6, "DoubleStorage"), 0, {1}, {1}),
               "StorageSizeMismatch");
  for (size_t size : {0u, 23u, 25u, 48u}) {
    ZipWriter writer = goodArchive();
    writer["data/0"].data.resize(size);
    refusesTorch(writer.bytes(), "StorageSizeMismatch");
  }
}

TEST_CASE("P38 a storage that is two things") {
  auto two = [](const std::string &first, const std::string &second) {
    return pickle(dict({text("a"), tensor(first, 0, {1}, {1}), text("b"),
                        tensor(second, 0, {1}, {1})}));
  };
  refusesPickle(two(storage("0", 6), storage("0", 3, "DoubleStorage")),
                "StorageConflict");
  refusesPickle(two(storage("0", 6), storage("0", 6, "IntStorage")),
                "StorageConflict");
  refusesPickle(two(storage("0", 6), storage("0", 5)), "StorageConflict");
  CHECK(
      acceptsTorch(torchArchive(two(storage("0", 6), storage("0", 6))).bytes())
          .tensors.size() == 2);
}

TEST_CASE("P39 offsets, sizes and strides that are none") {
  refusesView(-1, {6}, {1}, "BadTensorMeta");
  refusesView(0, {-1}, {1}, "BadTensorMeta");
  refusesView(0, {6}, {-1}, "BadTensorMeta");
  refusesView(0, {6}, {}, "BadTensorMeta");
  refusesView(0, {}, {1}, "BadTensorMeta");
  refusesView(0, {2, 3}, {1}, "BadTensorMeta");
  refusesView(0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1),
              "BadTensorMeta");
  acceptsView(0, std::vector<int64_t>(64, 1), std::vector<int64_t>(64, 1));
  auto rebuilt = [](const std::vector<std::string> &arguments) {
    return call(name("torch._utils", "_rebuild_tensor_v2"), tuple(arguments));
  };
  std::string data = storage("0", 6), size = numbers({6}), one = numbers({1}),
              zero = number(0), no = "\x89", hooks = orderedDict();
  CHECK(acceptsTorch(
            torchArchive(pickle(dict({text("w"), rebuilt({data, zero, size, one,
                                                          no, hooks})})))
                .bytes())
            .tensors.size() == 1);
  for (const std::string &wrong :
       {text("0"), std::string("\x88"), std::string("N"),
        std::string("G\0\0\0\0\0\0\0\0", 9)}) {
    CAPTURE(wrong);
    refusesValue(rebuilt({data, wrong, size, one, no, hooks}), "BadTensorMeta");
    refusesValue(rebuilt({data, zero, tuple({wrong}), one, no, hooks}),
                 "BadTensorMeta");
    refusesValue(rebuilt({data, zero, size, tuple({wrong}), no, hooks}),
                 "BadTensorMeta");
    refusesValue(rebuilt({data, zero, wrong, one, no, hooks}), "BadTensorMeta");
    refusesValue(rebuilt({wrong, zero, size, one, no, hooks}), "BadTensorMeta");
    refusesValue(rebuilt({data, zero, size, one, no, wrong}), "BadTensorMeta");
  }
  refusesValue(rebuilt({data, zero, list({number(6)}), one, no, hooks}),
               "BadTensorMeta");
  refusesValue(rebuilt({data, zero, size, one, number(1), hooks}),
               "BadTensorMeta");
  refusesValue(
      rebuilt({data, zero, size, one, no, dict({number(0), text("hook")})}),
      "BadTensorMeta");
  refusesValue(rebuilt({data, zero, size, one, no, hooks, text("meta")}),
               "BadTensorMeta");
  refusesValue(rebuilt({tensor(), zero, size, one, no, hooks}),
               "BadTensorMeta");
}

TEST_CASE("P40 tensors beyond their storage") {
  refusesView(0, {7}, {1}, "OutOfStorage");
  refusesView(1, {6}, {1}, "OutOfStorage");
  refusesView(6, {}, {}, "OutOfStorage");
  refusesView(huge, {}, {}, "OutOfStorage");
  refusesView(huge, {1}, {1}, "OutOfStorage");
  refusesView(0, {2, 3}, {3, 2}, "OutOfStorage");
  refusesView(0, {2}, {6}, "OutOfStorage");
  refusesView(0, {2}, {huge}, "OutOfStorage");
  refusesView(0, {3}, {huge}, "OutOfStorage");
  refusesView(2, {2, 2, 2}, {huge, huge, huge}, "OutOfStorage");
  refusesView(0, {3}, {int64_t(1) << 62}, "OutOfStorage");
  refusesView(0, {5}, {int64_t(1) << 62}, "OutOfStorage");
  refusesView(6, {2}, {huge}, "OutOfStorage");
  refusesView(7, {0}, {1}, "OutOfStorage");
  refusesView(huge, {0}, {1}, "OutOfStorage");
  acceptsView(6, {0}, {1});
  acceptsView(5, {}, {});
  acceptsView(0, {1}, {huge});
  acceptsView(0, {0, 5}, {huge, huge});
  acceptsView(0, {2}, {5});
}

TEST_CASE("P41 more elements than can be counted, or kept") {
  refusesView(0, {huge, 3}, {0, 0}, "Overflow");
  refusesView(0, {int64_t(1) << 32, int64_t(1) << 32}, {0, 0}, "Overflow");
  refusesView(0, {0, int64_t(1) << 62, int64_t(1) << 62}, {0, 0, 0},
              "Overflow");
  refusesView(0, {huge}, {0}, "Overflow");
  // 10^18 bytes can be counted, and the memory of no machine has them.
  refusesView(0, {1'000'000'000, 100'000'000}, {0, 0}, "ExpandedTooLarge");
  refusesView(0, {(int64_t(64) << 20) + 1}, {0}, "ExpandedTooLarge");
  acceptsView(0, {int64_t(64) << 20}, {0});
  // All of them together.
  std::string half = view(0, {(int64_t(32) << 20) + 1}, {0});
  refusesPickle(pickle(dict({text("a"), half, text("b"), half})),
                "ExpandedTooLarge");
}

TEST_CASE("P42 windows that overlap are read") {
  ttc::TorchEntry entry = acceptsView(0, {5, 2}, {1, 1});
  CHECK(!entry.contiguous);
  CHECK(entry.bytes == 40);
  Opened file(
      torchArchive(pickle(dict({text("w"), view(1, {2, 2, 2}, {2, 1, 0})})))
          .bytes());
  REQUIRE(file.outcome.code == TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(file.weights, 0, &tensor, nullptr) == TTC_OK);
  std::vector<float> source(6);
  std::memcpy(source.data(), storageBytes().data(), 24);
  std::vector<float> expected = {source[1], source[1], source[2], source[2],
                                 source[3], source[3], source[4], source[4]};
  CHECK(floatsOf(tensor) == expected);
}

TEST_CASE("P43 tensors of other kinds") {
  for (const char *kind :
       {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_nested_tensor",
        "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass",
        "_rebuild_device_tensor_from_numpy",
        "_rebuild_device_tensor_from_cpu_tensor"}) {
    std::string value = call(name("torch._utils", kind), tuple({tensor()}));
    refusesValue(value, "UnsupportedTensorKind");
    // Beside the state dict nobody asks for it.
    acceptsTorch(
        torchArchive(pickle(dict({text("model"), dict({text("w"), tensor()}),
                                  text("other"), value})))
            .bytes());
  }
  ttc::TorchHeader header;
  ttc::Status status = parse(
      torchArchive(
          pickle(dict(
              {text("net.0.w"),
               call(name("torch._utils", "_rebuild_sparse_tensor"), ")")})))
          .bytes(),
      header);
  CHECK(status.message().find("'net.0.w' is a sparse") != std::string::npos);
}

TEST_CASE("P45 the device of a storage does not matter") {
  for (const char *location : {"cuda:0", "cpu", "meta", "mps", "", "cuda:99"})
    CHECK(acceptsTorch(
              torchArchive(
                  pickle(dict({text("w"),
                               tensor(storage("0", 6, "FloatStorage", location),
                                      0, {6}, {1})})))
                  .bytes())
              .tensors.size() == 1);
}

TEST_CASE("P46 tensors that are conjugated or negated") {
  std::string untyped =
      tuple({text("storage"), name("torch.storage", "UntypedStorage"),
             text("0"), text("cpu"), number(24)}) +
      "Q";
  auto rebuilt = [&](const std::string &metadata, bool third) {
    std::vector<std::string> arguments = {
        third ? untyped : storage("0", 3, "ComplexFloatStorage"),
        number(0),
        numbers({3}),
        numbers({1}),
        "\x89",
        orderedDict()};
    if (third)
      arguments.push_back(name("torch", "complex64"));
    arguments.push_back(metadata);
    return call(name("torch._utils",
                     third ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2"),
                tuple(arguments));
  };
  for (bool third : {false, true}) {
    refusesValue(rebuilt(dict({text("conj"), "\x88"}), third),
                 "UnsupportedTensorKind");
    refusesValue(rebuilt(dict({text("neg"), "\x88"}), third),
                 "UnsupportedTensorKind");
    for (const std::string &nothing : {std::string("N"), dict({})})
      CHECK(acceptsTorch(
                torchArchive(pickle(dict({text("w"), rebuilt(nothing, third)})))
                    .bytes())
                .tensors.size() == 1);
  }
}

TEST_CASE("storages of bytes have the dtype of their tensors") {
  auto rebuilt = [&](const std::string &dtype, const std::string &data,
                     int64_t offset, int64_t size) {
    return call(name("torch._utils", "_rebuild_tensor_v3"),
                tuple({data, number(offset), numbers({size}), numbers({1}),
                       "\x89", orderedDict(), dtype}));
  };
  std::string untyped =
      tuple({text("storage"), name("torch.storage", "UntypedStorage"),
             text("0"), text("cpu"), number(24)}) +
      "Q";
  for (const auto &[dtype, size] :
       {std::pair<const char *, int64_t>{"uint16", 2},
        {"uint32", 4},
        {"uint64", 8},
        {"complex128", 16},
        {"float8_e4m3fn", 1}}) {
    std::string type = name("torch", dtype);
    CAPTURE(type);
    int64_t count = 24 / size;
    ttc::TorchHeader header = acceptsTorch(
        torchArchive(
            pickle(dict({text("w"), rebuilt(type, untyped, 0, count)})))
            .bytes());
    REQUIRE(header.tensors.size() == 1);
    CHECK(header.tensors[0].bytes == uint64_t(count * size));
    CHECK(header.tensors[0].dtype->number == 0);
    refusesValue(rebuilt(type, untyped, 0, count + 1), "OutOfStorage");
    refusesValue(rebuilt(type, untyped, count, 1), "OutOfStorage");
    refusesValue(rebuilt(type, storage("0", 6), 0, 1), "BadTensorMeta");
  }
  refusesValue(rebuilt(text("uint16"), untyped, 0, 1), "ForbiddenReduce");
  refusesValue(rebuilt(name("torch", "Size"), untyped, 0, 1),
               "ForbiddenReduce");
  refusesValue(tensor(untyped, 0, {1}, {1}), "BadTensorMeta");
}

TEST_CASE("P47 a file that changes after it was opened") {
  std::string bytes = goodArchive().bytes();
  // Copied, it no longer matters what becomes of the file.
  Opened file(bytes, "w.pt", TTC_WEIGHTS_COPY);
  REQUIRE(file.outcome.code == TTC_OK);
  REQUIRE(::truncate((file.directory / "w.pt").c_str(), 10) == 0);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(file.weights, 0, &tensor, nullptr) == TTC_OK);
  CHECK(std::memcmp(tensor.data, storageBytes().data(), 24) == 0);
  // Mapped, it may be replaced.
  Opened mapped(bytes);
  REQUIRE(mapped.outcome.code == TTC_OK);
  std::string other = mapped.directory / "other.pt";
  writeBytes(other, "short");
  REQUIRE(::rename(other.c_str(), (mapped.directory / "w.pt").c_str()) == 0);
  REQUIRE(ttc_weights_at(mapped.weights, 0, &tensor, nullptr) == TTC_OK);
  CHECK(std::memcmp(tensor.data, storageBytes().data(), 24) == 0);
}

TEST_CASE("P48 an extension that lies") {
  std::string archive = goodArchive().bytes();
  std::string other = safetensors("{}");
  for (const char *name : {"w.pt", "w.pth", "w.bin", "w"})
    CHECK(Opened(archive, name).outcome.code == TTC_OK);
  Outcome outcome = Opened(archive, "w.safetensors").outcome;
  CHECK(outcome.code == TTC_ERROR_FORMAT);
  CHECK(outcome.mentions("w.safetensors"));
  CHECK(outcome.mentions("torch.save"));
  for (const char *name : {"w.pt", "w.bin"}) {
    outcome = Opened(other, name).outcome;
    CHECK(outcome.code == TTC_ERROR_FORMAT);
    CHECK(outcome.mentions("safetensors"));
  }
  // A pickle is no more welcome under another name.
  for (const char *name : {"w.pt", "w.bin", "w.safetensors", "w"})
    CHECK(Opened(pickle(dict({})), name).outcome.code == TTC_ERROR_FORMAT);
}

TEST_CASE("which tensors are contiguous") {
  CHECK(acceptsView(0, {}, {}).contiguous);
  CHECK(acceptsView(0, {6}, {1}).contiguous);
  CHECK(acceptsView(2, {2, 2}, {2, 1}).contiguous);
  CHECK(acceptsView(0, {2, 1, 3}, {3, 77, 1}).contiguous);
  CHECK(acceptsView(0, {3, 0}, {7, 9}).contiguous);
  CHECK(acceptsView(0, {1, 1}, {0, 0}).contiguous);
  CHECK(!acceptsView(0, {3, 2}, {1, 3}).contiguous);
  CHECK(!acceptsView(0, {3}, {2}).contiguous);
  CHECK(!acceptsView(0, {3}, {0}).contiguous);
  CHECK(!acceptsView(0, {2, 2}, {3, 1}).contiguous);
}

TEST_CASE("a scalar before a transposed tensor") {
  ZipWriter writer = torchArchive(
      pickle(dict({text("a"), view(5, {}, {}), text("b"),
                   view(0, {3, 2}, {1, 3}), text("c"), view(1, {}, {})})));
  writer["data/0"].data = floats({0, 1, 2, 3, 4, 5});
  Opened file(writer.bytes());
  REQUIRE(file.outcome.code == TTC_OK);
  ttc_tensor tensor;
  REQUIRE(ttc_weights_at(file.weights, 0, &tensor, nullptr) == TTC_OK);
  CHECK(floatsOf(tensor) == std::vector<float>{5});
  REQUIRE(ttc_weights_at(file.weights, 1, &tensor, nullptr) == TTC_OK);
  CHECK(floatsOf(tensor) == std::vector<float>{0, 3, 1, 4, 2, 5});
  REQUIRE(ttc_weights_at(file.weights, 2, &tensor, nullptr) == TTC_OK);
  CHECK(floatsOf(tensor) == std::vector<float>{1});
}

TEST_CASE("parameters and tensors with attributes are tensors") {
  std::string parameter = call(name("torch._utils", "_rebuild_parameter"),
                               tuple({tensor(), "\x88", orderedDict()}));
  std::string withState =
      call(name("torch._utils", "_rebuild_parameter_with_state"),
           tuple({tensor(), "\x88", orderedDict(),
                  dict({text("note"), number(1)})}));
  std::string fromType =
      call(name("torch._tensor", "_rebuild_from_type_v2"),
           tuple({name("torch._utils", "_rebuild_tensor_v2"),
                  name("torch", "Tensor"),
                  tensorArguments(storage("0", 6), 0, {6}, {1}), dict({})}));
  std::string fromParameter =
      call(name("torch._tensor", "_rebuild_from_type_v2"),
           tuple({name("torch._utils", "_rebuild_parameter"),
                  name("torch.nn.parameter", "Parameter"),
                  tuple({tensor(), "\x88", orderedDict()}), dict({})}));
  ttc::TorchHeader header =
      acceptsTorch(torchArchive(pickle(dict({text("d"), parameter, text("c"),
                                             withState, text("b"), fromType,
                                             text("a"), fromParameter})))
                       .bytes());
  REQUIRE(header.tensors.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(header.tensors[i].name == std::string(1, static_cast<char>('a' + i)));
    CHECK(header.tensors[i].bytes == 24);
    CHECK(header.tensors[i].at == header.tensors[0].at);
  }
}

TEST_CASE("checksums of storages are verified on request, through the C API") {
  std::string bytes = goodArchive().bytes();
  bytes[bytes.find(storageBytes()) + 7] ^= 1;
  CHECK(Opened(bytes).outcome.code == TTC_OK);
  Outcome outcome = Opened(bytes, "w.pt", TTC_WEIGHTS_VERIFY).outcome;
  CHECK(outcome.code == TTC_ERROR_CHECKSUM);
  CHECK(outcome.mentions("archive/data/0"));
}
