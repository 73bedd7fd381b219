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

#include "passes/TTCPasses.h"

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

/// Operations that are computed together: those that need each other from one
/// timestep to the next, or neighbours that need no other timestep.
struct Stage {
  SmallVector<Operation *> ops; ///< in the order of the step
  bool wholeBlock;              ///< no timestep of the block needs another one
};

/// Beyond so many rows a product is not faster the more it has.
constexpr int64_t maxBlockRows = 48;

/// Plans and builds the stages of one step function.
class StageBuilder {
public:
  StageBuilder(func::FuncOp original, func::FuncOp step)
      : original(original), step(step), body(step.getBody().front()) {}

  /// Builds the stages behind the original step; false where a sequence gains
  /// nothing, or is not of the sort that this pass knows.
  bool build(int64_t &block, BytesAttr &buffers) {
    if (!isKnownSort())
      return false;
    splitProducts();
    plan();
    if (!gains())
      return false;
    placeBuffers(block, buffers);
    SmallVector<Attribute> names;
    for (auto [index, stage] : llvm::enumerate(stages))
      names.push_back(
          FlatSymbolRefAttr::get(emit(stage, index).getSymNameAttr()));
    original->setAttr(stagesAttr, ArrayAttr::get(step.getContext(), names));
    return true;
  }

private:
  StringAttr inputName(BlockArgument argument) {
    return step.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                             inputAttr);
  }
  bool isState(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && step.getArgAttr(argument.getArgNumber(), stateAttr);
  }
  bool isPrepared(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && step.getArgAttr(argument.getArgNumber(), preparedAttr);
  }
  Operation *terminator() { return body.getTerminator(); }
  bool isStateResult(unsigned index) {
    return bool(step.getResultAttr(index, stateAttr));
  }

  /// Whether the batch leads every tensor of a timestep, or none: then all
  /// timesteps are rows of one batch, or lead it.
  bool isKnownSort() {
    for (BlockArgument argument : body.getArguments())
      if (inputName(argument)) {
        auto type = cast<RankedTensorType>(argument.getType());
        hasBatch |= !type.hasStaticShape();
      }
    auto fits = [&](Value value) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      return !type || isPrepared(value) || type.hasStaticShape() != hasBatch;
    };
    if (!llvm::all_of(body.getArguments(), fits))
      return false;
    for (Operation &op : body.without_terminator()) {
      bool isSize = llvm::all_of(op.getResultTypes(),
                                 [](Type type) { return type.isIndex(); });
      if (!becomesLoops(&op) && !isSize &&
          !isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
        return false;
      if (!llvm::all_of(op.getResults(), fits))
        return false;
      if (auto nest = dyn_cast<NestOp>(op);
          nest && !nest.getBody().getOps<DrawOp>().empty())
        return false;
    }
    // What is passed through would have to be copied for every timestep.
    for (Value value : terminator()->getOperands())
      if (!rootOf(value).getDefiningOp())
        return false;
    return true;
  }

  /// The state that result `index` of the step replaces.
  BlockArgument stateOf(unsigned index) {
    for (BlockArgument argument : body.getArguments()) {
      unsigned i = argument.getArgNumber();
      if (isState(argument) &&
          step.getArgAttr(i, stateAttr) ==
              step.getResultAttr(index, stateAttr) &&
          step.getArgAttr(i, placeAttr) == step.getResultAttr(index, placeAttr))
        return argument;
    }
    llvm_unreachable("thread-states gives every state an argument");
  }

  //===--------------------------------------------------------------------===//
  // Which operations need each other
  //===--------------------------------------------------------------------===//

  /// The operations whose results an operation reads, through changes of shape.
  SmallVector<Operation *> producersOf(Operation *op) {
    SmallVector<Operation *> producers;
    for (Value operand : op->getOperands())
      if (Operation *producer = rootOf(operand).getDefiningOp())
        if (becomesLoops(producer))
          producers.push_back(producer);
    return producers;
  }

  /// Numbers the groups of operations that need each other through time: all
  /// that read or write one state, and what lies between.
  void findGroups() {
    ops.clear();
    llvm::DenseMap<Operation *, unsigned> number;
    for (Operation &op : body.without_terminator())
      if (becomesLoops(&op)) {
        number[&op] = ops.size();
        ops.push_back(&op);
      }
    unsigned count = ops.size();
    SmallVector<llvm::SetVector<unsigned>> next(count);
    for (Operation *op : ops)
      for (Operation *producer : producersOf(op))
        next[number[producer]].insert(number[op]);
    llvm::DenseMap<Value, SmallVector<unsigned>> users;
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        if (isState(rootOf(operand)))
          users[rootOf(operand)].push_back(number[op]);
    for (OpOperand &operand : terminator()->getOpOperands())
      if (isStateResult(operand.getOperandNumber()))
        users[stateOf(operand.getOperandNumber())].push_back(
            number[rootOf(operand.get()).getDefiningOp()]);
    recurrent.assign(count, false);
    for (auto &[state, list] : users)
      for (unsigned a : list) {
        recurrent[a] = true;
        for (unsigned b : list)
          next[a].insert(b);
      }

    for (auto [index, op] : llvm::enumerate(ops))
      if (!hasBatch && mustKeepTimestep(op))
        recurrent[index] = true;

    SmallVector<llvm::BitVector> reached(count, llvm::BitVector(count));
    for (unsigned from = 0; from < count; ++from) {
      SmallVector<unsigned> pending = {from};
      while (!pending.empty())
        for (unsigned to : next[pending.pop_back_val()])
          if (!reached[from].test(to)) {
            reached[from].set(to);
            pending.push_back(to);
          }
    }
    group.assign(count, 0);
    for (unsigned i = 0; i < count; ++i) {
      group[i] = i;
      for (unsigned j = 0; j < i; ++j)
        if (reached[i].test(j) && reached[j].test(i)) {
          group[i] = group[j];
          break;
        }
    }
    after = std::move(reached);
  }

  /// Where the time would come in front of what was a reduction's first
  /// dimension, the order of its sums could change; and a parameter that goes
  /// along a product's rows would not go along all of a block's.
  bool mustKeepTimestep(Operation *op) {
    if (isa<ReduceOp>(op))
      return true;
    auto nest = dyn_cast<NestOp>(op);
    if (!nest || !nest.hasProduct())
      return false;
    for (auto [i, input] : llvm::enumerate(nest.getInputs()))
      if (isPrepared(rootOf(input)) &&
          accessByRows(linearize(nest.getMap(i),
                                 cast<RankedTensorType>(input.getType())),
                       nest.getDomain().getShape())
                  ->row != 0)
        return true;
    return false;
  }

  unsigned groupOf(Operation *op) {
    auto at = llvm::find(ops, op);
    assert(at != ops.end() && "replaced since the groups were found");
    return group[at - ops.begin()];
  }

  /// Products of a recurrent nest whose inputs no recurrence needs become nests
  /// of their own. Events keep theirs: a timestep's active inputs are few.
  void splitProducts() {
    findGroups();
    // Decided for all before any is replaced: the groups know the operations
    // that were there.
    SmallVector<std::pair<NestOp, SmallVector<unsigned>>> splits;
    for (auto [index, op] : llvm::enumerate(ops)) {
      auto nest = dyn_cast<NestOp>(op);
      if (!nest || !nest.hasProduct() || !recurrent[index])
        continue;
      SmallVector<unsigned> apart;
      for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
        Value root = rootOf(nest.getProductInputs()[p]);
        Operation *producer = root.getDefiningOp();
        bool isRecurrent =
            isState(root) || (producer && groupOf(producer) == groupOf(nest));
        bool isEvents = producer && mayBeEvents(nest.getProductInputs()[p]);
        if (!isRecurrent && !isEvents)
          apart.push_back(p);
      }
      if (!apart.empty())
        splits.push_back({nest, apart});
    }
    for (auto &[nest, apart] : splits)
      splitNest(nest, apart);
    findGroups();
  }

  void splitNest(NestOp nest, ArrayRef<unsigned> apart) {
    SmallVector<Value> inputs, weights, keptInputs, keptWeights;
    SmallVector<Type> types;
    for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
      bool isApart = llvm::is_contained(apart, p);
      (isApart ? inputs : keptInputs).push_back(nest.getProductInputs()[p]);
      (isApart ? weights : keptWeights).push_back(nest.getProductWeights()[p]);
      if (isApart)
        types.push_back(nest.getDomain().clone(
            getElementTypeOrSelf(nest.getProductInputs()[p])));
    }
    OpBuilder builder(nest);
    auto sums =
        NestOp::create(builder, nest.getLoc(), types, nest.getLabel(), inputs,
                       weights, ValueRange(), ArrayRef<AffineMap>(),
                       [](ImplicitLocOpBuilder &, ValueRange elements) {
                         return SmallVector<Value>(elements);
                       });
    SmallVector<Value> operands(sums.getResults());
    SmallVector<AffineMap> maps(
        operands.size(),
        builder.getMultiDimIdentityMap(nest.getDomain().getRank()));
    llvm::append_range(operands, nest.getInputs());
    llvm::append_range(maps, nest.getMaps().getAsValueRange<AffineMapAttr>());
    auto rest = NestOp::create(
        builder, nest.getLoc(), nest->getResultTypes(), nest.getLabel(),
        keptInputs, keptWeights, operands, maps,
        [&](ImplicitLocOpBuilder &b, ValueRange elements) {
          IRMapping mapping;
          ValueRange kept = elements.take_front(keptInputs.size());
          ValueRange others = elements.drop_front(keptInputs.size());
          for (unsigned p = 0; p < nest.getNumProducts(); ++p) {
            ValueRange &from = llvm::is_contained(apart, p) ? others : kept;
            mapping.map(nest.getBody().getArgument(p), from.front());
            from = from.drop_front();
          }
          for (unsigned i = 0; i < nest.getInputs().size(); ++i)
            mapping.map(nest.getElement(i), others[i]);
          return cloneBody(b, nest.getBody().front(), mapping);
        });
    nest->replaceAllUsesWith(rest);
    nest->erase();
  }

  //===--------------------------------------------------------------------===//
  // The order of the stages
  //===--------------------------------------------------------------------===//

  void plan() {
    SmallVector<unsigned> pending;
    for (unsigned i = 0; i < ops.size(); ++i)
      if (group[i] == i)
        pending.push_back(i);
    auto needs = [&](unsigned later, unsigned earlier) {
      return later != earlier && after[earlier].test(later);
    };
    while (!pending.empty()) {
      // The first that needs none of the others; one that joins the stage
      // before it, if there is.
      auto isReady = [&](unsigned g) {
        return llvm::none_of(pending, [&](unsigned o) { return needs(g, o); });
      };
      auto chosen = llvm::find_if(pending, [&](unsigned g) {
        return isReady(g) && !recurrent[g] && !stages.empty() &&
               stages.back().wholeBlock;
      });
      if (chosen == pending.end())
        chosen = llvm::find_if(pending, isReady);
      unsigned g = *chosen;
      pending.erase(chosen);
      bool joins = !stages.empty() && stages.back().wholeBlock && !recurrent[g];
      if (!joins)
        stages.push_back({{}, !recurrent[g]});
      for (unsigned i = 0; i < ops.size(); ++i)
        if (group[i] == g)
          stages.back().ops.push_back(ops[i]);
    }
    for (Stage &stage : stages)
      llvm::sort(stage.ops, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
    for (auto [index, stage] : llvm::enumerate(stages))
      for (Operation *op : stage.ops)
        stageOf[op] = index;
  }

  /// A block pays where products of several timesteps read weights once: if
  /// those of one timestep have few rows.
  bool gains() {
    return llvm::any_of(stages, [](const Stage &stage) {
      return stage.wholeBlock && llvm::any_of(stage.ops, [](Operation *op) {
               auto nest = dyn_cast<NestOp>(op);
               return nest && nest.hasProduct() &&
                      rowsOf(nest) <= maxBlockRows / 2;
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
    for (OpOperand &operand : terminator()->getOpOperands())
      if (!isStateResult(operand.getOperandNumber()) &&
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
    for (Operation *op : ops)
      for (Value result : op->getResults())
        if (leavesStage(result, stageOf[op]) && !outputOf(result)) {
          between.push_back(result);
          bytes += stepBytes(result.getType());
        }
    // What passes between stages stays in the nearest caches; as many rows as
    // make whole tiles of 12, 6 and 4. With a dynamic batch a run takes fewer
    // timesteps the more rows each has.
    constexpr int64_t tile = 12, cache = 256 * 1024;
    block = std::clamp(cache / std::max<int64_t>(bytes, 1) / tile * tile, tile,
                       maxBlockRows);
    int64_t end = 0;
    for (Value value : between) {
      buffers[value] = BytesAttr::get(step.getContext(), end, 0);
      end += llvm::alignTo(stepBytes(value.getType()) * block, 64);
    }
    size = BytesAttr::get(step.getContext(), end, 0);
  }

  //===--------------------------------------------------------------------===//
  // The functions
  //===--------------------------------------------------------------------===//

  /// A tensor of all timesteps of a block: rows of one batch, or in front.
  RankedTensorType lifted(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    if (hasBatch)
      return tensor;
    SmallVector<int64_t> shape = {ShapedType::kDynamic};
    llvm::append_range(shape, tensor.getShape());
    return tensor.clone(shape);
  }

  func::FuncOp emit(const Stage &stage, unsigned index) {
    auto typeOf = [&](Value value) -> Type {
      if (isPrepared(value) || !stage.wholeBlock)
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
        (isPrepared(root) ? prepared
         : isState(root)  ? states
                          : inputs)
            .insert(root);
      }
    SmallVector<Value> outputs, newStates;
    SmallVector<unsigned> outputNumbers;
    SmallVector<BlockArgument> oldStates;
    for (OpOperand &operand : terminator()->getOpOperands()) {
      unsigned number = operand.getOperandNumber();
      Value root = rootOf(operand.get());
      if (stageOf.lookup(root.getDefiningOp()) != index)
        continue;
      if (isStateResult(number)) {
        newStates.push_back(root);
        oldStates.push_back(stateOf(number));
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

    OpBuilder builder(step.getContext());
    builder.setInsertionPointAfter(last ? last : original);
    auto function = func::FuncOp::create(
        builder, step.getLoc(),
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
      function.setArgAttrs(next, step.getArgAttrDict(argument.getArgNumber()));
    };
    for (Value value : inputs) {
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        copyAttrs(argument);
      } else {
        setBuffer(function, value, /*isResult=*/false, next);
        if (mayBeEvents(value))
          function.setArgAttr(next, eventsAttr, builder.getUnitAttr());
      }
      mapping.map(value, block->getArgument(next++));
    }
    for (const auto &set : {prepared, states})
      for (Value value : set) {
        copyAttrs(value);
        mapping.map(value, block->getArgument(next++));
      }

    ImplicitLocOpBuilder b(step.getLoc(), step.getContext());
    b.setInsertionPointToEnd(block);
    for (Operation *op : stage.ops)
      cloneOperation(b, op, mapping, stage.wholeBlock && !hasBatch);
    SmallVector<Value> results;
    for (auto [value, number] : llvm::zip_equal(outputs, outputNumbers)) {
      function.setResultAttrs(results.size(), step.getResultAttrDict(number));
      results.push_back(mapping.lookup(value));
    }
    for (Value value : between) {
      setBuffer(function, value, /*isResult=*/true, results.size());
      results.push_back(mapping.lookup(value));
    }
    for (auto [value, state] : llvm::zip_equal(newStates, oldStates)) {
      function.setResultAttrs(results.size(),
                              step.getArgAttrDict(state.getArgNumber()));
      results.push_back(mapping.lookup(value));
    }
    func::ReturnOp::create(b, results);
    return function;
  }

  /// Says where an input or an output lies that passes between stages: in an
  /// output of the model, or in a buffer.
  void setBuffer(func::FuncOp function, Value value, bool isResult,
                 unsigned index) {
    Builder builder(step.getContext());
    auto set = [&](StringRef name, Attribute attr) {
      if (isResult)
        function.setResultAttr(index, name, attr);
      else
        function.setArgAttr(index, name, attr);
    };
    set(isResult ? outputAttr : inputAttr, builder.getStringAttr(""));
    if (auto output = outputOf(value))
      set(outputAttr, step.getResultAttr(*output, outputAttr));
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
      bool isFixed = isPrepared(rootOf(operand));
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

  func::FuncOp original, step;
  Block &body;
  bool hasBatch = false;
  SmallVector<Operation *> ops;
  SmallVector<bool> recurrent;
  SmallVector<unsigned> group;
  SmallVector<llvm::BitVector> after;
  SmallVector<Stage> stages;
  llvm::DenseMap<Operation *, unsigned> stageOf;
  llvm::DenseMap<Value, BytesAttr> buffers;
  func::FuncOp last;
};

struct BatchTime : ttc::impl::BatchTimeBase<BatchTime> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp step = getStepFunction(module);
    if (!step)
      return signalPassFailure();
    // Products are split in a copy: the step keeps its own.
    func::FuncOp copy = step.clone();
    int64_t block;
    BytesAttr buffers;
    if (StageBuilder(step, copy).build(block, buffers)) {
      Builder builder(&getContext());
      module->setAttr(blockAttr, builder.getI64IntegerAttr(block));
      module->setAttr(buffersSizeAttr, buffers);
    }
    copy.erase();
  }
};
} // namespace
