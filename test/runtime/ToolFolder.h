//===- ToolFolder.h - What do the tools' tests work on? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TOOLFOLDER_H
#define TTC_TOOLFOLDER_H

#include "Fixtures.h"
#include "ttc/runtime.hpp"

#include <cstdlib>
#include <sys/wait.h>

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

inline bool mentions(const std::string &text, const std::string &part) {
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

#endif // TTC_TOOLFOLDER_H
