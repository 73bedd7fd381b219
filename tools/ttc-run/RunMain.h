//===- RunMain.h - How is a compiled model run by hand? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_RUNMAIN_H
#define TTC_RUNMAIN_H

#include "ttc/model.h"

/// All of ttc-run. With `embedded` not null that model is run, and the command
/// line names no library: this is the main function of an executable that the
/// compiler makes (--emit=exe). Returns the exit code.
extern "C" int ttcRunMain(const ttc_model_descriptor *embedded, int argc,
                          char **argv);

#endif // TTC_RUNMAIN_H
