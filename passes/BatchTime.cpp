//===- BatchTime.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a sequence is computed block by block: what no recurrence needs, for all
// timesteps of a block at once.
//
//===----------------------------------------------------------------------===//

#include "passes/TimeStages.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace ttc {
#define GEN_PASS_DEF_BATCHTIME
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

namespace {

/// Plans and builds the stages of one step function.
class StageBuilder {
public:
  StageBuilder(func::FuncOp original, func::FuncOp step,
               const BatchTimeOptions &options)
      : original(original), step(step), options(options) {}

  /// Builds the stages behind the original step; false where a sequence gains
  /// nothing, or is not of the sort that this pass knows.
  bool build(int64_t &block, BytesAttr &buffers) {
    if (!step.canLeadByTime())
      return false;
    stages = planStages(step);
    for (auto [index, stage] : llvm::enumerate(stages))
      for (Operation *op : stage.ops)
        stageOf[op] = index;
    if (!gains())
      return false;
    placeBuffers(block, buffers);
    SmallVector<Attribute> names;
    for (auto [index, stage] : llvm::enumerate(stages))
      names.push_back(
          FlatSymbolRefAttr::get(emit(stage, index).getSymNameAttr()));
    original->setAttr(stagesAttr, ArrayAttr::get(original.getContext(), names));
    return true;
  }

private:
  /// A block pays where products of several timesteps read weights once: if
  /// those of one timestep have few rows.
  bool gains() {
    return llvm::any_of(stages, [&](const Stage &stage) {
      return stage.wholeBlock && llvm::any_of(stage.ops, [&](Operation *op) {
               auto nest = dyn_cast<NestOp>(op);
               return nest && nest.hasProduct() &&
                      rowsOf(nest) <= options.rows / 2;
             });
    });
  }

  /// The rows of a product in one timestep; 1 where the batch is dynamic.
  static int64_t rowsOf(NestOp nest) {
    int64_t rows = 1;
    for (int64_t size : nest.getDomain().getShape().drop_back())
      rows *= ShapedType::isDynamic(size) ? 1 : size;
    return rows;
  }

  //===--------------------------------------------------------------------===//
  // What passes from stage to stage
  //===--------------------------------------------------------------------===//

  /// The first of the model's outputs that a value is, if it is one.
  std::optional<unsigned> outputOf(Value value) {
    for (OpOperand &operand : step.terminator()->getOpOperands())
      if (!step.isStateResult(operand.getOperandNumber()) &&
          rootOf(operand.get()) == value)
        return operand.getOperandNumber();
    return std::nullopt;
  }

  bool leavesStage(Value value, unsigned stage) {
    SmallVector<Value> views = {value};
    while (!views.empty())
      for (Operation *user : views.pop_back_val().getUsers()) {
        if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user))
          views.push_back(user->getResult(0));
        else if (becomesLoops(user) && stageOf.lookup(user) != stage)
          return true;
      }
    return false;
  }

  /// Bytes of one timestep of a tensor: of one row of its batch if it has one.
  static int64_t stepBytes(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    int64_t bytes = tensor.getElementTypeBitWidth() / 8;
    for (int64_t size : tensor.getShape())
      bytes *= ShapedType::isDynamic(size) ? 1 : size;
    return bytes;
  }

  void placeBuffers(int64_t &block, BytesAttr &size) {
    SmallVector<Value> between;
    int64_t bytes = 0;
    for (auto [index, stage] : llvm::enumerate(stages))
      for (Operation *op : stage.ops)
        for (Value result : op->getResults())
          if (leavesStage(result, index) && !outputOf(result)) {
            between.push_back(result);
            bytes += stepBytes(result.getType());
          }
    // What passes between stages stays in the nearest caches; as many rows as
    // make whole tiles. With a dynamic batch a run takes fewer timesteps the
    // more rows each has.
    int64_t fitting = options.cache / std::max<int64_t>(bytes, 1) /
                      options.tile * options.tile;
    block =
        std::clamp(fitting, std::min(options.tile, options.rows), options.rows);
    int64_t end = 0;
    for (Value value : between) {
      buffers[value] = BytesAttr::get(step.get().getContext(), end, 0);
      end += llvm::alignTo(stepBytes(value.getType()) * block, 64);
    }
    size = BytesAttr::get(step.get().getContext(), end, 0);
  }

  //===--------------------------------------------------------------------===//
  // The functions
  //===--------------------------------------------------------------------===//

  /// A tensor of all timesteps of a block: rows of one batch, or in front.
  RankedTensorType lifted(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    if (step.hasBatch())
      return tensor;
    SmallVector<int64_t> shape = {ShapedType::kDynamic};
    llvm::append_range(shape, tensor.getShape());
    return tensor.clone(shape);
  }

  func::FuncOp emit(const Stage &stage, unsigned index) {
    auto typeOf = [&](Value value) -> Type {
      if (step.isPrepared(value) || !stage.wholeBlock)
        return value.getType();
      return lifted(value.getType());
    };
    // Arguments: what comes from elsewhere, then prepared values, then states.
    llvm::SetVector<Value> inputs, prepared, states;
    for (Operation *op : stage.ops)
      for (Value operand : op->getOperands()) {
        Value root = rootOf(operand);
        Operation *producer = root.getDefiningOp();
        if (producer && stageOf.lookup(producer) == index)
          continue;
        (step.isPrepared(root) ? prepared
         : step.isState(root)  ? states
                               : inputs)
            .insert(root);
      }
    SmallVector<Value> outputs, newStates;
    SmallVector<unsigned> outputNumbers;
    SmallVector<BlockArgument> oldStates;
    for (OpOperand &operand : step.terminator()->getOpOperands()) {
      unsigned number = operand.getOperandNumber();
      Value root = rootOf(operand.get());
      if (stageOf.lookup(root.getDefiningOp()) != index)
        continue;
      if (step.isStateResult(number)) {
        newStates.push_back(root);
        oldStates.push_back(step.stateOf(number));
        states.insert(oldStates.back());
      } else {
        outputs.push_back(root);
        outputNumbers.push_back(number);
      }
    }
    SmallVector<Value> between;
    for (Operation *op : stage.ops)
      for (Value result : op->getResults())
        if (buffers.contains(result))
          between.push_back(result);

    SmallVector<Type> argumentTypes, resultTypes;
    for (const auto &set : {inputs, prepared, states})
      for (Value value : set)
        argumentTypes.push_back(typeOf(value));
    for (ArrayRef<Value> list : {ArrayRef(outputs), ArrayRef(between)})
      for (Value value : list)
        resultTypes.push_back(typeOf(value));
    for (Value value : newStates)
      resultTypes.push_back(value.getType());

    OpBuilder builder(step.get().getContext());
    builder.setInsertionPointAfter(last ? last : original);
    auto function = func::FuncOp::create(
        builder, step.get().getLoc(),
        (original.getSymName() + ".stage" + Twine(index)).str(),
        builder.getFunctionType(argumentTypes, resultTypes));
    last = function;
    if (stage.wholeBlock)
      function->setAttr(wholeBlockAttr, builder.getUnitAttr());

    Block *block = function.addEntryBlock();
    IRMapping mapping;
    unsigned next = 0;
    auto copyAttrs = [&](Value value) {
      auto argument = cast<BlockArgument>(value);
      function.setArgAttrs(next,
                           step.get().getArgAttrDict(argument.getArgNumber()));
    };
    for (Value value : inputs) {
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        copyAttrs(argument);
      } else {
        setBuffer(function, value, /*isResult=*/false, next);
        if (Zeros zeros = zerosOf(value); zeros == Zeros::Fired)
          function.setArgAttr(next, eventsAttr, builder.getUnitAttr());
        else if (zeros == Zeros::Given)
          function.setArgAttr(next, eventsAttr, builder.getStringAttr("given"));
      }
      mapping.map(value, block->getArgument(next++));
    }
    for (const auto &set : {prepared, states})
      for (Value value : set) {
        copyAttrs(value);
        mapping.map(value, block->getArgument(next++));
      }

    ImplicitLocOpBuilder b(step.get().getLoc(), step.get().getContext());
    b.setInsertionPointToEnd(block);
    for (Operation *op : stage.ops)
      cloneOperation(b, op, mapping, stage.wholeBlock && !step.hasBatch());
    SmallVector<Value> results;
    for (auto [value, number] : llvm::zip_equal(outputs, outputNumbers)) {
      function.setResultAttrs(results.size(),
                              step.get().getResultAttrDict(number));
      results.push_back(mapping.lookup(value));
    }
    for (Value value : between) {
      setBuffer(function, value, /*isResult=*/true, results.size());
      results.push_back(mapping.lookup(value));
    }
    for (auto [value, state] : llvm::zip_equal(newStates, oldStates)) {
      function.setResultAttrs(results.size(),
                              step.get().getArgAttrDict(state.getArgNumber()));
      results.push_back(mapping.lookup(value));
    }
    func::ReturnOp::create(b, results);
    return function;
  }

  /// Says where an input or an output lies that passes between stages: in an
  /// output of the model, or in a buffer.
  void setBuffer(func::FuncOp function, Value value, bool isResult,
                 unsigned index) {
    Builder builder(step.get().getContext());
    auto set = [&](StringRef name, Attribute attr) {
      if (isResult)
        function.setResultAttr(index, name, attr);
      else
        function.setArgAttr(index, name, attr);
    };
    set(isResult ? outputAttr : inputAttr, builder.getStringAttr(""));
    if (auto output = outputOf(value))
      set(outputAttr, step.get().getResultAttr(*output, outputAttr));
    else
      set(bufferAttr, buffers.lookup(value));
  }

  /// The view of a mapped value that `value` is of its root.
  Value mapView(ImplicitLocOpBuilder &b, Value value, IRMapping &mapping,
                bool addsTime) {
    if (mapping.contains(value))
      return mapping.lookup(value);
    Operation *op = value.getDefiningOp();
    Value source = mapView(b, op->getOperand(0), mapping, addsTime);
    Type type = addsTime ? lifted(value.getType()) : value.getType();
    SmallVector<ReassociationIndices> groups;
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
      groups = collapse.getReassociationIndices();
    else
      groups = cast<tensor::ExpandShapeOp>(op).getReassociationIndices();
    if (addsTime) {
      for (ReassociationIndices &indices : groups)
        for (int64_t &index : indices)
          ++index;
      groups.insert(groups.begin(), {0});
    }
    Value view;
    if (isa<tensor::CollapseShapeOp>(op))
      view = tensor::CollapseShapeOp::create(b, type, source, groups);
    else
      view = tensor::ExpandShapeOp::create(b, type, source, groups);
    mapping.map(value, view);
    return view;
  }

  void cloneOperation(ImplicitLocOpBuilder &b, Operation *op,
                      IRMapping &mapping, bool addsTime) {
    SmallVector<bool> hasTime;
    for (Value operand : op->getOperands()) {
      bool isFixed = step.isPrepared(rootOf(operand));
      hasTime.push_back(addsTime && !isFixed);
      mapView(b, operand, mapping, addsTime && !isFixed);
    }
    Operation *clone = b.clone(*op, mapping);
    if (addsTime)
      addTime(clone, hasTime);
    for (auto [from, to] :
         llvm::zip_equal(op->getResults(), clone->getResults()))
      mapping.map(from, to);
  }

  /// Adds the time as the outermost dimension of an operation.
  void addTime(Operation *op, ArrayRef<bool> hasTime) {
    for (Value result : op->getResults())
      result.setType(lifted(result.getType()));
    Builder builder(op->getContext());
    auto liftMaps = [&](ArrayAttr maps, ArrayRef<bool> operandHasTime) {
      SmallVector<AffineMap> all;
      for (auto [attr, time] : llvm::zip_equal(
               maps.getAsValueRange<AffineMapAttr>(), operandHasTime)) {
        AffineMap map = attr.shiftDims(1);
        if (time)
          map = map.insertResult(builder.getAffineDimExpr(0), 0);
        all.push_back(map);
      }
      return builder.getAffineMapArrayAttr(all);
    };
    if (auto nest = dyn_cast<NestOp>(op)) {
      nest.setMapsAttr(liftMaps(nest.getMaps(),
                                hasTime.drop_front(2 * nest.getNumProducts())));
    } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
      reduce.setMapsAttr(liftMaps(reduce.getMaps(), hasTime));
    } else if (auto assemble = dyn_cast<AssembleOp>(op)) {
      SmallVector<Attribute> offsets;
      for (unsigned i = 0; i < assemble.getInputs().size(); ++i) {
        SmallVector<int64_t> offset = assemble.getOffset(i);
        offset.insert(offset.begin(), 0);
        offsets.push_back(builder.getI64ArrayAttr(offset));
      }
      assemble.setOffsetsAttr(builder.getArrayAttr(offsets));
    }
  }

  func::FuncOp original;
  StepFunction step;
  BatchTimeOptions options;
  SmallVector<Stage> stages;
  llvm::DenseMap<Operation *, unsigned> stageOf;
  llvm::DenseMap<Value, BytesAttr> buffers;
  func::FuncOp last;
};

struct BatchTime : ttc::impl::BatchTimeBase<BatchTime> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp step = getStepFunction(module);
    if (!step)
      return signalPassFailure();
    // Products are split in a copy: the step keeps its own.
    func::FuncOp copy = step.clone();
    int64_t block;
    BytesAttr buffers;
    BatchTimeOptions options{rows, cache, tile};
    if (StageBuilder(step, copy, options).build(block, buffers)) {
      Builder builder(&getContext());
      module->setAttr(blockAttr, builder.getI64IntegerAttr(block));
      module->setAttr(buffersSizeAttr, buffers);
    }
    if (StepFunction(step).hasBatch() && StepFunction(step).canLeadByTime())
      module->setAttr(independentRowsAttr, UnitAttr::get(&getContext()));
    copy.erase();
  }
};
} // namespace
