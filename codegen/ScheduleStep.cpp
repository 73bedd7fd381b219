//===- ScheduleStep.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a timestep finds its memory, and becomes loops on it.
//
//===----------------------------------------------------------------------===//

#include "codegen/KeptWeights.h"
#include "codegen/OwnElements.h"
#include "codegen/RowGroups.h"
#include "codegen/Scheduling.h"
#include "codegen/TTCCodegenPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

/// Bytes of a tensor: fixed, or for each row of the batch; rounded up so that
/// the next one is aligned.
static std::pair<int64_t, int64_t> bytesOf(RankedTensorType type) {
  int64_t bytes = elementBytes(type);
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  bytes = llvm::alignTo(bytes, bufferAlignment);
  return type.hasStaticShape() ? std::make_pair(bytes, int64_t(0))
                               : std::make_pair(int64_t(0), bytes);
}

namespace {

/// A block of memory that grows as tensors are placed in it.
struct MemoryBlock {
  int64_t fixed = 0, perBatch = 0;

  BytesAttr place(MLIRContext *context, RankedTensorType type) {
    auto [fixedBytes, batchBytes] = bytesOf(type);
    // Growing tensors lie behind all fixed ones, whose total is known at the
    // end only: a block holds tensors of one sort.
    assert((fixed == 0 || batchBytes == 0) &&
           (perBatch == 0 || fixedBytes == 0));
    auto at = BytesAttr::get(context, fixed, perBatch);
    fixed += fixedBytes;
    perBatch += batchBytes;
    return at;
  }
};

/// Emits the step: finds every tensor its memory, then emits nest after nest.
class StepScheduler {
public:
  StepScheduler(func::FuncOp step, const Schedule &schedule,
                const PreparedPlan &prepared, ModuleOp module, StepForm form,
                int64_t workers, const KeptPlan &kept = KeptPlan())
      : step(step), schedule(schedule), prepared(prepared), module(module),
        symbols(module), form(form), workers(workers), kept(kept) {}

  /// Returns the size of the scratch.
  BytesAttr emit() {
    for (unsigned i = 0; i < step.getNumArguments(); ++i)
      numInputs += bool(step.getArgAttr(i, inputAttr));
    for (unsigned i = 0; i < step.getNumResults(); ++i)
      numOutputs += bool(step.getResultAttr(i, outputAttr));
    if (!schedule.isGPU) {
      eventsOffset = llvm::alignTo(tileBytes(), bufferAlignment);
      roomBytes = eventsOffset + eventsBytes();
    }
    scratchFixed.fixed = workers * roomBytes;
    planScratch();
    placeArguments();

    Frame whole(schedule, step, (step.getSymName() + suffix()).str(),
                scratchPointer() + 1, form, [&](unsigned pointer) {
                  return pointer < numInputs || pointer == preparedPointer();
                });
    frame = &whole;
    if (form == StepForm::Keep) {
      emitKeep();
      func::ReturnOp::create(whole.entry.b);
      return bytes(0);
    }
    emitBody();
    if (module->hasAttr(generatorAttr)) {
      barrier();
      frame->emitter.emitOnce([&] { advanceGenerator(); });
    }
    func::ReturnOp::create(whole.entry.b);
    return bytes(scratchFixed.fixed, scratchGrowing.perBatch);
  }

private:
  StringRef suffix() const {
    switch (form) {
    case StepForm::Alone:
      return ".step";
    case StepForm::Shared:
    case StepForm::Threads:
      return ".shared";
    case StepForm::Element:
      return ".element";
    case StepForm::Kept:
      return ".kept";
    case StepForm::Keep:
      return ".keep";
    }
    llvm_unreachable("all forms have a name");
  }

  /// Where a tensor lies: so far behind one of the step's pointers.
  struct Place {
    unsigned pointer;
    RankedTensorType type;
    BytesAttr offset;
  };

  /// A function that is being emitted: the step, or one operation of a long
  /// one.
  struct Frame {
    template <typename... Args>
    Frame(const Schedule &schedule, Args &&...args)
        : entry(std::forward<Args>(args)...),
          emitter(entry.b, schedule, entry.batch, entry.team) {}

    EntryBuilder entry;
    NestEmitter emitter;
  };

  unsigned preparedPointer() { return numInputs + numOutputs; }
  unsigned statesPointer() { return numInputs + numOutputs + 1; }
  unsigned scratchPointer() { return numInputs + numOutputs + 2; }

  Operation *terminator() { return step.getBody().front().getTerminator(); }

  /// A state's new value may overwrite the old one element by element if
  /// nothing reads the old one later, nor at another place in the nest that
  /// makes the new one.
  bool isInPlace(OpResult value, BlockArgument oldState) {
    Operation *maker = value.getOwner();
    auto nest = dyn_cast<NestOp>(maker);
    for (OpOperand &use : oldState.getUses()) {
      Operation *user = use.getOwner();
      if (user == terminator())
        continue; // copied before anything is written
      if (isa<tensor::DimOp>(user))
        continue; // asks for its size alone
      if (nest && user == nest) {
        for (auto [i, input] : llvm::enumerate(nest.getInputs()))
          if (input == oldState && !nest.getMap(i).isIdentity())
            return false;
        if (llvm::is_contained(nest.getProductInputs(), oldState))
          return false;
        continue;
      }
      // A view may be read anywhere later; loops in front are done by then.
      if (!becomesLoops(user) || !user->isBeforeInBlock(maker))
        return false;
    }
    return true;
  }

  struct Output {
    Value value;            ///< what is returned
    BlockArgument oldState; ///< the state it replaces; null for an output
    unsigned pointer;       ///< for an output: its pointer
  };

  SmallVector<Output> outputs() {
    SmallVector<Output> result;
    for (OpOperand &operand : terminator()->getOpOperands()) {
      unsigned i = operand.getOperandNumber();
      Output output{operand.get(), nullptr, numInputs + i};
      if (step.getResultAttr(i, stateAttr))
        output.oldState = argumentOf(i);
      result.push_back(output);
    }
    return result;
  }

  /// The state that result `index` replaces.
  BlockArgument argumentOf(unsigned index) {
    for (BlockArgument argument : step.getArguments()) {
      unsigned i = argument.getArgNumber();
      if (step.getArgAttr(i, stateAttr) ==
              step.getResultAttr(index, stateAttr) &&
          step.getArgAttr(i, placeAttr) == step.getResultAttr(index, placeAttr))
        return argument;
    }
    llvm_unreachable("thread-states gives every state an argument");
  }

  /// Gives a place in the scratch to each nest result that has no other, and to
  /// each state that replaces another one.
  void planScratch() {
    auto place = [&](Value value) {
      RankedTensorType type = tensorType(value);
      MemoryBlock &block =
          type.hasStaticShape() ? scratchFixed : scratchGrowing;
      scratch[value] = block.place(step.getContext(), type);
    };
    for (const Output &output : outputs()) {
      Value root = rootOf(output.value);
      if (auto result = dyn_cast<OpResult>(root)) {
        if (!output.oldState || isInPlace(result, output.oldState))
          homes.insert(root);
        continue;
      }
      auto argument = cast<BlockArgument>(root);
      bool fromState =
          step.getArgAttr(argument.getArgNumber(), stateAttr) != nullptr;
      if (output.oldState && fromState && output.oldState != argument)
        place(argument);
    }
    for (Operation &op : step.getBody().front())
      if (becomesLoops(&op))
        for (Value result : op.getResults())
          if (!homes.contains(result))
            place(result);
  }

  BytesAttr bytes(int64_t fixed, int64_t perBatch = 0) {
    return BytesAttr::get(step.getContext(), fixed, perBatch);
  }

  Place scratchPlace(Value value) {
    BytesAttr at = scratch.lookup(value);
    // Growing tensors lie behind the fixed ones.
    if (!tensorType(value).hasStaticShape())
      at = bytes(scratchFixed.fixed, at.getPerBatch());
    return {scratchPointer(), tensorType(value), at};
  }

  void placeArguments() {
    unsigned input = 0;
    for (BlockArgument argument : step.getArguments()) {
      unsigned i = argument.getArgNumber();
      Place &place = places[argument];
      place.type = tensorType(argument);
      if (step.getArgAttr(i, inputAttr)) {
        place.pointer = input++;
        place.offset = bytes(0);
      } else if (auto symbol =
                     step.getArgAttrOfType<FlatSymbolRefAttr>(i, stateAttr)) {
        place.pointer = statesPointer();
        place.offset = stateOffset(argument, symbol);
      } else {
        place.pointer = preparedPointer();
        auto found =
            prepared.offsets.find({preparedIndex(argument), Layout::Dense});
        if (found != prepared.offsets.end())
          place.offset = bytes(found->second);
      }
    }
  }

  /// A state's place in the block; for one of a stack behind those before it.
  BytesAttr stateOffset(BlockArgument argument, FlatSymbolRefAttr symbol) {
    BytesAttr start =
        symbols.lookup<StateOp>(symbol.getValue()).getOffsetAttr();
    auto index =
        step.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), placeAttr);
    if (!index)
      return start;
    RankedTensorType type = tensorType(argument);
    int64_t skipped = index.getInt() * elementBytes(type);
    for (int64_t size : type.getShape())
      skipped *= ShapedType::isDynamic(size) ? 1 : size;
    return type.hasStaticShape()
               ? bytes(start.getFixed() + skipped, start.getPerBatch())
               : bytes(start.getFixed(), start.getPerBatch() + skipped);
  }

  Buffer view(const Place &place) {
    return frame->entry.view(place.pointer, place.type, place.offset);
  }

  /// The row at hand of a tensor that lies at `place`, be it as one of another
  /// shape.
  Buffer rowView(const Place &place, Value tensor) {
    return frame->entry.rowView(place.pointer, tensorType(tensor),
                                place.offset);
  }

  unsigned preparedIndex(BlockArgument argument) {
    return step
        .getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), preparedAttr)
        .getInt();
  }

  void placeWeight(NestOp nest, unsigned index, NestBuffers &buffers) {
    Value weight = nest.getProductWeights()[index];
    Layout layout = layoutOf(nest, index);
    PackedForm form = prepared.packedForm(tensorType(weight), layout, schedule);
    int64_t offset =
        prepared.offsets
            .find({preparedIndex(cast<BlockArgument>(weight)), layout})
            ->second;
    buffers.packedWeights.push_back(frame->entry.view(
        preparedPointer(), form.element, form.elements, offset));
    buffers.scales.push_back(
        form.numScales
            ? frame->entry.view(preparedPointer(), getElementTypeOrSelf(weight),
                                form.numScales, offset + form.scalesOffset)
            : Buffer());
  }

  /// Room for the sums of a tile, of the nest with the most products.
  int64_t tileBytes() {
    int64_t most = 0;
    for (NestOp nest : step.getBody().front().getOps<NestOp>())
      for (Value weight : nest.getProductWeights()) {
        int64_t size = elementBytes(weight.getType());
        most = std::max<int64_t>(most,
                                 nest.getNumProducts() * size *
                                     NestEmitter::tileElements(schedule, size));
      }
    return most;
  }

  Buffer tile(NestOp nest) {
    Type element = nest.getBody().getArgument(0).getType();
    int64_t elements =
        nest.getNumProducts() *
        NestEmitter::tileElements(schedule, elementBytes(element));
    return frame->entry.view(scratchPointer(), element, elements, 0, roomBytes);
  }

  bool listsEvents(Value input) { return ttc::listsEvents(input, schedule); }

  /// Room for a list of active inputs: whole vectors are stored at its end.
  int64_t listBytes(Value input) {
    return llvm::alignTo(
        (tensorType(input).getShape().back() + schedule.lanes) * 4,
        bufferAlignment);
  }

  /// Room for the lists of the nest that has the most.
  int64_t eventsBytes() {
    int64_t most = 0;
    for (NestOp nest : step.getBody().front().getOps<NestOp>()) {
      int64_t sum = 0;
      for (Value input : nest.getProductInputs())
        sum += listsEvents(input) ? listBytes(input) : 0;
      most = std::max(most, sum);
    }
    return most;
  }

  void placeEvents(NestOp nest, NestBuffers &buffers) {
    int64_t offset = eventsOffset;
    for (Value input : nest.getProductInputs()) {
      bool isListed = listsEvents(input);
      buffers.mayBeEvents.push_back(isListed);
      buffers.events.push_back(nullptr);
      if (!isListed)
        continue;
      int64_t elements = listBytes(input) / 4;
      buffers.events.back() =
          frame->entry.view(scratchPointer(), frame->entry.b.getI32Type(),
                            elements, offset, roomBytes);
      offset += listBytes(input);
    }
  }

  /// The generator's seed and position, which the block of states begins with.
  Buffer generatorWords() {
    return frame->entry.view(statesPointer(), frame->entry.b.getI64Type(), 2,
                             0);
  }

  Generator loadGenerator() {
    ImplicitLocOpBuilder &b = frame->entry.b;
    Buffer words = generatorWords();
    auto word = [&](int64_t index) -> Value {
      return memref::LoadOp::create(
          b, words, ValueRange{arith::ConstantIndexOp::create(b, index)});
    };
    return {word(0), word(1)};
  }

  void advanceGenerator() {
    ImplicitLocOpBuilder &b = frame->entry.b;
    Value next = arith::AddIOp::create(
        b, loadGenerator().position,
        arith::ConstantIntOp::create(b, b.getI64Type(), 1));
    memref::StoreOp::create(b, next, generatorWords(),
                            ValueRange{arith::ConstantIndexOp::create(b, 1)});
  }

  /// Makes what was emitted since the last one visible to all workers, if there
  /// are several.
  void barrier() {
    if (form != StepForm::Alone && std::exchange(hasWritten, false))
      frame->entry.team.barrier();
  }

  void copy(const Place &from, const Place &to) {
    hasWritten = true;
    frame->emitter.emitCopy(to.type, view(from), view(to));
  }

  void emitBody() {
    SmallVector<Output> results = outputs();

    // What is returned as it came in is copied before any state is overwritten;
    // a state that becomes another one goes through the scratch.
    for (const Output &output : results) {
      auto argument = dyn_cast<BlockArgument>(rootOf(output.value));
      if (!argument)
        continue;
      if (!output.oldState)
        copy(places.lookup(argument), outputPlace(output));
      else if (scratch.contains(argument) &&
               parked.try_emplace(argument, scratchPlace(argument)).second)
        copy(places.lookup(argument), parked.lookup(argument));
    }

    barrier();

    // LLVM's time grows faster than a function: each operation of a long step
    // becomes one of its own, which a short step is spared the calls for.
    SmallVector<Operation *> operations;
    int64_t length = 0;
    for (Operation &op : step.getBody().front().without_terminator()) {
      if (!becomesLoops(&op))
        continue;
      operations.push_back(&op);
      auto nest = dyn_cast<NestOp>(op);
      length += nest && nest.hasProduct() ? nest.getNumProducts() : 1;
    }
    bool isLong = length > schedule.longest;
    auto emitOne = [&](Operation *op, const RowForm *row) {
      if (!isLong && form != StepForm::Element)
        return emitOperation(op, results, row);
      Frame *whole = frame;
      Frame part(schedule, whole->entry);
      frame = &part;
      emitOperation(op, results, row);
      part.entry.finishPart();
      frame = whole;
    };
    if (form != StepForm::Alone) {
      // A team shares the elements of a row, too.
      for (Operation *op : operations) {
        barrier();
        hasWritten = true;
        emitOne(op, nullptr);
      }
    } else {
      for (ArrayRef<Operation *> group : groupByRows(operations, schedule)) {
        if (group.size() == 1) {
          emitOne(group.front(), nullptr);
          continue;
        }
        frame->emitter.emitRows(tensorType(group.front()->getResult(0)),
                                [&](Value row) {
                                  frame->entry.row = row;
                                  for (Operation *op : group) {
                                    RowForm rowForm(op);
                                    emitOne(op, &rowForm);
                                  }
                                  frame->entry.row = nullptr;
                                });
      }
    }

    // States that could not be written in place. No copy reads what another one
    // writes.
    bool isFirst = true;
    auto copyBack = [&](const Place &from, const Place &to) {
      if (std::exchange(isFirst, false))
        barrier();
      copy(from, to);
    };
    for (const Output &output : results) {
      if (!output.oldState)
        continue;
      Value root = rootOf(output.value);
      if (auto result = dyn_cast<OpResult>(root)) {
        if (!isInPlace(result, output.oldState))
          copyBack(places.lookup(result), places.lookup(output.oldState));
      } else if (root != output.oldState) {
        copyBack(parked.contains(root) ? parked.lookup(root)
                                       : places.lookup(root),
                 places.lookup(output.oldState));
      }
    }
  }

  /// Emits an operation, or the row at hand of it.
  void emitOperation(Operation *op, ArrayRef<Output> results,
                     const RowForm *row) {
    NestBuffers buffers;
    ValueRange inputs = op->getOperands();
    if (auto nest = dyn_cast<NestOp>(op)) {
      inputs = nest.getInputs();
      buffers = productsOf(nest);
      if (nest.hasProduct() && !schedule.isGPU) {
        buffers.tile = tile(nest);
        placeEvents(nest, buffers);
      }
      if (!nest.getBody().getOps<DrawOp>().empty())
        buffers.generator = loadGenerator();
    }
    for (auto [i, input] : llvm::enumerate(inputs))
      buffers.inputs.push_back(
          row && row->hasRows(i) ? rowView(places.lookup(rootOf(input)), input)
                                 : bufferOf(input));
    for (OpResult result : op->getResults())
      buffers.outputs.push_back(destinationsOf(result, results, row));
    frame->emitter.emit(row ? row->operation() : op, buffers);
  }

  /// Brings the weights that are kept to where they are.
  void emitKeep() {
    SmallVector<Output> results = outputs();
    for (Operation &op : step.getBody().front().without_terminator()) {
      if (!becomesLoops(&op))
        continue;
      if (kept.starts.contains(&op))
        frame->emitter.emitKeep(cast<NestOp>(op), productsOf(cast<NestOp>(op)));
      for (OpResult result : op.getResults())
        destinationsOf(result, results, /*isRow=*/false);
    }
  }

  /// What the products of a nest multiply.
  NestBuffers productsOf(NestOp nest) {
    NestBuffers buffers;
    for (Value input : nest.getProductInputs())
      buffers.productInputs.push_back(bufferOf(input));
    for (unsigned i = 0; i < nest.getNumProducts(); ++i)
      placeWeight(nest, i, buffers);
    if (auto found = kept.starts.find(nest); found != kept.starts.end())
      buffers.keptStart = found->second;
    return buffers;
  }

  Buffer bufferOf(Value value) { return view(places.lookup(rootOf(value))); }

  Place outputPlace(const Output &output) {
    return {output.pointer, tensorType(output.value), bytes(0)};
  }

  /// Everywhere that a result is wanted. Later operations read it at the first
  /// place.
  SmallVector<Buffer, 2> destinationsOf(OpResult result,
                                        ArrayRef<Output> results, bool isRow) {
    SmallVector<Place, 2> destinations;
    for (const Output &output : results) {
      if (rootOf(output.value) != result)
        continue;
      if (!output.oldState)
        destinations.push_back(outputPlace(output));
      else if (isInPlace(result, output.oldState))
        destinations.push_back(places.lookup(output.oldState));
    }
    if (scratch.contains(result))
      destinations.push_back(scratchPlace(result));
    places[result] = destinations.front();
    SmallVector<Buffer, 2> buffers;
    for (const Place &place : destinations)
      buffers.push_back(isRow ? rowView(place, result) : view(place));
    return buffers;
  }

  func::FuncOp step;
  Schedule schedule;
  const PreparedPlan &prepared;
  ModuleOp module;
  SymbolTable symbols;
  StepForm form;
  int64_t workers;
  /// Of the forms that keep weights.
  KeptPlan kept;
  Frame *frame = nullptr;
  /// Whether something was written that other workers may read.
  bool hasWritten = false;
  int64_t roomBytes = 0;
  unsigned numInputs = 0, numOutputs = 0;
  MemoryBlock scratchFixed, scratchGrowing;
  int64_t eventsOffset = 0;
  llvm::DenseSet<Value> homes;
  llvm::DenseMap<Value, BytesAttr> scratch;
  llvm::DenseMap<Value, Place> places, parked;
};

} // namespace

BytesAttr ttc::scheduleStep(func::FuncOp step, const Schedule &schedule,
                            const PreparedPlan &plan, ModuleOp module,
                            int64_t workers) {
  auto emit = [&](StepForm form, const KeptPlan &kept = KeptPlan()) {
    return StepScheduler(step, schedule, plan, module, form, workers, kept)
        .emit();
  };
  if (schedule.isGPU) {
    if (ownElements(step))
      emit(StepForm::Element);
    // What goes through a block of timesteps at once reads its weights once.
    KeptPlan kept = planKept(step, plan, schedule);
    if (kept.bytes && !step->hasAttr(wholeBlockAttr) &&
        !step->hasAttr(stagesAttr)) {
      emit(StepForm::Keep, kept);
      emit(StepForm::Kept, kept);
      NamedAttrList all(module->getAttrOfType<DictionaryAttr>(keptAttr));
      Builder builder(step.getContext());
      all.set(step.getSymName(),
              builder.getArrayAttr(
                  {builder.getI64IntegerAttr(kept.bytes),
                   BytesAttr::get(step.getContext(), kept.fixedThreads,
                                  kept.rowThreads)}));
      module->setAttr(keptAttr, all.getDictionary(step.getContext()));
    }
    return emit(StepForm::Threads);
  }
  if (workers > 1)
    emit(StepForm::Shared);
  return emit(StepForm::Alone);
}
