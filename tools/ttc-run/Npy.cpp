//===- Npy.cpp - What is in a .npy file? ----------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace {

constexpr std::string_view magic("\x93NUMPY", 6);

/// The header that is written, padded so that its length does not depend on the
/// number of steps and the data starts at a multiple of 64 bytes.
constexpr size_t writtenHeader = 256;

[[noreturn]] void refuse(const std::string &path, const std::string &what) {
  throw std::runtime_error("Cannot read '" + path + "': " + what + ".");
}

std::string reason(int number) {
  return std::generic_category().message(number);
}

std::vector<unsigned char> readAll(const std::string &path) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    refuse(path, reason(errno));
  std::vector<unsigned char> bytes;
  unsigned char buffer[1 << 16];
  size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof(buffer), file)) > 0)
    bytes.insert(bytes.end(), buffer, buffer + count);
  int number = std::ferror(file) ? errno : 0;
  std::fclose(file);
  if (number)
    refuse(path, reason(number));
  return bytes;
}

/// Reads the header's text: a Python dictionary of three entries, of which only
/// the forms that NumPy writes are understood.
class HeaderText {
public:
  HeaderText(const std::string &path, std::string_view text)
      : path(path), text(text) {}

  void read(NpyArray &array) {
    expect('{');
    unsigned seen = 0;
    while (!take('}')) {
      std::string key = string();
      expect(':');
      unsigned bit = 0;
      if (key == "descr") {
        bit = 1;
        type(array);
      } else if (key == "fortran_order") {
        bit = 2;
        if (word() != "False")
          refuse(path, "it is in Fortran order; save it with "
                       "numpy.ascontiguousarray");
      } else if (key == "shape") {
        bit = 4;
        shape(array);
      }
      if (!bit || (seen & bit))
        refuse(path, "its header has the key '" + key +
                         "', which is unknown or there twice");
      seen |= bit;
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skipSpace();
    if (seen != 7 || at != text.size())
      refuse(path, "its header needs descr, fortran_order and shape, and "
                   "nothing else");
  }

private:
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  bool take(char wanted) {
    skipSpace();
    if (at == text.size() || text[at] != wanted)
      return false;
    ++at;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted))
      refuse(path, std::string("its header has no '") + wanted + "' at byte " +
                       std::to_string(at));
  }
  std::string string() {
    expect('\'');
    size_t end = text.find('\'', at);
    if (end == std::string_view::npos)
      refuse(path, "its header has a string without an end");
    std::string result(text.substr(at, end - at));
    at = end + 1;
    return result;
  }
  std::string_view word() {
    skipSpace();
    size_t start = at;
    while (at < text.size() &&
           std::isalpha(static_cast<unsigned char>(text[at])))
      ++at;
    return text.substr(start, at - start);
  }
  void type(NpyArray &array) {
    std::string descr = string();
    bool wellFormed = descr.size() == 3 &&
                      std::strchr("<|", descr[0]) != nullptr &&
                      std::strchr("fiub", descr[1]) != nullptr &&
                      std::strchr("1248", descr[2]) != nullptr;
    if (wellFormed) {
      array.kind = descr[1];
      array.itemSize = static_cast<size_t>(descr[2] - '0');
      wellFormed = (descr[0] == '|') == (array.itemSize == 1) &&
                   (array.kind != 'b' || array.itemSize == 1) &&
                   (array.kind != 'f' || array.itemSize >= 4);
    }
    if (!wellFormed)
      refuse(path, "its type is '" + descr +
                       "'; little-endian f4, f8, integers and booleans are "
                       "understood");
  }
  void shape(NpyArray &array) {
    expect('(');
    while (!take(')')) {
      skipSpace();
      size_t start = at;
      uint64_t value = 0;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        if (__builtin_mul_overflow(value, uint64_t(10), &value) ||
            __builtin_add_overflow(value, uint64_t(text[at] - '0'), &value) ||
            value > INT64_MAX)
          refuse(path, "its shape has a size that is too large");
        ++at;
      }
      if (at == start)
        refuse(path, "its shape is no list of sizes");
      array.shape.push_back(static_cast<int64_t>(value));
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }

  const std::string &path;
  std::string_view text;
  size_t at = 0;
};

template <typename T> double as(const unsigned char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return static_cast<double>(value);
}

} // namespace

size_t NpyArray::elements(size_t first) const {
  size_t product = 1;
  for (size_t i = first; i < shape.size(); ++i)
    product *= static_cast<size_t>(shape[i]);
  return product;
}

double NpyArray::number(size_t index) const {
  const unsigned char *at = data.data() + index * itemSize;
  switch (kind) {
  case 'f':
    return itemSize == 4 ? as<float>(at) : as<double>(at);
  case 'i':
    return itemSize == 1   ? as<int8_t>(at)
           : itemSize == 2 ? as<int16_t>(at)
           : itemSize == 4 ? as<int32_t>(at)
                           : as<int64_t>(at);
  default:
    return itemSize == 1   ? as<uint8_t>(at)
           : itemSize == 2 ? as<uint16_t>(at)
           : itemSize == 4 ? as<uint32_t>(at)
                           : as<uint64_t>(at);
  }
}

NpyArray readNpy(const std::string &path) {
  NpyArray array;
  array.path = path;
  std::vector<unsigned char> bytes = readAll(path);
  if (bytes.size() < 10 || std::memcmp(bytes.data(), magic.data(), 6) != 0)
    refuse(path, "it does not begin as a .npy file does");
  unsigned version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] != 0)
    refuse(path, "its format is " + std::to_string(version) + "." +
                     std::to_string(bytes[7]) + ", 1.0 to 3.0 are understood");
  size_t start = version == 1 ? 10 : 12;
  size_t length = bytes[8] | bytes[9] << 8;
  if (version > 1 && bytes.size() >= 12)
    length |= static_cast<size_t>(bytes[10]) << 16 |
              static_cast<size_t>(bytes[11]) << 24;
  if (bytes.size() < start || length > bytes.size() - start)
    refuse(path, "it ends inside its header");
  HeaderText(path,
             {reinterpret_cast<const char *>(bytes.data()) + start, length})
      .read(array);
  start += length;

  uint64_t expected = array.itemSize;
  for (int64_t size : array.shape)
    if (__builtin_mul_overflow(expected, static_cast<uint64_t>(size),
                               &expected))
      refuse(path, "its shape " + shapeText(array.shape) +
                       " has more elements than can be counted");
  if (bytes.size() - start != expected)
    refuse(path, "it has " + std::to_string(bytes.size() - start) +
                     " bytes of data, " + array.type() + " of shape " +
                     shapeText(array.shape) + " needs " +
                     std::to_string(expected));
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(start));
  array.data = std::move(bytes);
  return array;
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

NpyWriter::NpyWriter(std::string givenPath, std::string type,
                     std::vector<int64_t> shape)
    : path(std::move(givenPath)),
      temporary(path + ".tmp." + std::to_string(::getpid())),
      type(std::move(type)), shape(std::move(shape)),
      file(std::fopen(temporary.c_str(), "wbx")) {
  if (!file)
    fail("create");
  writeHeader(0);
}

NpyWriter::~NpyWriter() {
  if (!file)
    return;
  std::fclose(file);
  std::remove(temporary.c_str());
}

void NpyWriter::fail(const char *what) {
  throw std::runtime_error(std::string("Cannot ") + what + " '" + temporary +
                           "': " + reason(errno) + ".");
}

void NpyWriter::writeHeader(int64_t steps) {
  std::vector<int64_t> whole = {steps};
  whole.insert(whole.end(), shape.begin(), shape.end());
  std::string header(magic);
  header += std::string("\x01\x00", 2);
  constexpr size_t length = writtenHeader - 10;
  header += static_cast<char>(length & 0xFF);
  header += static_cast<char>(length >> 8);
  header += "{'descr': '<" + type +
            "', 'fortran_order': False, 'shape': " + shapeText(whole) + ", }";
  if (header.size() >= writtenHeader)
    throw std::runtime_error("Cannot write '" + path + "': the shape " +
                             shapeText(whole) + " is too long.");
  header.append(writtenHeader - 1 - header.size(), ' ');
  header += '\n';
  if (std::fwrite(header.data(), 1, header.size(), file) != header.size())
    fail("write");
}

void NpyWriter::write(const void *values, size_t bytes) {
  if (std::fwrite(values, 1, bytes, file) != bytes)
    fail("write");
}

void NpyWriter::finish(int64_t steps) {
  if (std::fseek(file, 0, SEEK_SET) != 0)
    fail("write");
  writeHeader(steps);
  std::FILE *finished = std::exchange(file, nullptr);
  if (std::fclose(finished) != 0 ||
      std::rename(temporary.c_str(), path.c_str()) != 0) {
    int number = errno;
    std::remove(temporary.c_str());
    throw std::runtime_error("Cannot write '" + path + "': " + reason(number) +
                             ".");
  }
}
