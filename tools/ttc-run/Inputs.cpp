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

/// Converts one element; false if its value would change.
using Conversion = bool (*)(const unsigned char *from, unsigned char *to);

template <typename From, typename To>
bool toFloat(const unsigned char *from, unsigned char *to) {
  From value;
  std::memcpy(&value, from, sizeof(value));
  To converted = value;
  std::memcpy(to, &converted, sizeof(converted));
  return true;
}

template <typename From, typename To>
bool toInteger(const unsigned char *from, unsigned char *to) {
  From value;
  To converted;
  std::memcpy(&value, from, sizeof(value));
  bool fits = !__builtin_add_overflow(value, 0, &converted);
  std::memcpy(to, &converted, sizeof(converted));
  return fits;
}

template <typename To> Conversion findToInteger(const std::string &type) {
  return type == "i1"   ? toInteger<int8_t, To>
         : type == "i2" ? toInteger<int16_t, To>
         : type == "i4" ? toInteger<int32_t, To>
         : type == "i8" ? toInteger<int64_t, To>
         : type == "u1" ? toInteger<uint8_t, To>
         : type == "u2" ? toInteger<uint16_t, To>
         : type == "u4" ? toInteger<uint32_t, To>
         : type == "u8" ? toInteger<uint64_t, To>
                        : nullptr;
}

/// Null where there is none.
Conversion findConversion(const std::string &type, int32_t dtype) {
  const bool bytes = type == "u1" || type == "b1";
  switch (dtype) {
  case TTC_DTYPE_F32:
    return bytes ? toFloat<uint8_t, float> : nullptr;
  case TTC_DTYPE_F64:
    return bytes          ? toFloat<uint8_t, double>
           : type == "f4" ? toFloat<float, double>
                          : nullptr;
  case TTC_DTYPE_I32:
    return findToInteger<int32_t>(type);
  case TTC_DTYPE_I64:
    return findToInteger<int64_t>(type);
  }
  return nullptr;
}

/// What a port takes, for sentences.
const char *understoodTypes(int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F32:
    return ", for which f4, u1 and b1 are understood.";
  case TTC_DTYPE_F64:
    return ", for which f8, f4, u1 and b1 are understood.";
  case TTC_DTYPE_I32:
  case TTC_DTYPE_I64:
    return ", for which integers are understood.";
  }
  return ".";
}

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
    if (array.type() == npyType(port.dtype))
      return;
    convert = findConversion(array.type(), port.dtype);
    if (!convert)
      fail("'" + array.path + "' has the type " + array.type() +
           "; the input '" + port.name + "' is " + ttc_dtype_name(port.dtype) +
           understoodTypes(port.dtype));
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
    const size_t size = ttc_dtype_size(port.dtype);
    if (convert)
      for (size_t i = 0; i < count; ++i) {
        if (!convert(from + i * array.itemSize, to + i * size))
          refuseValue(static_cast<size_t>(at) * port.elements + i);
      }
    else if (count)
      std::memcpy(to, from, count * array.itemSize);
    at += steps;
    return steps;
  }

private:
  [[noreturn]] void refuseValue(size_t index) const {
    char value[32];
    std::snprintf(value, sizeof(value), "%.0f", array.number(index));
    fail("'" + array.path + "' has the value " + value + " at timestep " +
         std::to_string(index / port.elements) + ", element " +
         std::to_string(index % port.elements) + "; the input '" + port.name +
         "' is " + ttc_dtype_name(port.dtype) + ".");
  }

  NpyArray array;
  const Port &port;
  Conversion convert = nullptr;
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
