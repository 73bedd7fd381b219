//===- ttc-run.cpp - Runs a compiled model over an input ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunMain.h"

int main(int argc, char **argv) { return ttcRunMain(nullptr, argc, argv); }
