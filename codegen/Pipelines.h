//===- Pipelines.h --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler's table of contents: a function and a sentence a stage.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_PIPELINES_H
#define TTC_CODEGEN_PIPELINES_H

#include "codegen/ModelTable.h"
#include "codegen/Target.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/IR/Module.h"

#include <functional>
#include <optional>
#include <vector>

namespace ttc {

/// What a model's declarations are made for.
struct DeclareOptions {
  std::optional<int64_t> batch; ///< to fix it
  /// What states and packed weights are stored as, and packed weights alone:
  /// names that narrow-storage takes, or empty.
  std::string storage, weightsStorage;
};
/// 1 to 2: declares params, in compiled form, and states.
void addDeclarePasses(mlir::OpPassManager &pm, const DeclareOptions &options);
/// 2 to 3: layers become reads, arithmetic and writes.
void addExpandPasses(mlir::OpPassManager &pm);
/// 3 to 4: the model becomes a pure function.
void addThreadPasses(mlir::OpPassManager &pm);
/// 4 to nests: one nest a layer, what needs no input hoisted, states placed.
/// Products multiply in bf16 if so said.
void addFusePasses(mlir::OpPassManager &pm, const Schedule &schedule,
                   bool narrowProducts = false);
/// Nests to 5: loops over vectors; with a form for several workers if there may
/// be some.
void addSchedulePasses(mlir::OpPassManager &pm, const Schedule &schedule,
                       int64_t workers = 1);
/// The same for a GPU, whose products are in tf32 if so said; prepare is for
/// the CPU with this unit.
void addGpuSchedulePasses(mlir::OpPassManager &pm, const VectorUnit &host,
                          bool usesTF32 = false);
/// 5 to the LLVM dialect.
void addLLVMPasses(mlir::OpPassManager &pm, const VectorUnit &unit);

/// Makes the pipelines known to tt-opt: --ttc-to-threaded, --ttc-to-nests,
/// --ttc-to-scheduled.
void registerPipelines();

/// The prepared weights that a model is compiled with.
struct EmbeddedWeights {
  std::vector<uint8_t> bytes;
  std::string checksum; ///< CRC-32C, eight hexadecimal digits
};
/// Given a descriptor whose `prepare` runs here and now, makes the prepared
/// weights.
using EmbedFunction = std::function<llvm::Expected<EmbeddedWeights>(
    const ttc_model_descriptor &)>;

/// Translates a module in the LLVM dialect, or returns null.
std::unique_ptr<llvm::Module> translateModule(mlir::ModuleOp module,
                                              llvm::LLVMContext &context,
                                              llvm::StringRef name);

/// 6: translates a module in the LLVM dialect and adds the descriptor and the
/// functions it points to. `embedded` may be null.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                const Target &target, const ModelTable &table,
                const EmbeddedWeights *embedded);

/// Adds the descriptor `ttc_model_<name>` and its functions to a translated
/// module.
void emitDescriptor(llvm::Module &module, const ModelTable &table,
                    const EmbeddedWeights *embedded);

/// Links `other`, the same model translated for another CPU, into `module`, and
/// makes it the last of the alternatives there. Their functions say themselves
/// which CPU they are for.
llvm::Error addAlternative(llvm::Module &module,
                           std::unique_ptr<llvm::Module> other,
                           const ModelTable &table);

/// Compiles the prepare function of a scheduled module for this machine and
/// hands `embed` a descriptor that calls it.
llvm::Expected<EmbeddedWeights> runPrepareHere(mlir::ModuleOp scheduled,
                                               const ModelTable &table,
                                               const VectorUnit &unit,
                                               const EmbedFunction &embed);

/// Runs LLVM's optimiser at the target's level.
void optimize(llvm::Module &module, const Target &target, int level);
/// Machine code: an ELF object, or assembly text.
llvm::Error emitMachineCode(llvm::Module &module, const Target &target,
                            bool assembly, llvm::raw_pwrite_stream &out);
/// The C header of a compiled model.
std::string emitHeader(const ModelTable &table, llvm::StringRef fileStem);

} // namespace ttc

#endif // TTC_CODEGEN_PIPELINES_H
