//===- Scheduling.h -------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the schedules of the step and of its prepare function share.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_SCHEDULING_H
#define TTC_CODEGEN_SCHEDULING_H

#include "codegen/NestEmitter.h"
#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"

#include <map>
#include <tuple>

namespace ttc {

/// Where every buffer begins: at a cache line.
inline constexpr int64_t bufferAlignment = 64;

/// The forms that a prepared value is stored in: as it is, packed for a
/// product, or for one that multiplies in bf16.
enum class Layout { Dense, Panels, NarrowPanels };

/// The form of the weights of product `index`.
Layout layoutOf(NestOp nest, unsigned index);

/// Whether the active ones of a product's inputs are listed, if they are few. A
/// matrix unit multiplies all in less time, unless it is known that few are.
bool listsEvents(mlir::Value input, const Schedule &schedule);

/// How a matrix of weights is stored for a product.
struct PackedForm {
  PanelPlan panels;
  mlir::Type element;
  /// The panels and what stands behind them in their type.
  int64_t elements;
  /// Whether they are rounded to tf32, in 32 bits.
  bool isTF32 = false;
  /// Of weights that are whole numbers: a scale of f32 for each output feature
  /// of the panels, so many bytes behind their start. The product is multiplied
  /// by it. 0 where the panels have the weights themselves.
  int64_t numScales = 0, scalesOffset = 0;
  int64_t bytes;
};

/// Whether a GPU's matrix units multiply product `index` of a nest, by weights
/// of this plan.
bool isForWarp(NestOp nest, unsigned index, const PanelPlan &plan,
               const Schedule &schedule);

/// Where the prepare function leaves each value, in each form that the step
/// reads.
struct PreparedPlan {
  /// By the index of the value and its layout: bytes from the start.
  llvm::MapVector<std::pair<unsigned, Layout>, int64_t> offsets;
  int64_t size = 0;
  /// What packed weights are stored as, if narrower than they are computed
  /// with; else null. f32 has those of products in bf16 stay as they are, too.
  mlir::Type storage;
  /// The schedule of what reads it.
  Schedule reader;

  /// Reserves room; returns where it begins.
  int64_t reserve(int64_t bytes);
  void add(unsigned index, Layout layout, int64_t bytes);

  PackedForm packedForm(mlir::RankedTensorType weight, Layout layout,
                        const Schedule &schedule) const;
};

/// Places what the step reads of its prepared values.
PreparedPlan planPrepared(mlir::func::FuncOp step, const Schedule &schedule);

/// What the workers of a team wait for each other with: it takes what the
/// shared step was given for it, and the worker.
inline constexpr llvm::StringLiteral barrierFunction = "ttc.barrier";

/// How LLVM is to treat a loop, on the scf.for; then on the branch that closes
/// it.
inline constexpr llvm::StringLiteral loopAnnotationAttr =
    "llvm.loop_annotation";

/// Keeps a loop a loop: whoever sees that it has few turns would write them
/// out, and hold more in registers than there are.
void keepLoop(mlir::scf::ForOp loop);

/// The same for the loop that gives `results`.
void keepLoopOf(llvm::ArrayRef<mlir::Value> results);

/// Gives a number as it is, of which the optimizer knows nothing.
inline constexpr llvm::StringLiteral opaqueFunction = "ttc.opaque";

/// What threads of a GPU read from each other with: a value, the lane of the
/// warp whose value is wanted, and a mask of the lanes that take part.
inline constexpr llvm::StringLiteral readLaneF32 = "ttc.read_lane_f32";
inline constexpr llvm::StringLiteral readLaneF64 = "ttc.read_lane_f64";

/// What a thread asks for: its number in its block, and the shared memory of
/// the block, from the beginning.
inline constexpr llvm::StringLiteral threadInBlock = "ttc.thread_in_block";
inline constexpr llvm::StringLiteral keptMemory = "ttc.kept_memory";

/// What the threads of a warp multiply matrices with: 16 rows of weights, 8 of
/// inputs, and the sums, of which each thread has what PTX calls a fragment of
/// mma.m16n8k16 (bf16) or mma.m16n8k8 (tf32). And how a number of f32 becomes
/// one of tf32, in a word.
inline constexpr llvm::StringLiteral multiplyBF16 = "ttc.multiply_bf16";
inline constexpr llvm::StringLiteral multiplyTF32 = "ttc.multiply_tf32";
inline constexpr llvm::StringLiteral roundToTF32 = "ttc.round_tf32";

/// Who computes a timestep.
enum class StepForm {
  Alone,   ///< one thread: the function `<name>.step`
  Shared,  ///< the workers of a team, each its part: `<name>.shared`
  Threads, ///< the same, by the threads of a GPU
  Element, ///< one of its own elements (OwnElements.h): `<name>.element`
  /// The threads of a GPU, with weights in shared memory (KeptWeights.h):
  /// `<name>.kept`, and `<name>.keep`, which brings them there.
  Kept,
  Keep
};

/// A function on pointers that is being emitted: the step, prepare, or a part
/// of either. A part takes the pointers and offsets that it comes to use, so
/// that layers that are alike share one.
class EntryBuilder {
public:
  /// prepare: its arguments are pointers.
  EntryBuilder(mlir::func::FuncOp original, llvm::StringRef name,
               unsigned numPointers);
  /// A step. Behind the pointers it takes the batch; if it is shared, the batch
  /// is that of the team's own rows, and there follow all rows, the number of
  /// the first of its own, the worker, how many there are, the number of the
  /// worker's own room in the scratch (or how many threads of a block keep
  /// weights), and what the barrier takes.
  /// `isReadOnly` tells which pointers a step only reads behind.
  EntryBuilder(mlir::func::FuncOp original, llvm::StringRef name,
               unsigned numPointers, StepForm form,
               llvm::function_ref<bool(unsigned)> isReadOnly);
  /// A part of `whole`.
  explicit EntryBuilder(EntryBuilder &whole);

  /// A view of all elements of a tensor that lies at `offset` behind pointer
  /// `index` of the whole.
  Buffer view(unsigned index, mlir::RankedTensorType type, BytesAttr offset);
  /// A view of the row at hand of such a tensor.
  Buffer rowView(unsigned index, mlir::RankedTensorType type, BytesAttr offset);
  /// The same for a known number of elements, in a room of `roomBytes` that
  /// each worker has one of.
  Buffer view(unsigned index, mlir::Type element, int64_t count, int64_t offset,
              int64_t roomBytes = 0);

  /// Ends a part and calls it from the whole: or one that is the same and was
  /// there before.
  void finishPart();

  mlir::ImplicitLocOpBuilder b;
  mlir::func::FuncOp function;
  mlir::Value batch; ///< null where there is none
  Team team;
  /// Of a whole that computes some operations row by row: the row at hand.
  mlir::Value row;

private:
  /// Where something lies behind a pointer.
  struct Start {
    BytesAttr offset;
    int64_t rowBytes = 0;    ///< of a tensor with rows of the batch
    int64_t roomBytes = 0;   ///< of what each worker has one of
    int64_t strideBytes = 0; ///< from one row at hand to the next
  };

  Buffer view(unsigned index, mlir::Type element, mlir::Value elements,
              int64_t count, const Start &start);
  mlir::Value pointer(unsigned index);
  mlir::Value pointerTo(unsigned index, const Start &start);
  mlir::Value startOf(const Start &start);
  mlir::Value bytesFrom(const Start &start);
  /// Takes over what a part needs to know of the team.
  void joinTeam();
  void barrier();
  /// Has what threads compute from here on of the rows be computed here, and
  /// not kept from before.
  void forgetRows();
  mlir::Value addArgument(mlir::Type type);

  EntryBuilder *whole = nullptr;
  /// Of a shared whole.
  mlir::Value allRows, firstRow, room;
  /// Of a team.
  mlir::Value handle;
  /// Of a part: whether its workers wait for each other within it.
  bool waits = false;
  /// Of a part: what the whole passes for each argument.
  llvm::SmallVector<mlir::Value> passed;
  llvm::DenseMap<unsigned, mlir::Value> pointers;
  /// Of an element's part: what it is given for a tensor that lies at so many
  /// bytes, fixed and of the batch, behind a pointer.
  std::map<std::tuple<unsigned, int64_t, int64_t>, mlir::Value> tensors;
  /// Of a whole: its parts by their text.
  llvm::StringMap<mlir::func::FuncOp> parts;
};

mlir::RankedTensorType tensorType(mlir::Value value);
/// The bytes of one element.
int64_t elementBytes(mlir::Type type);

/// The function that packs matrices of `from` into panels of this form, made at
/// its first use, in front of `prepare`. It takes the pointers of the matrix
/// and of the panels, where each begins in bytes, the matrix's rows and columns
/// and how far apart its rows are, of one PanelGroup the panels, their width
/// and their first row, and which element to leave the sum of 0 · weight in: 0,
/// or NaN if a weight is not finite.
mlir::func::FuncOp getPackFunction(mlir::func::FuncOp prepare, mlir::Type from,
                                   const PackedForm &form);

/// The same for panels of i8: its last argument is where the scales begin, in
/// bytes.
mlir::func::FuncOp getQuantizeFunction(mlir::func::FuncOp prepare,
                                       mlir::Type from);

/// Emits the step beside its threaded function: finds every tensor its memory,
/// then emits operation after operation. Returns the size of the scratch.
/// That has a room for each of `workers`; with more than one, the shared form
/// is emitted as well, or alone for a GPU.
BytesAttr scheduleStep(mlir::func::FuncOp step, const Schedule &schedule,
                       const PreparedPlan &plan, mlir::ModuleOp module,
                       int64_t workers);

/// Emits all functions of a model that is threaded and planned: what a timestep
/// does by `schedule`, and prepare for the CPU that runs it, by `host`. Leaves
/// the sizes on the module; fails with a diagnostic.
mlir::LogicalResult scheduleModel(mlir::ModuleOp module,
                                  const Schedule &schedule,
                                  const Schedule &host, int64_t workers);

/// Emits the prepare function, by the schedule of the CPU that runs it:
/// activates what comes raw, computes what depends on the weights alone, and
/// packs. The plan grows by what only prepare reads.
void schedulePrepare(mlir::func::FuncOp prepare, const Schedule &schedule,
                     PreparedPlan &plan, mlir::ModuleOp module);

} // namespace ttc

#endif // TTC_CODEGEN_SCHEDULING_H
