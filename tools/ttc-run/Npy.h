//===- Npy.h - What is in a .npy file? --------------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NumPy's array files, formats 1 to 3: little-endian numbers in C order, and
// nothing else. Failures are std::runtime_error, with a sentence.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_NPY_H
#define TTC_NPY_H

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

struct NpyArray {
  std::string path; ///< for sentences
  char kind = 'f';  ///< 'f' floating point, 'i' and 'u' integers, 'b' booleans
  size_t itemSize = 4; ///< bytes an element
  std::vector<int64_t> shape;
  std::vector<unsigned char> data;

  /// "f4", as NumPy writes it without the byte order.
  std::string type() const { return kind + std::to_string(itemSize); }
  /// The product of the sizes from dimension `first` on.
  size_t elements(size_t first = 0) const;
  /// Element `index` as a number.
  double number(size_t index) const;
};

NpyArray readNpy(const std::string &path);

/// "(3, 4)", as NumPy writes it.
std::string shapeText(const std::vector<int64_t> &shape);

/// Writes an array whose first size is known only at the end. The file appears
/// under its name when it is finished, whole.
class NpyWriter {
public:
  /// `type` is one such as "f4", `shape` that of one timestep.
  NpyWriter(std::string path, std::string type, std::vector<int64_t> shape);
  ~NpyWriter();
  NpyWriter(const NpyWriter &) = delete;
  NpyWriter &operator=(const NpyWriter &) = delete;
  void write(const void *values, size_t bytes);
  void finish(int64_t steps);

private:
  void writeHeader(int64_t steps);
  [[noreturn]] void fail(const char *what);

  std::string path, temporary, type;
  std::vector<int64_t> shape;
  std::FILE *file;
};

#endif // TTC_NPY_H
