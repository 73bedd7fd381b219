//===- FakeModel.h - What might the compiler have made? -----------*- C -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_FAKEMODEL_H
#define TTC_FAKEMODEL_H

#include "ttc/model.h"

#define FAKE_NEURONS 4

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const ttc_model_descriptor ttc_model_fake;

#endif // TTC_FAKEMODEL_H
