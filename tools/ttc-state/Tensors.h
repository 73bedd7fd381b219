//===- Tensors.h - How is a tensor shown? -----------------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TENSORS_H
#define TTC_TENSORS_H

#include "ttc/runtime.hpp"

namespace ttcstate {

/// Opens a file, with TTC_WEIGHTS_ flags, and says on standard error what is
/// odd about it.
ttc::Weights openNoting(const std::string &path, int flags);

/// A name on one line, whatever it contains.
std::string printable(const char *name);

/// The sizes, such as "[2,3]".
std::string shapeText(const ttc_tensor &tensor);

size_t elements(const ttc_tensor &tensor);

/// Where element `index` is, such as "[1,5]".
std::string position(const ttc_tensor &tensor, size_t index);

/// Element `index` of a tensor of a dtype that ttc computes with.
double element(const ttc_tensor &tensor, size_t index);

} // namespace ttcstate

#endif // TTC_TENSORS_H
