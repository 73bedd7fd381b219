//===- ToolsTest.cpp - Do ttc-run and ttc-state do what they say? ---------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"
#include "ttc/runtime.hpp"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Run {
  int code;
  std::string out, err;
};

/// A directory with a model's weights, an input and what the tools leave.
class ToolFolder {
public:
  ToolFolder() {
    std::string data;
    std::vector<Tensor> weights = fakeWeights();
    for (const Tensor &tensor : weights)
      data.append(reinterpret_cast<const char *>(tensor.data.data()),
                  tensor.data.size() * sizeof(float));
    writeBytes(directory / "w.safetensors",
               safetensors(
                   "{" + entry("net.1.raw_beta", "F32", "[4]", "[0,16]") + "," +
                       entry("net.1.threshold", "F32", "[]", "[16,20]") + "}",
                   data));
    for (int t = 0; t < steps; ++t) {
      std::vector<float> x = fakeInput(batch, t), y = fake.step(batch, t);
      input.append(reinterpret_cast<const char *>(x.data()), x.size() * 4);
      output.append(reinterpret_cast<const char *>(y.data()), y.size() * 4);
    }
    writeBytes(path("x.npy"), npy("<f4", "(10, 2, 4)", input));
    writeBytes(path("x.f32"), input);
    writeBytes(path("golden.npy"), npy("<f4", "(10, 2, 4)", output));
  }

  static std::string npy(const std::string &descr, const std::string &shape,
                         const std::string &data) {
    std::string header = "{'descr': '" + descr +
                         "', 'fortran_order': False, 'shape': " + shape + "}\n";
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(header.size());
    bytes += '\0';
    return bytes + header + data;
  }

  std::string path(const std::string &name) const { return directory / name; }

  /// The arguments are a shell's words; W is this directory.
  Run run(std::string arguments) const {
    std::string command = "W='" + path(".") + "'; " + arguments + " > '" +
                          path("stdout") + "' 2> '" + path("stderr") + "'";
    int status = std::system(command.c_str());
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), readBytes(path("stdout")),
            readBytes(path("stderr"))};
  }
  Run ttcRun(const std::string &options) const {
    return run(std::string("'" TTC_RUN "' '" FAKE_LIBRARY "' ") +
               "--weights $W/w.safetensors " + options);
  }
  Run ttcState(const std::string &options) const {
    return run("'" TTC_STATE "' " + options);
  }

  static constexpr int steps = 10;
  static constexpr int64_t batch = 2;
  FakeSession fake; ///< after all steps
  std::string input, output;

private:
  TemporaryDirectory directory;
};

bool mentions(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

template <typename T> std::string bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}

/// The mixed model's weights, an input of ten timesteps of batch 2 in several
/// types, and what the steps give with seed 7.
class MixedFolder : public ToolFolder {
public:
  MixedFolder() {
    std::vector<AnyTensor> weights = mixedWeights();
    std::vector<ttc_tensor> table = views(weights);
    ttc::Weights::fromTensors(table).save(path("mixed.safetensors"));
    MixedSession mixed;
    REQUIRE(ttc_session_seed(mixed.session, 7, nullptr) == TTC_OK);
    std::vector<int64_t> ids;
    std::vector<double> x, y;
    for (int t = 0; t < 10; ++t) {
      for (int64_t id : mixedIds(2, t))
        ids.push_back(id);
      // Numbers that F32 has too.
      for (size_t i = 0; i < 6; ++i)
        x.push_back(static_cast<float>(mixedInput(2, t)[i]));
    }
    y.resize(x.size());
    const void *in[] = {ids.data(), x.data()};
    void *out[] = {y.data()};
    REQUIRE(ttc_session_run_raw(mixed.session, in, out, 2, 10, nullptr) ==
            TTC_OK);
    output = bytesOf(y);
    write<int64_t>("i8", "<i8", ids);
    write<int32_t>("i4", "<i4", ids);
    write<uint8_t>("u1", "|u1", ids);
    write<uint64_t>("u8", "<u8", ids);
    ids[13] = MIXED_ROWS;
    write<int64_t>("beyond", "<i8", ids);
    std::vector<uint64_t> huge(20, 1);
    huge[5] = UINT64_MAX;
    writeBytes(path("huge.npy"), npy("<u8", "(10, 2)", bytesOf(huge)));
    writeBytes(path("f8.npy"), npy("<f8", "(10, 2, 3)", bytesOf(x)));
    writeBytes(path("f4.npy"),
               npy("<f4", "(10, 2, 3)",
                   bytesOf(std::vector<float>(x.begin(), x.end()))));
    writeBytes(path("golden.npy"), npy("<f8", "(10, 2, 3)", output));
    y[44] += 1e-9;
    writeBytes(path("near.npy"), npy("<f8", "(10, 2, 3)", bytesOf(y)));
  }
  Run mixedRun(const std::string &ids, const std::string &x,
               const std::string &options) const {
    return run("'" TTC_RUN "' '" MIXED_LIBRARY "' --weights "
               "$W/mixed.safetensors --input $W/" +
               ids + ".npy --input $W/" + x + ".npy " + options);
  }

private:
  template <typename T>
  void write(const std::string &name, const std::string &descr,
             const std::vector<int64_t> &ids) const {
    writeBytes(
        path(name + ".npy"),
        npy(descr, "(10, 2)", bytesOf(std::vector<T>(ids.begin(), ids.end()))));
  }
};

} // namespace

TEST_CASE("ttc-run writes what the steps give, silently") {
  ToolFolder at;
  Run run = at.ttcRun("--input $W/x.npy --output $W/y.npy");
  CAPTURE(run.err);
  CHECK(run.code == 0);
  CHECK(run.out.empty());
  CHECK(run.err.empty());
  std::string written = readBytes(at.path("y.npy"));
  CHECK(mentions(written, "'shape': (10, 2, 4)"));
  CHECK(written.substr(written.size() - at.output.size()) == at.output);
}

TEST_CASE("ttc-run in blocks, raw, and through pipes gives the same bits") {
  ToolFolder at;
  for (const char *options :
       {"--input $W/x.npy --block 3", "--input $W/x.npy --block 100",
        "--input $W/x.f32 --batch 2", "--input - --batch 2 < $W/x.f32",
        "--input - --batch 2 --block 4 < $W/x.f32"}) {
    CAPTURE(options);
    Run run = at.ttcRun(std::string("--output - --compare $W/golden.npy "
                                    "--exact ") +
                        options);
    CHECK(run.code == 0);
    CHECK(run.out.substr(0, at.output.size()) == at.output);
    CHECK(mentions(run.out, "agrees"));
  }
}

TEST_CASE("ttc-run converts events") {
  ToolFolder at;
  std::string events(10 * 2 * 4, '\0'), floats;
  for (size_t i = 0; i < events.size(); ++i) {
    events[i] = static_cast<char>(i % 3 == 0);
    float value = i % 3 == 0;
    floats.append(reinterpret_cast<const char *>(&value), 4);
  }
  writeBytes(at.path("u1.npy"), ToolFolder::npy("|u1", "(10, 2, 4)", events));
  writeBytes(at.path("b1.npy"), ToolFolder::npy("|b1", "(10, 2, 4)", events));
  writeBytes(at.path("f4.npy"), ToolFolder::npy("<f4", "(10, 2, 4)", floats));
  Run expected = at.ttcRun("--input $W/f4.npy --output -");
  CHECK(expected.out.size() == floats.size());
  for (const char *name : {"u1", "b1"})
    CHECK(
        at.ttcRun(std::string("--input $W/") + name + ".npy --output -").out ==
        expected.out);
}

TEST_CASE("ttc-run stops, saves, and goes on where it stopped") {
  ToolFolder at;
  Run run = at.ttcRun("--input $W/x.npy --steps 4 --save-states "
                      "$W/s.safetensors --output -");
  REQUIRE(run.code == 0);
  CHECK(run.out == at.output.substr(0, 4 * 32));
  run = at.ttcRun("--input $W/x.npy --skip 4 --load-states $W/s.safetensors "
                  "--save-states $W/t.safetensors --compare $W/golden.npy "
                  "--exact");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "over 6 timesteps"));
  run = at.ttcRun("--input $W/x.npy --save-states $W/whole.safetensors");
  REQUIRE(run.code == 0);
  CHECK(readBytes(at.path("t.safetensors")) ==
        readBytes(at.path("whole.safetensors")));
}

TEST_CASE("ttc-run names the first step and element that differ") {
  ToolFolder at;
  std::string wrong = at.output;
  float value = 0.5f;
  std::memcpy(wrong.data() + (7 * 8 + 6) * 4, &value, 4);
  writeBytes(at.path("wrong.npy"), ToolFolder::npy("<f4", "(10, 2, 4)", wrong));
  Run run = at.ttcRun("--input $W/x.npy --compare $W/wrong.npy");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "at timestep 7, element (1, 2)"));
  CHECK(mentions(run.out, "0.5 is expected"));
  CHECK(mentions(run.out, "1 of 80 elements differ"));
  CHECK(at.ttcRun("--input $W/x.npy --compare $W/wrong.npy --atol 0.6").code ==
        0);
}

TEST_CASE("ttc-run prints the accuracy") {
  ToolFolder at;
  std::string labels;
  for (int64_t row = 0; row < 2; ++row) {
    double best = -1;
    int64_t label = 0;
    for (int64_t i = 0; i < 4; ++i) {
      double sum = 0;
      for (int64_t t = 0; t < 10; ++t) {
        float value;
        std::memcpy(&value, at.output.data() + ((t * 2 + row) * 4 + i) * 4, 4);
        sum += double(value);
      }
      if (sum > best) {
        best = sum;
        label = i;
      }
    }
    // Right for the first row, wrong for the second.
    label = row ? (label + 1) % 4 : label;
    labels.append(reinterpret_cast<const char *>(&label), 8);
  }
  writeBytes(at.path("labels.npy"), ToolFolder::npy("<i8", "(2,)", labels));
  Run run = at.ttcRun("--input $W/x.npy --labels $W/labels.npy");
  CHECK(run.code == 0);
  CHECK(run.out == "accuracy: 0.5000 (1 of 2)\n");
}

TEST_CASE("ttc-run measures") {
  ToolFolder at;
  for (const char *options : {"--bench 0.05", "--bench=0.05 --block 5"}) {
    Run run = at.ttcRun(std::string("--input $W/x.npy ") + options);
    CAPTURE(run.err);
    CHECK(run.code == 0);
    CHECK(mentions(run.out, "steps per second"));
  }
}

TEST_CASE("ttc-run refuses with one sentence") {
  ToolFolder at;
  writeBytes(at.path("bad.npy"),
             ToolFolder::npy("<f4", "(10, 2, 5)", std::string(400, '\0')));
  writeBytes(at.path("short.f32"), std::string(30, '\0'));
  writeBytes(at.path("five.npy"),
             ToolFolder::npy("<f4", "(5, 2, 4)", std::string(160, '\0')));
  struct {
    const char *options, *part;
  } cases[] = {
      {"--input $W/bad.npy", "has the shape (10, 2, 5)"},
      {"--input $W/none.npy", "No such file"},
      {"--input $W/none.f32", "No such file"},
      {"--input $W/short.f32 --batch 2", "ends inside a timestep"},
      {"", "--input is there 0 times, the model has 1 input."},
      {"--input $W/x.npy --input $W/x.npy", "--input is there 2 times"},
      {"--input $W/x.npy --skip 11", "ends before timestep 11"},
      {"--input $W/x.npy --load-states $W/none", "There is no file"},
      {"--input $W/x.npy --output $W/none/y.npy", "Cannot create"},
      {"--input $W/x.npy --labels $W/golden.npy", "labels are integers"},
      {"--input $W/x.f32 --batch 0", "at least 1"},
      {"--input $W/x.npy --steps -1", "--steps"},
      {"--input $W/x.npy --steps 0 --compare $W/golden.npy",
       "nothing to compare"},
      {"--input $W/five.npy --compare $W/golden.npy",
       "the input ended after 5"},
      {"--input $W/x.npy --compare $W/five.npy", "has only 5 timesteps"},
      {"--unknown", "--unknown"}};
  for (const auto &refused : cases) {
    Run run = at.ttcRun(refused.options);
    CAPTURE(refused.options);
    CAPTURE(run.err);
    CHECK(run.code == 1);
    CHECK(mentions(run.err, refused.part));
  }
  Run run = at.run("'" TTC_RUN "' $W/none.so");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "There is no file"));
}

TEST_CASE("An executable with a model inside takes ttc-run's options") {
  ToolFolder at;
  Run run = at.run("'" FAKE_EXECUTABLE "' --weights $W/w.safetensors --input "
                   "$W/x.npy --compare $W/golden.npy --exact");
  CAPTURE(run.err);
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "agrees"));
  run = at.run("'" FAKE_EXECUTABLE "' --input $W/x.npy");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "compiled without weights"));
}

TEST_CASE("ttc-run ends well at a signal, with its states saved") {
  ToolFolder at;
  for (int signal : {SIGINT, SIGTERM}) {
    int input[2];
    REQUIRE(::pipe(input) == 0);
    std::string states = at.path("s.safetensors"), err = at.path("stderr");
    std::string weights = at.path("w.safetensors");
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::close(input[1]);
      ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600),
             STDERR_FILENO);
      ::execl(TTC_RUN, TTC_RUN, FAKE_LIBRARY, "--weights", weights.c_str(),
              "--input", "-", "--batch", "2", "--output",
              at.path("o.npy").c_str(), "--save-states", states.c_str(),
              nullptr);
      _exit(127);
    }
    ::close(input[0]);
    // Four timesteps, and a part of the fifth that it must wait for.
    REQUIRE(::write(input[1], at.input.data(), 4 * 32 + 5) == 4 * 32 + 5);
    // The output file appears once the model is open and signals are caught.
    for (int i = 0; i < 500 && ::system(("ls '" + at.path("o.npy") +
                                         "'.tmp.* "
                                         "> /dev/null 2>&1")
                                            .c_str());
         ++i)
      ::usleep(10'000);
    ::usleep(100'000);
    REQUIRE(::kill(child, signal) == 0);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(input[1]);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(mentions(readBytes(err), "at timestep 4, states saved to"));
    std::string written = readBytes(at.path("o.npy"));
    CHECK(written.substr(written.size() - 4 * 32) ==
          at.output.substr(0, 4 * 32));
    Run rest = at.ttcRun("--input $W/x.npy --skip 4 --load-states "
                         "$W/s.safetensors --compare $W/golden.npy --exact");
    CHECK(rest.code == 0);
  }
}

TEST_CASE("ttc-run takes and gives F64 and integers") {
  MixedFolder at;
  for (const char *ids : {"i8", "i4", "u1", "u8"})
    for (const char *x : {"f8", "f4"}) {
      CAPTURE(ids);
      CAPTURE(x);
      Run run = at.mixedRun(ids, x,
                            "--seed 7 --output - --compare $W/golden.npy "
                            "--exact");
      CAPTURE(run.err);
      CHECK(run.code == 0);
      CHECK(run.out.substr(0, at.output.size()) == at.output);
    }
  Run run = at.mixedRun("i8", "f8", "--seed 7 --block 4 --output $W/y.npy");
  CHECK(run.code == 0);
  std::string written = readBytes(at.path("y.npy"));
  CHECK(mentions(written, "'descr': '<f8'"));
  CHECK(written.substr(written.size() - at.output.size()) == at.output);
  run = at.mixedRun("i8", "f8", "--seed 7 --compare $W/near.npy --exact");
  CHECK(run.code == 1);
  CHECK(mentions(run.out, "at timestep 7, element (0, 2)"));
  CHECK(at.mixedRun("i8", "f8", "--seed 7 --compare $W/near.npy").code == 0);
  // Another seed, and none.
  for (const char *seed : {"--seed 8", ""})
    CHECK(
        at.mixedRun("i8", "f8", std::string("--compare $W/golden.npy ") + seed)
            .code == 1);
  // The loaded states bring the seed.
  REQUIRE(at.mixedRun("i8", "f8",
                      "--seed 7 --steps 4 --save-states $W/s.safetensors")
              .code == 0);
  CHECK(at.mixedRun("i8", "f8",
                    "--skip 4 --load-states $W/s.safetensors --exact "
                    "--compare $W/golden.npy")
            .code == 0);
}

TEST_CASE("ttc-run refuses values and types that the model does not take") {
  MixedFolder at;
  Run run = at.mixedRun("beyond", "f8", "");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "'ids' has the value 5 at [1]; 0 to 4"));
  run = at.mixedRun("huge", "f8", "");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "has the value 18446744073709551616 at timestep 2, "
                          "element 1; the input 'ids' is I64"));
  run = at.mixedRun("f8", "i8", "");
  CHECK(run.code == 1);
  run = at.mixedRun("i8", "i8", "");
  CHECK(run.code == 1);
  writeBytes(at.path("ints.npy"),
             ToolFolder::npy("<i8", "(10, 2, 3)", std::string(480, '\0')));
  run = at.mixedRun("i8", "ints", "");
  CHECK(mentions(run.err, "f8, f4, u1 and b1 are understood"));
  writeBytes(at.path("floats.npy"),
             ToolFolder::npy("<f4", "(10, 2)", std::string(80, '\0')));
  run = at.mixedRun("floats", "f8", "");
  CHECK(mentions(run.err, "integers are understood"));
  CHECK(at.mixedRun("i8", "f8", "--seed -1").code == 1);
}

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
        "net.1.beta F32 [4]\nnet.1.threshold F32 []\nother F32 [1]\n");
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
        "net.1.beta F32 [4]\nnet.1.threshold F32 []\n");
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
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "'net.1.beta' cannot be written in raw form: element "
                          "[1] is 1, only a value strictly between 0 and 1"));
  CHECK(!fileExists(at.path("r.safetensors")));
  beta.name = "net.1.beta";
  beta.data = {0.5f, 0.5f, 0.5f, 0.5f};
  for (float wrong : {0.0f, -1.0f, NAN, INFINITY}) {
    threshold.data[0] = wrong;
    save("t.safetensors");
    run = convert("--raw $W/t.safetensors $W/r.safetensors");
    CHECK(run.code == 1);
    CHECK(mentions(run.err, "'net.1.threshold' cannot be written in raw form"));
    CHECK(mentions(run.err, "above 0 and finite"));
  }
  // The weights of another model, and wrong words.
  beta.shape = {2, 2};
  threshold.data[0] = 1;
  save("shape.safetensors");
  run = convert("--raw $W/shape.safetensors $W/r.safetensors");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "'net.1.beta' has the shape [2, 2], [4] is"));
  for (const char *options :
       {"$W/w.safetensors $W/r.safetensors",
        "--raw --compiled $W/w.safetensors $W/r.safetensors",
        "--raw $W/w.safetensors", "--raw $W/none $W/r.safetensors",
        "--raw $W/w.safetensors $W/none/r.safetensors"})
    CHECK(convert(options).code == 1);
  CHECK(at.ttcState("convert --raw $W/w.safetensors $W/r.safetensors").code ==
        1);
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
        "embed.weight BF16 [5,3]\nrnn.beta F64 []\nrnn.bias F64 [3]\n");
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
  CHECK(run.out == "net.1.mem F32 [2,4]\nnet.1.syn F32 [2,4]\n");
  run = at.ttcState("list $W/w.safetensors");
  CHECK(run.out == "net.1.raw_beta F32 [4]\nnet.1.threshold F32 []\n");

  run = at.ttcState("show $W/a.safetensors");
  CHECK(run.code == 0);
  CHECK(mentions(run.out, "ttc.timestep = 10\n"));
  CHECK(mentions(run.out, "net.1.syn F32 [2,4]\n  min "));
  run = at.ttcState("show $W/w.safetensors net.1.raw_beta");
  CHECK(run.out == "net.1.raw_beta F32 [4]\n  min 0.5  max 0.875  mean 0.6875\n"
                   "  first values 0.5 0.625 0.75 0.875\n");
  run = at.ttcState("show $W/a.safetensors nothing");
  CHECK(run.code == 1);
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
  CHECK(at.ttcState("list $W/none").code == 1);
  CHECK(at.ttcState("").code == 1);
}
