//===- ToolsTest.cpp - Does ttc-run do what it says? ----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ToolFolder.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

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

TEST_CASE("ttc-run with several threads gives the same bits") {
  ToolFolder at;
  for (const char *options :
       {"--threads 1", "--threads 2", "--threads 4", "--threads 3 --block 3"}) {
    CAPTURE(options);
    Run run = at.ttcRun(std::string("--input $W/x.npy --compare "
                                    "$W/golden.npy --exact ") +
                        options);
    CHECK(run.code == 0);
    CHECK(mentions(run.out, "agrees"));
  }
  Run run = at.ttcRun("--input $W/x.npy --threads 5");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "'fake' was compiled for 4 threads, 5 were asked "
                          "for. Compile it with --threads=5"));
  run = at.ttcRun("--input $W/x.npy --threads 0");
  CHECK(run.code == 1);
  CHECK(mentions(run.err, "it must be at least 1"));
}

TEST_CASE("ttc-run runs on a GPU, here an emulated one") {
  ToolFolder at;
  const std::string run =
      "LD_LIBRARY_PATH='" EMULATOR_FOLDER "' '" TTC_RUN "' '" EMULATED_MODEL
      "' --weights $W/w.safetensors --device cuda:0 "
      "--input $W/x.npy --compare $W/golden.npy --exact ";
  for (const char *options : {"", "--block 3"}) {
    CAPTURE(options);
    Run there = at.run(run + options);
    CHECK(there.code == 0);
    CHECK(mentions(there.out, "agrees"));
    CHECK(there.err.empty());
  }
  Run absent = at.ttcRun("--device cuda:0 --input $W/x.npy");
  CHECK(absent.code == 1);
  CHECK(mentions(absent.err, "was compiled for the CPU alone, not for "
                             "'cuda:0'"));
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
