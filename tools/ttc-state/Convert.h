//===- Convert.h - Which form do a model's weights have? --------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constrained parameter is trained by its raw value (`net.1.raw_beta`) and
// used by its effective one (`net.1.beta`); the model's table of parameters
// says which keys are the two forms of one, and what turns raw into effective.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CONVERT_H
#define TTC_CONVERT_H

#include <string>

namespace ttcstate {

enum class Form { Raw, Compiled };

/// Writes the weights of `inPath` to `outPath` with every constrained parameter
/// of the model in the library `modelPath` in the form that is asked for; what
/// has it already, and what the model does not know, stays as it is. Prints
/// what each conversion has lost, and what cannot return. Throws for a value
/// that has no raw form, before anything is written. Returns the exit code.
int convert(Form form, const std::string &modelPath, const std::string &inPath,
            const std::string &outPath);

} // namespace ttcstate

#endif // TTC_CONVERT_H
