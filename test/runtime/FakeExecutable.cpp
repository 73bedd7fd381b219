//===- FakeExecutable.cpp - What is an executable with a model inside? ----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeModel.h"
#include "RunMain.h"

int main(int argc, char **argv) {
  return ttcRunMain(&ttc_model_fake, argc, argv);
}
