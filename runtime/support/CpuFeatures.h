//===- CpuFeatures.h - Can this CPU run the code? ---------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CPUFEATURES_H
#define TTC_CPUFEATURES_H

#include "support/Error.h"

namespace ttc {

/// Refuses a model whose triple names another architecture, or whose features,
/// separated by commas and named as LLVM names them, this CPU (or its operating
/// system, which must save the wide registers) does not have. `who` begins the
/// sentence: "The model 'digits'".
Status checkTarget(const std::string &who, std::string_view triple,
                   std::string_view features);

/// Asks the operating system for the registers of AMX, which it gives a process
/// that wants them: its threads have that much more to save. checkTarget() does
/// for a model that needs them.
Status requestMatrixRegisters(const std::string &who);

} // namespace ttc

#endif // TTC_CPUFEATURES_H
