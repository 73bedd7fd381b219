//===- BFloat16.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// bf16 on CPUs that have none, or no more than products of it: integer
// arithmetic. LLVM would call a function of the compiler's library for each
// number, which not every system has.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_BFLOAT16_H
#define TTC_CODEGEN_BFLOAT16_H

#include "mlir/IR/PatternMatch.h"
#include "llvm/IR/Module.h"

namespace ttc {

/// Conversions from and to bf16; `rounds` says whether AVX-512 BF16 rounds.
void populateBFloat16Patterns(mlir::RewritePatternSet &patterns, bool rounds);

/// Masked loads and stores of bf16 become those of whole numbers. Where there
/// are none of 16 bits they are done element by element.
void maskAsWholeNumbers(llvm::Module &module);

} // namespace ttc

#endif // TTC_CODEGEN_BFLOAT16_H
