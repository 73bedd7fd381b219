//===- MixedModel.h - What else might the compiler have made? -----*- C -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MIXEDMODEL_H
#define TTC_MIXEDMODEL_H

#include "ttc/model.h"

#define MIXED_ROWS 5
#define MIXED_SIZE 3
#define MIXED_LAYERS 2

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const ttc_model_descriptor ttc_model_mixed;

#endif // TTC_MIXEDMODEL_H
