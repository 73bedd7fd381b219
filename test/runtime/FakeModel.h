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
/// The most workers of a team.
#define FAKE_WORKERS 4

#if defined(__x86_64__)
#define FAKE_TRIPLE "x86_64-unknown-linux-gnu"
#define FAKE_FEATURES "sse,sse2"
#elif defined(__aarch64__)
#define FAKE_TRIPLE "aarch64-unknown-linux-gnu"
#define FAKE_FEATURES ""
#else
#define FAKE_TRIPLE "riscv64-unknown-linux-gnu"
#define FAKE_FEATURES ""
#endif

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const ttc_model_descriptor ttc_model_fake;

#endif // TTC_FAKEMODEL_H
