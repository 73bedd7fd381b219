//===- ThreadStates.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How reads and writes become values in and out of a pure function.
//
//===----------------------------------------------------------------------===//

#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace ttc {
#define GEN_PASS_DEF_THREADSTATES
#include "passes/TTCPasses.h.inc"
} // namespace ttc

using namespace mlir;
using namespace ttc;

func::FuncOp ttc::getStepFunction(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, inputAttr))
        return function;
  module.emitError("expected a threaded model, a func.func whose arguments "
                   "carry 'ttc.input': thread-states makes it");
  return nullptr;
}

namespace {
struct ThreadStates : ttc::impl::ThreadStatesBase<ThreadStates> {
  void runOnOperation() override {
    ModelOp model = getOnlyModel(getOperation());
    if (!model || failed(checkStraightLine(model)))
      return signalPassFailure();
    if (model.getNumArguments() == 0) {
      model.emitOpError("takes no input: a timestep begins with one");
      return signalPassFailure();
    }

    if (failed(collectSlots(model)))
      return signalPassFailure();
    func::FuncOp function = createFunction(model);
    Block &body = function.getBody().front();
    threadParams(body, function);
    SmallVector<Value> newStates = threadStates(body, function);

    auto end = cast<ReturnOp>(body.getTerminator());
    OpBuilder builder(end);
    SmallVector<Value> results(end.getOutputs());
    llvm::append_range(results, newStates);
    func::ReturnOp::create(builder, end.getLoc(), results);
    end.erase();
    model.erase();
  }

private:
  /// What is threaded as one value: a state, or one place of a stack.
  struct Slot {
    StringAttr state;
    IntegerAttr place; ///< null for a whole state
    Type type;
  };
  using SlotKey = std::pair<StringAttr, IntegerAttr>;

  /// A state is threaded through the model's one block: a read or a write
  /// inside of another operation would have no place in that order.
  static LogicalResult checkStraightLine(ModelOp model) {
    Block *body = &model.getBody().front();
    return failure(model
                       .walk([&](Operation *op) -> WalkResult {
                         if (isa<LayerOpInterface>(op))
                           return op->emitOpError(
                               "is still a whole layer: expand-layers runs "
                               "before thread-states");
                         if (!isa<ReadOp, WriteOp, ParamValueOp>(op) ||
                             op->getBlock() == body)
                           return WalkResult::advance();
                         return op->emitOpError(
                             "stands inside of another operation, where its "
                             "turn in the timestep is not known");
                       })
                       .wasInterrupted());
  }

  /// A stack is threaded place by place if the model reads or writes it so.
  LogicalResult collectSlots(ModelOp model) {
    llvm::DenseSet<StringAttr> stacks;
    llvm::DenseMap<StringAttr, Operation *> wholes;
    auto note = [&](auto op) {
      StringAttr state = op.getStateAttr().getAttr();
      if (op.getIndexAttr())
        stacks.insert(state);
      else
        wholes.try_emplace(state, op);
    };
    model.walk([&](Operation *op) {
      if (auto read = dyn_cast<ReadOp>(op))
        note(read);
      else if (auto write = dyn_cast<WriteOp>(op))
        note(write);
    });
    SmallVector<StateOp> states(getOperation().getOps<StateOp>());
    llvm::sort(states, [](StateOp a, StateOp b) {
      return a.getSymName() < b.getSymName();
    });
    for (StateOp state : states) {
      StringAttr name = state.getSymNameAttr();
      auto type = cast<RankedTensorType>(state.getType());
      if (!stacks.contains(name)) {
        if (!isModelTensor(type))
          return state.emitOpError("is a stack whose batch is its second "
                                   "dimension: it is read and written a place "
                                   "at a time");
        slots.push_back({name, IntegerAttr(), type});
        continue;
      }
      if (Operation *whole = wholes.lookup(name))
        return whole->emitOpError() << "takes all of @\"" << name.getValue()
                                    << "\", whose places others take one by "
                                       "one: name a place here too";
      for (int64_t place = 0; place < type.getDimSize(0); ++place)
        slots.push_back({name, Builder(&getContext()).getI64IntegerAttr(place),
                         type.clone(type.getShape().drop_front())});
    }
    return success();
  }

  /// Moves the model's body into a function of inputs, params and states, in
  /// that order, each with the attribute that says which it is.
  func::FuncOp createFunction(ModelOp model) {
    for (auto param : getOperation().getOps<ParamOp>())
      params.emplace_back(param.getSymNameAttr(), param.getType());

    SmallVector<Type> inputs(model.getArgumentTypes());
    SmallVector<Type> results(model.getResultTypes());
    numInputs = inputs.size();
    numOutputs = results.size();
    for (auto &[name, type] : params)
      inputs.push_back(type);
    for (const Slot &slot : slots) {
      inputs.push_back(slot.type);
      results.push_back(slot.type);
    }

    OpBuilder builder(model);
    auto function =
        func::FuncOp::create(builder, model.getLoc(), model.getSymName(),
                             builder.getFunctionType(inputs, results));
    auto name = [&](unsigned index, StringRef stem) -> StringAttr {
      return builder.getStringAttr(stem + Twine(index));
    };
    for (unsigned i = 0; i < numInputs; ++i) {
      auto given = model.getArgAttrOfType<StringAttr>(i, "ttc.name");
      function.setArgAttr(i, inputAttr, given ? given : name(i, "input"));
    }
    for (unsigned i = 0; i < numOutputs; ++i) {
      auto given = model.getResultAttrOfType<StringAttr>(i, "ttc.name");
      function.setResultAttr(i, outputAttr, given ? given : name(i, "output"));
    }
    for (auto [i, param] : llvm::enumerate(params))
      function.setArgAttr(numInputs + i, paramAttr,
                          FlatSymbolRefAttr::get(param.first));
    for (auto [i, slot] : llvm::enumerate(slots)) {
      unsigned argument = numInputs + params.size() + i;
      auto symbol = FlatSymbolRefAttr::get(slot.state);
      function.setArgAttr(argument, stateAttr, symbol);
      function.setResultAttr(numOutputs + i, stateAttr, symbol);
      if (slot.place) {
        function.setArgAttr(argument, placeAttr, slot.place);
        function.setResultAttr(numOutputs + i, placeAttr, slot.place);
      }
    }
    function.getBody().takeBody(model.getBody());
    Block &body = function.getBody().front();
    for (Type type : ArrayRef<Type>(inputs).drop_front(numInputs))
      body.addArgument(type, model.getLoc());
    return function;
  }

  void threadParams(Block &body, func::FuncOp function) {
    llvm::DenseMap<StringAttr, Value> values;
    for (auto [i, param] : llvm::enumerate(params))
      values[param.first] = body.getArgument(numInputs + i);
    for (auto op : llvm::make_early_inc_range(body.getOps<ParamValueOp>())) {
      op.replaceAllUsesWith(values.lookup(op.getParamAttr().getAttr()));
      op.erase();
    }
  }

  /// Replaces each read by the value at its point; returns the values at the
  /// end.
  SmallVector<Value> threadStates(Block &body, func::FuncOp function) {
    llvm::DenseMap<SlotKey, Value> current;
    for (auto [i, slot] : llvm::enumerate(slots))
      current[{slot.state, slot.place}] =
          body.getArgument(numInputs + params.size() + i);
    for (Operation &op : llvm::make_early_inc_range(body)) {
      if (auto read = dyn_cast<ReadOp>(op)) {
        read.replaceAllUsesWith(current.lookup(
            {read.getStateAttr().getAttr(), read.getIndexAttr()}));
        read.erase();
      } else if (auto write = dyn_cast<WriteOp>(op)) {
        current[{write.getStateAttr().getAttr(), write.getIndexAttr()}] =
            write.getValue();
        write.erase();
      }
    }
    SmallVector<Value> last;
    for (const Slot &slot : slots)
      last.push_back(current.lookup({slot.state, slot.place}));
    return last;
  }

  SmallVector<std::pair<StringAttr, Type>> params;
  SmallVector<Slot> slots;
  unsigned numInputs = 0, numOutputs = 0;
};
} // namespace
