//===- ScheduleCPU.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a threaded model becomes loops on memory: the step and its prepare.
//
//===----------------------------------------------------------------------===//

#include "codegen/NestEmitter.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace ttc {
#define GEN_PASS_DEF_SCHEDULECPU
#include "codegen/TTCCodegenPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

static constexpr int64_t alignment = 64;

/// The tensor that a change of shape is another view of.
static Value rootOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Bytes of a tensor: fixed, or for each row of the batch; rounded up so that
/// the next one is aligned.
static std::pair<int64_t, int64_t> bytesOf(RankedTensorType type) {
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  bytes = llvm::alignTo(bytes, alignment);
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

/// The forms that a prepared value is stored in: as it is, or packed for a
/// product.
enum class Layout { Dense, Panels };

/// Where the prepare function leaves each value, in each form that the step
/// reads.
struct PreparedPlan {
  llvm::MapVector<std::pair<unsigned, Layout>, int64_t> offsets;
  int64_t size = 0;

  void add(unsigned index, Layout layout, int64_t elements) {
    auto [entry, isNew] = offsets.insert({{index, layout}, size});
    if (isNew)
      size += llvm::alignTo(elements * 4, alignment);
  }
};

/// The parts of an entry that both functions share.
class EntryBuilder {
public:
  EntryBuilder(func::FuncOp original, StringRef name, unsigned numPointers,
               bool takesBatch)
      : b(original.getLoc(), original.getContext()) {
    b.setInsertionPoint(original);
    SmallVector<Type> types(numPointers,
                            MemRefType::get({}, b.getIntegerType(8)));
    if (takesBatch)
      types.push_back(b.getIndexType());
    function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
    for (unsigned i = 0; i < numPointers; ++i)
      function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                          b.getUnitAttr());
    b.setInsertionPointToStart(function.addEntryBlock());
  }

  /// A view of a tensor that lies at `offset` behind pointer `index`.
  Buffer view(unsigned index, RankedTensorType type, BytesAttr offset,
              NestEmitter &emitter, Value batch) {
    Value elements = emitter.numElements(type);
    return view(index, elements, offset, batch,
                type.hasStaticShape() ? type.getNumElements()
                                      : ShapedType::kDynamic);
  }

  Buffer view(unsigned index, Value elements, BytesAttr offset, Value batch,
              int64_t staticElements) {
    Value start = arith::ConstantIndexOp::create(b, offset.getFixed());
    if (offset.getPerBatch()) {
      Value grown = arith::MulIOp::create(
          b, batch, arith::ConstantIndexOp::create(b, offset.getPerBatch()));
      start = arith::AddIOp::create(b, start, grown);
    }
    Value bytes = arith::AddIOp::create(
        b, start,
        arith::MulIOp::create(b, elements,
                              arith::ConstantIndexOp::create(b, 4)));
    Type byteType = b.getIntegerType(8);
    Value block = memref::ReinterpretCastOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, byteType),
        function.getArgument(index), OpFoldResult(b.getIndexAttr(0)),
        ArrayRef<OpFoldResult>{bytes},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    bool isStatic = !ShapedType::isDynamic(staticElements);
    return memref::ViewOp::create(
        b, MemRefType::get({staticElements}, b.getF32Type()), block, start,
        isStatic ? ValueRange() : ValueRange{elements});
  }

  ImplicitLocOpBuilder b;
  func::FuncOp function;
};

/// Emits the step: finds every tensor its memory, then emits nest after nest.
class StepScheduler {
public:
  StepScheduler(func::FuncOp step, const VectorUnit &unit,
                const PreparedPlan &prepared, ModuleOp module)
      : step(step), unit(unit), prepared(prepared), symbols(module) {}

  /// Returns the size of the scratch.
  BytesAttr schedule() {
    for (unsigned i = 0; i < step.getNumArguments(); ++i)
      numInputs += bool(step.getArgAttr(i, inputAttr));
    for (unsigned i = 0; i < step.getNumResults(); ++i)
      numOutputs += bool(step.getResultAttr(i, outputAttr));
    scratchFixed.fixed =
        llvm::alignTo(NestEmitter::tileElements(unit) * 4, alignment);
    planScratch();
    placeArguments();

    Frame whole(*this, ".step");
    frame = &whole;
    emitBody();
    func::ReturnOp::create(whole.entry.b);
    return bytes(scratchFixed.fixed, scratchGrowing.perBatch);
  }

private:
  /// Where a tensor lies: so far behind one of the step's pointers.
  struct Place {
    unsigned pointer;
    RankedTensorType type;
    BytesAttr offset;
  };

  /// A function that is being emitted: the step, or one operation of a long
  /// one.
  struct Frame {
    Frame(StepScheduler &scheduler, const Twine &suffix)
        : entry(scheduler.step, (scheduler.step.getSymName() + suffix).str(),
                scheduler.scratchPointer() + 1, /*takesBatch=*/true),
          batch(entry.function.getArguments().back()),
          emitter(entry.b, scheduler.unit, batch) {}

    EntryBuilder entry;
    Value batch;
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
    auto nest = dyn_cast<NestOp>(value.getOwner());
    if (!nest)
      return false;
    for (OpOperand &use : oldState.getUses()) {
      Operation *user = use.getOwner();
      if (user == terminator())
        continue; // copied before anything is written
      if (user == nest) {
        for (auto [i, input] : llvm::enumerate(nest.getInputs()))
          if (input == oldState && !nest.getMap(i).isIdentity())
            return false;
        if (nest.getProductInput() == oldState)
          return false;
        continue;
      }
      // A view may be read anywhere later; a nest in front is done by then.
      if (!isa<NestOp, ReduceOp>(user) || !user->isBeforeInBlock(nest))
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
      if (auto state =
              step.getResultAttrOfType<FlatSymbolRefAttr>(i, stateAttr))
        output.oldState = argumentOf(state);
      result.push_back(output);
    }
    return result;
  }

  BlockArgument argumentOf(FlatSymbolRefAttr state) {
    for (BlockArgument argument : step.getArguments())
      if (step.getArgAttr(argument.getArgNumber(), stateAttr) == state)
        return argument;
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
      if (isa<NestOp, ReduceOp>(op))
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
        place.offset =
            symbols.lookup<StateOp>(symbol.getValue()).getOffsetAttr();
      } else {
        place.pointer = preparedPointer();
        auto found =
            prepared.offsets.find({preparedIndex(argument), Layout::Dense});
        if (found != prepared.offsets.end())
          place.offset = bytes(found->second);
      }
    }
  }

  Buffer view(const Place &place) {
    return frame->entry.view(place.pointer, place.type, place.offset,
                             frame->emitter, frame->batch);
  }

  unsigned preparedIndex(BlockArgument argument) {
    return step
        .getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), preparedAttr)
        .getInt();
  }

  Buffer packedWeight(Value weight) {
    RankedTensorType type = tensorType(weight);
    PanelPlan plan(type.getDimSize(0), type.getDimSize(1), unit);
    int64_t elements = plan.packedElements();
    int64_t offset =
        prepared.offsets
            .find({preparedIndex(cast<BlockArgument>(weight)), Layout::Panels})
            ->second;
    return frame->entry.view(
        preparedPointer(),
        arith::ConstantIndexOp::create(frame->entry.b, elements), bytes(offset),
        frame->batch, elements);
  }

  Buffer tile() {
    int64_t elements = NestEmitter::tileElements(unit);
    return frame->entry.view(
        scratchPointer(),
        arith::ConstantIndexOp::create(frame->entry.b, elements), bytes(0),
        frame->batch, elements);
  }

  void copy(const Place &from, const Place &to) {
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

    // LLVM's time grows faster than a function: each operation of a long step
    // becomes one of its own, which a short step is spared the calls for.
    constexpr unsigned longest = 8;
    auto operations = llvm::make_filter_range(
        step.getBody().front().without_terminator(),
        [](Operation &op) { return isa<NestOp, ReduceOp>(op); });
    bool isLong = unsigned(llvm::range_size(operations)) > longest;
    for (auto [index, op] : llvm::enumerate(operations)) {
      if (!isLong) {
        emitOperation(op, results);
        continue;
      }
      Frame *whole = frame;
      Frame part(*this, ".step." + Twine(index));
      frame = &part;
      emitOperation(op, results);
      func::ReturnOp::create(part.entry.b);
      frame = whole;
      func::CallOp::create(whole->entry.b, part.entry.function,
                           whole->entry.function.getArguments());
    }

    // States that could not be written in place.
    for (const Output &output : results) {
      if (!output.oldState)
        continue;
      Value root = rootOf(output.value);
      if (auto result = dyn_cast<OpResult>(root)) {
        if (!isInPlace(result, output.oldState))
          copy(places.lookup(result), places.lookup(output.oldState));
      } else if (root != output.oldState) {
        copy(parked.contains(root) ? parked.lookup(root) : places.lookup(root),
             places.lookup(output.oldState));
      }
    }
  }

  void emitOperation(Operation &op, ArrayRef<Output> results) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      Buffer from = bufferOf(reduce.getInput());
      for (Buffer to : destinationsOf(op.getResult(0), results))
        frame->emitter.emitReduce(reduce, from, to);
      return;
    }
    auto nest = cast<NestOp>(op);
    NestBuffers buffers;
    buffers.tile = tile();
    if (nest.hasProduct()) {
      buffers.productInput = bufferOf(nest.getProductInput());
      buffers.packedWeight = packedWeight(nest.getProductWeight());
      if (nest.getProductBias())
        buffers.productBias = bufferOf(nest.getProductBias());
    }
    for (Value input : nest.getInputs())
      buffers.inputs.push_back(bufferOf(input));
    for (OpResult result : nest->getResults())
      buffers.outputs.push_back(destinationsOf(result, results));
    frame->emitter.emit(nest, buffers);
  }

  Buffer bufferOf(Value value) { return view(places.lookup(rootOf(value))); }

  Place outputPlace(const Output &output) {
    return {output.pointer, tensorType(output.value), bytes(0)};
  }

  /// Everywhere that a result is wanted. Later operations read it at the first
  /// place.
  SmallVector<Buffer, 2> destinationsOf(OpResult result,
                                        ArrayRef<Output> results) {
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
      buffers.push_back(view(place));
    return buffers;
  }

  func::FuncOp step;
  VectorUnit unit;
  const PreparedPlan &prepared;
  SymbolTable symbols;
  Frame *frame = nullptr;
  unsigned numInputs = 0, numOutputs = 0;
  MemoryBlock scratchFixed, scratchGrowing;
  llvm::DenseSet<Value> homes;
  llvm::DenseMap<Value, BytesAttr> scratch;
  llvm::DenseMap<Value, Place> places, parked;
};

/// Emits the prepare function: activates what comes raw, computes what depends
/// on the weights alone, and packs.
class PrepareScheduler {
public:
  PrepareScheduler(func::FuncOp prepare, const VectorUnit &unit,
                   PreparedPlan &plan, ModuleOp module)
      : prepare(prepare), unit(unit), plan(plan), symbols(module) {}

  void schedule() {
    unsigned numParams = prepare.getNumArguments();
    EntryBuilder entry(prepare, (prepare.getSymName() + ".entry").str(),
                       numParams + 2, /*takesBatch=*/false);
    this->entry = &entry;
    NestEmitter emitter(entry.b, unit, /*batch=*/Value());
    this->emitter = &emitter;
    rawFlags = entry.function.getArgument(numParams);
    preparedPointer = numParams + 1;

    for (NestOp nest : prepare.getBody().front().getOps<NestOp>())
      emitNest(nest);
    Operation *end = prepare.getBody().front().getTerminator();
    for (auto &[key, offset] : plan.offsets) {
      auto [index, layout] = key;
      Value value = end->getOperand(index);
      if (layout == Layout::Panels)
        emitPacking(value, offset);
      else if (Buffer from = bufferOf(value); from != at(value, offset))
        emitter.emitCopy(tensorType(value), from, at(value, offset));
    }
    func::ReturnOp::create(entry.b);
  }

private:
  Buffer at(Value value, int64_t offset) {
    Buffer &view = views[{value, offset}];
    if (!view)
      view = entry->view(preparedPointer, tensorType(value),
                         BytesAttr::get(prepare.getContext(), offset, 0),
                         *emitter, Value());
    return view;
  }

  /// Room for a value that prepare itself computes with: where the step will
  /// read it, or a place of its own.
  Buffer ownPlace(Value value) {
    Operation *end = prepare.getBody().front().getTerminator();
    for (auto &[key, offset] : plan.offsets)
      if (key.second == Layout::Dense && end->getOperand(key.first) == value)
        return at(value, offset);
    int64_t offset = plan.size;
    plan.size +=
        llvm::alignTo(tensorType(value).getNumElements() * 4, alignment);
    return at(value, offset);
  }

  /// The values of a param: the caller's memory, or activated in ours.
  Buffer bufferOf(Value value) {
    value = rootOf(value);
    Buffer &buffer = buffers[value];
    if (buffer)
      return buffer;
    auto param = cast<BlockArgument>(value);
    auto symbol = prepare.getArgAttrOfType<FlatSymbolRefAttr>(
        param.getArgNumber(), paramAttr);
    auto declaration = symbols.lookup<ParamOp>(symbol.getValue());
    Buffer given = entry->view(param.getArgNumber(), tensorType(param),
                               BytesAttr::get(prepare.getContext(), 0, 0),
                               *emitter, Value());
    auto constraint = declaration.getActivated();
    if (!constraint || *constraint == Constraint::Identity)
      return buffer = given;
    Buffer effective = ownPlace(value);
    emitActivation(param, *constraint, given, effective);
    return buffers[value] = effective;
  }

  /// effective[i] = given[i], activated in double precision if it is raw.
  void emitActivation(BlockArgument param, Constraint constraint, Buffer given,
                      Buffer effective) {
    ImplicitLocOpBuilder &b = entry->b;
    Value size = emitter->numElements(tensorType(param));
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value flags = memref::ReinterpretCastOp::create(
        b,
        MemRefType::get({int64_t(prepare.getNumArguments())},
                        b.getIntegerType(8)),
        rawFlags, OpFoldResult(b.getIndexAttr(0)),
        ArrayRef<OpFoldResult>{b.getIndexAttr(prepare.getNumArguments())},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    Value flag = memref::LoadOp::create(
        b, flags,
        ValueRange{arith::ConstantIndexOp::create(b, param.getArgNumber())});
    Value isRaw = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, flag,
        arith::ConstantIntOp::create(b, b.getIntegerType(8), 0));
    auto loop = scf::ForOp::create(b, zero, size, one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value i = loop.getInductionVar();
    Value x = memref::LoadOp::create(b, given, ValueRange{i});
    Value wide = arith::ExtFOp::create(b, b.getF64Type(), x);
    Value activated = arith::TruncFOp::create(
        b, b.getF32Type(), buildActivation(b, constraint, wide));
    Value value = arith::SelectOp::create(b, isRaw, activated, x);
    memref::StoreOp::create(b, value, effective, ValueRange{i});
  }

  void emitNest(NestOp nest) {
    NestBuffers places;
    for (Value input : nest.getInputs())
      places.inputs.push_back(bufferOf(input));
    for (Value result : nest.getResults()) {
      buffers[result] = ownPlace(result);
      places.outputs.push_back({buffers[result]});
    }
    emitter->emit(nest, places);
  }

  /// packed[panel][k][column] = weight[panel's first column + column][k], zero
  /// where the panel is wider than the matrix.
  void emitPacking(Value weight, int64_t offset) {
    ImplicitLocOpBuilder &b = entry->b;
    RankedTensorType type = tensorType(weight);
    PanelPlan panels(type.getDimSize(0), type.getDimSize(1), unit);
    Buffer from = bufferOf(weight);
    Buffer to =
        entry->view(preparedPointer,
                    arith::ConstantIndexOp::create(b, panels.packedElements()),
                    BytesAttr::get(prepare.getContext(), offset, 0), Value(),
                    panels.packedElements());
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    auto forEach = [&](int64_t count, function_ref<void(Value)> body) {
      auto loop =
          scf::ForOp::create(b, constant(0), constant(count), constant(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      body(loop.getInductionVar());
    };
    auto add = [&](Value l, Value r) -> Value {
      return arith::AddIOp::create(b, l, r);
    };
    auto mul = [&](Value l, Value r) -> Value {
      return arith::MulIOp::create(b, l, r);
    };
    for (const PanelGroup &group : panels.groups) {
      int64_t width = group.vectors * panels.lanes;
      forEach(group.count, [&](Value panel) {
        Value firstColumn = add(constant(group.firstVector * panels.lanes),
                                mul(panel, constant(width)));
        Value start =
            add(constant(group.firstVector * panels.lanes * panels.inputs),
                mul(panel, constant(width * panels.inputs)));
        forEach(width, [&](Value column) {
          Value row = add(firstColumn, column);
          Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                               row, constant(panels.outputs));
          // Padding reads row 0 and keeps nothing of it: no branch, no read
          // outside.
          Value readable = arith::SelectOp::create(b, exists, row, constant(0));
          Value none = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
          forEach(panels.inputs, [&](Value k) {
            Value x = memref::LoadOp::create(
                b, from,
                ValueRange{add(mul(readable, constant(panels.inputs)), k)});
            Value value = arith::SelectOp::create(b, exists, x, none);
            Value index = add(start, add(mul(k, constant(width)), column));
            memref::StoreOp::create(b, value, to, ValueRange{index});
          });
        });
      });
    }
  }

  func::FuncOp prepare;
  VectorUnit unit;
  PreparedPlan &plan;
  SymbolTable symbols;
  EntryBuilder *entry = nullptr;
  NestEmitter *emitter = nullptr;
  Value rawFlags;
  unsigned preparedPointer = 0;
  llvm::DenseMap<Value, Buffer> buffers;
  llvm::DenseMap<std::pair<Value, int64_t>, Buffer> views;
};

struct ScheduleCPU : ttc::impl::ScheduleCPUBase<ScheduleCPU> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp step = getStepFunction(module);
    if (!step)
      return signalPassFailure();
    auto name = step->getAttrOfType<FlatSymbolRefAttr>(prepareAttr);
    func::FuncOp prepare;
    if (name)
      prepare = SymbolTable(module).lookup<func::FuncOp>(name.getValue());
    if (!prepare || !module->hasAttr(statesSizeAttr)) {
      step.emitError("is not ready to be scheduled: prepare-weights and "
                     "plan-states run before schedule-cpu");
      return signalPassFailure();
    }
    VectorUnit unit{lanes, registers, fma};
    if (failed(checkProducts(step)))
      return signalPassFailure();

    PreparedPlan plan = planPrepared(step, unit);
    BytesAttr scratch = StepScheduler(step, unit, plan, module).schedule();
    PrepareScheduler(prepare, unit, plan, module).schedule();

    Builder builder(&getContext());
    module->setAttr(preparedSizeAttr, builder.getI64IntegerAttr(plan.size));
    module->setAttr(scratchSizeAttr, scratch);
    step.erase();
    prepare.erase();
  }

  /// A product's weight is a prepared value: only those are packed.
  static LogicalResult checkProducts(func::FuncOp step) {
    for (NestOp nest : step.getBody().front().getOps<NestOp>()) {
      if (!nest.hasProduct())
        continue;
      auto weight = dyn_cast<BlockArgument>(nest.getProductWeight());
      if (!weight || !step.getArgAttr(weight.getArgNumber(), preparedAttr))
        return nest.emitOpError("multiplies by a matrix that is not known "
                                "before the timestep: it cannot be compiled");
    }
    return success();
  }

  static PreparedPlan planPrepared(func::FuncOp step, const VectorUnit &unit) {
    PreparedPlan plan;
    for (BlockArgument argument : step.getArguments()) {
      auto index = step.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(),
                                                      preparedAttr);
      if (!index)
        continue;
      RankedTensorType type = tensorType(argument);
      for (OpOperand &use : argument.getUses()) {
        auto nest = dyn_cast<NestOp>(use.getOwner());
        bool isWeight =
            nest && nest.hasProduct() && use.getOperandNumber() == 1;
        if (isWeight)
          plan.add(index.getInt(), Layout::Panels,
                   PanelPlan(type.getDimSize(0), type.getDimSize(1), unit)
                       .packedElements());
        else
          plan.add(index.getInt(), Layout::Dense, type.getNumElements());
      }
    }
    return plan;
  }
};

} // namespace
