//===- TorchNames.h - Which names may a torch pickle have? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TORCHNAMES_H
#define TTC_TORCHNAMES_H

#include "tensors/Dtype.h"

namespace ttc {

struct TorchName {
  enum class Role {
    OrderedDict,
    Data,        ///< called, gives plain data
    Dtype,       ///< `dtype`
    Constant,    ///< another value
    Storage,     ///< of `dtype`; of bytes if that is null
    TensorClass, ///< what _rebuild_from_type_v2 may make
    Rebuild,     ///< storage, offset, sizes, strides
    RebuildV2,   ///< and requires_grad, hooks, perhaps metadata
    RebuildV3,   ///< and requires_grad, hooks, dtype, perhaps metadata
    Parameter,   ///< a tensor, requires_grad, hooks, perhaps attributes
    FromType,    ///< one of the above, a class, its arguments, attributes
    Unsupported  ///< makes what `what` says, which is not read
  };
  const char *module;
  const char *name;
  Role role;
  const DtypeInfo *dtype = nullptr;
  const char *what = nullptr;
};

/// The names that there are; a name's index is what a pickle's Global holds.
extern const TorchName torchNames[];
extern const size_t numTorchNames;

} // namespace ttc

#endif // TTC_TORCHNAMES_H
