//===- Inputs.cpp - Where do timesteps come from? -------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace ttcrun {

volatile std::sig_atomic_t stopRequested = 0;

namespace {

class NpyInput : public Input {
public:
  NpyInput(NpyArray given, const Port &port)
      : array(std::move(given)), port(port) {
    std::vector<int64_t> rest(array.shape.begin() + !array.shape.empty(),
                              array.shape.end());
    if (array.shape.empty() || rest != port.shape)
      fail("'" + array.path + "' has the shape " + shapeText(array.shape) +
           "; the input '" + port.name + "' needs (timesteps, then " +
           shapeText(port.shape) + ").");
    converts = array.type() != npyType(port.dtype);
    if (converts && (port.dtype != TTC_DTYPE_F32 ||
                     (array.type() != "u1" && array.type() != "b1")))
      fail("'" + array.path + "' has the type " + array.type() +
           "; the input '" + port.name + "' is " + ttc_dtype_name(port.dtype) +
           (port.dtype == TTC_DTYPE_F32
                ? ", for which f4, u1 and b1 are understood."
                : "."));
  }
  int64_t length() const override { return array.shape[0]; }
  bool skip(int64_t steps) override {
    at += steps;
    return at <= length();
  }
  int64_t read(unsigned char *to, int64_t steps) override {
    steps = std::min(steps, length() - at);
    size_t count = port.elements * static_cast<size_t>(steps);
    const unsigned char *from = array.data.data() + port.elements *
                                                        array.itemSize *
                                                        static_cast<size_t>(at);
    if (converts)
      for (size_t i = 0; i < count; ++i) {
        float value = from[i];
        std::memcpy(to + i * sizeof(float), &value, sizeof(float));
      }
    else if (count)
      std::memcpy(to, from, count * array.itemSize);
    at += steps;
    return steps;
  }

private:
  NpyArray array;
  const Port &port;
  bool converts = false;
  int64_t at = 0;
};

/// Numbers without a header, from a file or, as they come, from standard input.
class RawInput : public Input {
public:
  RawInput(const std::string &path, const Port &port)
      : name(path == "-" ? "standard input" : "'" + path + "'"), port(port),
        file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY)) {
    if (file < 0)
      fail("Cannot open " + name + ": " +
           std::generic_category().message(errno) + ".");
    if (port.bytes == 0)
      fail("The input '" + port.name + "' has no elements: " + name +
           " cannot tell how many timesteps there are.");
  }
  ~RawInput() override {
    if (file != STDIN_FILENO)
      ::close(file);
  }
  int64_t length() const override { return -1; }
  bool skip(int64_t steps) override {
    std::vector<unsigned char> ignored(port.bytes);
    for (int64_t i = 0; i < steps; ++i)
      if (read(ignored.data(), 1) == 0)
        return false;
    return true;
  }
  int64_t read(unsigned char *to, int64_t steps) override {
    size_t wanted = port.bytes * static_cast<size_t>(steps);
    size_t have = 0;
    while (have < wanted && !stopRequested) {
      ssize_t count = ::read(file, to + have, wanted - have);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        fail("Cannot read " + name + ": " +
             std::generic_category().message(errno) + ".");
      if (count == 0)
        break;
      have += static_cast<size_t>(count);
    }
    if (have % port.bytes && !stopRequested)
      fail(name +
           " ends inside a timestep: " + std::to_string(have % port.bytes) +
           " bytes are left, a timestep "
           "of the input '" +
           port.name + "' has " + std::to_string(port.bytes) + ".");
    return static_cast<int64_t>(have / port.bytes);
  }

private:
  std::string name;
  const Port &port;
  int file;
};

} // namespace

std::unique_ptr<Input> openNpyInput(NpyArray array, const Port &port) {
  return std::make_unique<NpyInput>(std::move(array), port);
}

std::unique_ptr<Input> openRawInput(const std::string &path, const Port &port) {
  return std::make_unique<RawInput>(path, port);
}

} // namespace ttcrun
