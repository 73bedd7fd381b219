//===- StateToolTest.cpp - Does ttc-state do what it says? ----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ToolFolder.h"
#include "TorchFixtures.h"

#include <cmath>
#include <nlohmann/json.hpp>

TEST_CASE("ttc-state converts weights, there and back") {
  ToolFolder at;
  Tensor beta("net.1.raw_beta", {4}), threshold("net.1.raw_threshold", {});
  beta.data = {0.0f, 10.0f, -3.0f, 2.5f};
  threshold.data = {1.25f};
  auto save = [&](std::vector<ttc_tensor> tensors, const char *name) {
    ttc::Weights::fromTensors(tensors).save(at.path(name));
  };
  auto convert = [&](const std::string &options) {
    return at.ttcState("convert --model '" FAKE_LIBRARY "' " + options);
  };
  auto values = [&](const char *name, size_t index) {
    ttc::Weights file = ttc::Weights::open(at.path(name));
    ttc_tensor tensor = file.at(index);
    const float *data = static_cast<const float *>(tensor.data);
    return std::vector<float>(data, data + (tensor.rank ? 4 : 1));
  };
  Tensor extra("other", {1});
  save({beta.view(), threshold.view(), extra.view()}, "raw.safetensors");
  Run run = convert("--compiled $W/raw.safetensors $W/c.safetensors");
  CAPTURE(run.err);
  CAPTURE(run.out);
  CHECK(run.code == 0);
  CHECK(mentions(run.out,
                 "net.1.raw_beta -> net.1.beta: the raw value comes back with "
                 "an error of up to 4.6e-05, at [1]"));
  CHECK(mentions(run.out, "net.1.raw_threshold -> net.1.threshold: "));
  CHECK(!mentions(run.out, "cannot return"));
  CHECK(mentions(run.out, "2 of 3 tensors converted to compiled form"));
  CHECK(at.ttcState("list $W/c.safetensors").out ==
        "net.1.beta F32 [4] 16 bytes\nnet.1.threshold F32 [] 4 bytes\n"
        "other F32 [1] 4 bytes\n3 tensors, 24 bytes\n");
  std::vector<float> effective = values("c.safetensors", 0);
  for (size_t i = 0; i < 4; ++i)
    CHECK(effective[i] ==
          static_cast<float>(1 / (1 + std::exp(-double(beta.data[i])))));
  CHECK(values("c.safetensors", 1)[0] ==
        static_cast<float>(std::log1p(std::exp(1.25))));

  run = convert("--raw $W/c.safetensors $W/r.safetensors");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "net.1.beta -> net.1.raw_beta: "));
  std::vector<float> back = values("r.safetensors", 0);
  for (size_t i = 0; i < 4; ++i)
    CHECK(back[i] == doctest::Approx(beta.data[i]).epsilon(5e-5));
  // The effective values are what the model computes with: they are the same.
  REQUIRE(convert("--compiled $W/r.safetensors $W/d.safetensors").code == 0);
  CHECK(readBytes(at.path("d.safetensors")) ==
        readBytes(at.path("c.safetensors")));

  // What is there already stays, and so does a mixture.
  run = convert("--raw $W/raw.safetensors $W/same.safetensors");
  CHECK(mentions(run.out, "0 of 3 tensors"));
  CHECK(at.ttcState("diff $W/raw.safetensors $W/same.safetensors").code == 0);
  Tensor plain("net.1.threshold", {}, 0.5f);
  save({beta.view(), plain.view()}, "mixture.safetensors");
  run = convert("--compiled $W/mixture.safetensors $W/m.safetensors");
  CHECK(mentions(run.out, "1 of 2 tensors"));
  CHECK(at.ttcState("list $W/m.safetensors").out ==
        "net.1.beta F32 [4] 16 bytes\nnet.1.threshold F32 [] 4 bytes\n"
        "2 tensors, 20 bytes\n");
}

TEST_CASE("ttc-state says what cannot return, and refuses what has no raw "
          "form") {
  ToolFolder at;
  Tensor beta("net.1.raw_beta", {4}), threshold("net.1.threshold", {}, 1.0f);
  beta.data = {1.0f, 20.0f, 2.0f, 30.0f};
  auto save = [&](const char *name) {
    ttc::Weights::fromTensors({beta.view(), threshold.view()})
        .save(at.path(name));
  };
  auto convert = [&](const std::string &options) {
    return at.ttcState("convert --model '" FAKE_LIBRARY "' " + options);
  };
  save("w.safetensors");
  Run run = convert("--compiled $W/w.safetensors $W/c.safetensors");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "2 of 4 cannot return, the first at [1]: 1 has no "
                          "raw value, only one strictly between 0 and 1 has"));
  run = convert("--raw $W/c.safetensors $W/r.safetensors");
  CHECK(run.code == 2);
  CHECK(mentions(run.err, "'net.1.beta' cannot be written in raw form: element "
                          "[1] is 1, only a value strictly between 0 and 1"));
  CHECK(!fileExists(at.path("r.safetensors")));
  beta.name = "net.1.beta";
  beta.data = {0.5f, 0.5f, 0.5f, 0.5f};
  for (float wrong : {0.0f, -1.0f, NAN, INFINITY}) {
    threshold.data[0] = wrong;
    save("t.safetensors");
    run = convert("--raw $W/t.safetensors $W/r.safetensors");
    CHECK(run.code == 2);
    CHECK(mentions(run.err, "'net.1.threshold' cannot be written in raw form"));
    CHECK(mentions(run.err, "above 0 and finite"));
  }
  // The weights of another model, and wrong words.
  beta.shape = {2, 2};
  threshold.data[0] = 1;
  save("shape.safetensors");
  run = convert("--raw $W/shape.safetensors $W/r.safetensors");
  CHECK(run.code == 2);
  CHECK(mentions(run.err, "'net.1.beta' has the shape [2, 2], [4] is"));
  for (const char *options :
       {"$W/w.safetensors $W/r.safetensors",
        "--raw --compiled $W/w.safetensors $W/r.safetensors",
        "--raw $W/w.safetensors", "--raw $W/none $W/r.safetensors",
        "--raw $W/w.safetensors $W/none/r.safetensors"})
    CHECK(convert(options).code == 2);
  CHECK(at.ttcState("convert --raw $W/w.safetensors $W/r.safetensors").code ==
        2);
  CHECK(!fileExists(at.path("r.safetensors")));
}

TEST_CASE("ttc-state converts in the dtype that the model computes with") {
  MixedFolder at;
  // Narrow weights of an F64 model: the model widens, then activates.
  AnyTensor table("embed.weight", TTC_DTYPE_BF16, {MIXED_ROWS, MIXED_SIZE},
                  std::vector<uint16_t>(15, 0x3F80));
  AnyTensor beta("rnn.raw_beta", TTC_DTYPE_F32, {}, std::vector<float>{10});
  AnyTensor bias("rnn.raw_bias", TTC_DTYPE_F16, {MIXED_SIZE},
                 std::vector<uint16_t>{0x3C00, 0xBC00, 0x0000});
  ttc::Weights::fromTensors({table.view(), beta.view(), bias.view()})
      .save(at.path("w.safetensors"));
  Run run = at.ttcState("convert --compiled --model '" MIXED_LIBRARY
                        "' $W/w.safetensors $W/c.safetensors");
  CAPTURE(run.err);
  CHECK(run.code == 0);
  CHECK(at.ttcState("list $W/c.safetensors").out ==
        "embed.weight BF16 [5,3] 30 bytes\nrnn.beta F64 [] 8 bytes\n"
        "rnn.bias F64 [3] 24 bytes\n3 tensors, 62 bytes\n");
  ttc::Weights file = ttc::Weights::open(at.path("c.safetensors"));
  CHECK(*static_cast<double *>(file.at(1).data) ==
        doctest::Approx(1 / (1 + std::exp(-10.0))).epsilon(1e-15));
  const double *biases = static_cast<double *>(file.at(2).data);
  CHECK(biases[0] == doctest::Approx(std::asinh(1.0)).epsilon(1e-15));
  CHECK(biases[1] == -biases[0]);
  CHECK(biases[2] == 0);
  run = at.ttcState("convert --raw --model '" MIXED_LIBRARY
                    "' $W/c.safetensors $W/r.safetensors");
  CHECK(run.code == 0);
  ttc::Weights back = ttc::Weights::open(at.path("r.safetensors"));
  CHECK(*static_cast<double *>(back.at(1).data) ==
        doctest::Approx(10.0).epsilon(1e-11));
}

TEST_CASE("ttc-state lists, shows, compares and verifies") {
  ToolFolder at;
  std::string a = at.path("a.safetensors"), b = at.path("b.safetensors");
  REQUIRE(ttc_session_save(at.fake.session, a.c_str(), nullptr) == TTC_OK);
  Run run = at.ttcState("list $W/a.safetensors");
  CHECK(run.code == 0);
  CHECK(run.out ==
        "net.1.mem F32 [2,4] 32 bytes\nnet.1.syn F32 [2,4] 32 bytes\n"
        "2 tensors, 64 bytes\n");
  run = at.ttcState("list $W/w.safetensors");
  CHECK(run.out ==
        "net.1.raw_beta F32 [4] 16 bytes\nnet.1.threshold F32 [] 4 bytes\n"
        "2 tensors, 20 bytes\n");

  run = at.ttcState("show $W/a.safetensors");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "ttc.timestep = 10\n"));
  CHECK(mentions(run.out, "net.1.syn F32 [2,4]\n  min "));
  run = at.ttcState("show $W/w.safetensors net.1.raw_beta");
  CHECK(run.out ==
        "net.1.raw_beta F32 [4]\n  min 0.5  max 0.875  mean 0.6875  std "
        "0.139754249\n"
        "  first values 0.5 0.625 0.75 0.875\n");
  run = at.ttcState("show $W/a.safetensors nothing");
  CHECK(run.code == 2);
  CHECK(mentions(run.err, "has no tensor 'nothing'"));

  run = at.ttcState("diff $W/a.safetensors $W/a.safetensors");
  CHECK(run.code == 0);
  CHECK(run.out.empty());
  at.fake.step(2, 99);
  REQUIRE(ttc_session_save(at.fake.session, b.c_str(), nullptr) == TTC_OK);
  run = at.ttcState("diff $W/a.safetensors $W/b.safetensors");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "net.1.syn: 8 of 8 elements differ; the first at "
                          "[0,0] is "));
  CHECK(
      at.ttcState("diff --atol 1000 $W/a.safetensors $W/b.safetensors").code ==
      0);
  run = at.ttcState("diff $W/a.safetensors $W/w.safetensors");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "net.1.mem: only in '"));

  run = at.ttcState("verify $W/a.safetensors");
  CHECK(run.code == 0);
  std::string bytes = readBytes(a);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  writeBytes(a, bytes);
  run = at.ttcState("verify $W/a.safetensors");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "'net.1.syn' has the checksum"));
  CHECK(at.ttcState("verify $W/w.safetensors").code == 1);
  CHECK(at.ttcState("list $W/none").code == 2);
  CHECK(at.ttcState("").code == 2);
}

TEST_CASE("ttc-state reads every kind of file") {
  ToolFolder at;
  // The weights of the model as torch.save writes them, one tensor transposed.
  ZipWriter writer = torchArchive(
      pickle(dict({text("net.1.raw_beta"), tensor(storage("0", 5), 0, {4}, {1}),
                   text("net.1.threshold"), tensor(storage("0", 5), 4, {}, {}),
                   text("view"), tensor(storage("0", 5), 0, {2, 2}, {1, 2})})));
  const float values[] = {0.5f, 0.625f, 0.75f, 0.875f, 0.75f};
  writer["data/0"].data.assign(reinterpret_cast<const char *>(values),
                               sizeof(values));
  writeBytes(at.path("w.pt"), writer.bytes());
  Run run = at.ttcState("list $W/w.pt");
  CHECK(run.code == 0);
  CHECK(run.out == "net.1.raw_beta F32 [4] 16 bytes\n"
                   "net.1.threshold F32 [] 4 bytes\n"
                   "view F32 [2,2] 16 bytes\n3 tensors, 36 bytes\n");
  run = at.ttcState("show $W/w.pt view");
  CHECK(mentions(run.out, "first values 0.5 0.75 0.625 0.875\n"));
  CHECK(at.ttcState("verify $W/w.pt").code == 0);
  run = at.ttcState("diff $W/w.safetensors $W/w.pt");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "view: only in '"));
  CHECK(!mentions(run.out, "net.1"));
  run = at.ttcState("convert --compiled --model '" FAKE_LIBRARY
                    "' $W/w.pt $W/c.safetensors");
  CAPTURE(run.err);
  CHECK(run.code == 0);
  CHECK(mentions(at.ttcState("list $W/c.safetensors").out, "net.1.beta F32"));
  writer["data/0"].checksum = 1;
  writeBytes(at.path("bad.pt"), writer.bytes());
  run = at.ttcState("verify $W/bad.pt");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "[ChecksumMismatch]"));

  // A checkpoint of shards, with something to remark.
  writeBytes(at.path("m.safetensors.index.json"),
             "{\"metadata\":{\"total_size\":7},\"weight_map\":{"
             "\"net.1.raw_beta\":\"w.safetensors\","
             "\"net.1.threshold\":\"w.safetensors\"}}");
  run = at.ttcState("list $W/m.safetensors.index.json");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "2 tensors, 20 bytes\n"));
  CHECK(mentions(run.err, "ttc-state: note: The index "));
  CHECK(at.ttcState("diff $W/m.safetensors.index.json $W/w.safetensors").code ==
        0);

  // A model runs from either.
  writer = torchArchive(pickle(
      dict({text("net.1.raw_beta"), tensor(storage("0", 5), 0, {4}, {1}),
            text("net.1.threshold"), tensor(storage("0", 5), 4, {}, {})})));
  writer["data/0"].data.assign(reinterpret_cast<const char *>(values),
                               sizeof(values));
  writeBytes(at.path("w.pt"), writer.bytes());
  for (const char *weights : {"w.pt", "m.safetensors.index.json"}) {
    run = at.run("'" TTC_RUN "' '" FAKE_LIBRARY "' --weights $W/" +
                 std::string(weights) +
                 " --input $W/x.npy --compare $W/golden.npy --exact");
    CAPTURE(run.err);
    CHECK(run.code == 0);
  }
}

TEST_CASE("ttc-state gives its answers as JSON") {
  ToolFolder at;
  auto json = [&](const std::string &options, int code) {
    Run run = at.ttcState(options + " --json");
    CHECK(run.code == code);
    CAPTURE(run.err);
    return nlohmann::json::parse(run.out);
  };
  nlohmann::json list = json("list $W/w.safetensors", 0);
  CHECK(list["bytes"] == 20);
  CHECK(list["tensors"][0] ==
        nlohmann::json::parse("{\"name\":\"net.1.raw_beta\",\"dtype\":"
                              "\"F32\",\"shape\":[4],\"bytes\":16}"));
  Tensor odd("odd\n\"", {3}), empty("empty", {0}), wide("wide", {2});
  odd.data = {NAN, -INFINITY, 3};
  wide.data = {1e30f, -1e30f};
  auto save = [&](const char *name) {
    ttc::Weights::fromTensors({odd.view(), empty.view(), wide.view()})
        .save(at.path(name));
  };
  save("o.safetensors");
  nlohmann::json tensors = json("show $W/o.safetensors", 0)["tensors"];
  REQUIRE(tensors.size() == 3);
  CHECK(tensors[0]["nan"] == 0);
  CHECK(!tensors[0].contains("mean"));
  CHECK(tensors[1]["name"] == "odd\n\"");
  CHECK(tensors[1]["nan"] == 1);
  CHECK(tensors[1]["infinite"] == 1);
  CHECK(tensors[1]["mean"] == 3);
  CHECK(tensors[1]["std"] == 0);
  CHECK(tensors[2]["std"].get<double>() == doctest::Approx(1e30));
  CHECK(json("diff $W/o.safetensors $W/o.safetensors", 0)["same"] == true);
  wide.data[1] = -1.5e30f;
  save("p.safetensors");
  nlohmann::json other =
      json("diff $W/o.safetensors $W/p.safetensors", 1)["other_values"];
  REQUIRE(other.size() == 1);
  CHECK(other[0]["name"] == "wide");
  CHECK(other[0]["differing"] == 1);
  CHECK(other[0]["bits_equal"] == false);
  CHECK(other[0]["largest_absolute"].get<double>() == doctest::Approx(5e29));
  CHECK(other[0]["largest_relative"].get<double>() == doctest::Approx(1.0 / 3));
  CHECK(other[0]["largest_relative_at"] == "[1]");
  nlohmann::json keys = json("diff $W/o.safetensors $W/w.safetensors", 1);
  CHECK(keys["only_in_a"].size() == 3);
  CHECK(keys["only_in_b"].size() == 2);
}

TEST_CASE("ttc-state compares the bits of what it cannot compute with") {
  ToolFolder at;
  for (const char *name : {"a", "b"})
    writeBytes(at.path(std::string(name) + ".safetensors"),
               safetensors("{" + entry("t", "F8_E4M3", "[4]", "[0,4]") + "}",
                           name + std::string("xyz")));
  Run run = at.ttcState("diff $W/a.safetensors $W/b.safetensors");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "t: the bits differ (F8_E4M3"));
  CHECK(at.ttcState("diff $W/a.safetensors $W/a.safetensors").code == 0);
  run = at.ttcState("show $W/a.safetensors");
  CHECK(run.out == "t F8_E4M3 [4]\n");
}
