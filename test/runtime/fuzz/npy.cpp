//===- npy.cpp - Does any file break the reader of NumPy arrays? ----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "FuzzedFile.h"

#include <cstdlib>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static FuzzedFile file("array.npy");
  file.write(data, size);
  try {
    NpyArray array = readNpy(file.path());
    if (array.elements() * array.itemSize != array.data.size())
      std::abort();
    for (size_t i = 0; i < array.elements(); ++i)
      (void)array.number(i);
  } catch (const std::runtime_error &) {
    // Refused, with a sentence.
  }
  return 0;
}
