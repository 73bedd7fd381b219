//===- Report.cpp - What does a timestep cost, layer by layer? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "codegen/Report.h"

#include "codegen/RowGroups.h"
#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ttc;

namespace {

/// As --weights-storage takes it.
std::string storageName(Type type) {
  if (type.isInteger(8))
    return "int8";
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

/// Bytes of a tensor; a dynamic batch counts as 1.
int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  int64_t bytes = elementBytes(tensor.getElementType());
  for (int64_t size : tensor.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  return bytes;
}

int64_t elementsOf(Type type) {
  return bytesOf(type) /
         elementBytes(cast<RankedTensorType>(type).getElementType());
}

/// Operations on floats in a scalar region; what is a polynomial on vectors
/// counts as what that takes, about.
int64_t flopsOf(Region &region) {
  constexpr int64_t polynomial = 12;
  int64_t flops = 0;
  for (Operation &op : region.getOps()) {
    if (isa<math::ExpOp, math::TanhOp, math::LogOp, math::Log1pOp, math::SinOp,
            math::CosOp, math::ErfOp, math::PowFOp, math::ExpM1Op>(op))
      flops += polynomial;
    else if (!isa<arith::ConstantOp>(op) && op.getNumResults() == 1 &&
             isa<FloatType>(op.getResult(0).getType()))
      ++flops;
  }
  return flops;
}

class Reporter {
public:
  Reporter(func::FuncOp step, const Schedule &schedule, const Core &core)
      : step(step), schedule(schedule), core(core),
        prepared(planPrepared(step, schedule)) {}

  StepReport report() {
    StepReport result;
    llvm::SetVector<Value> weights, states;
    for (BlockArgument argument : step.getArguments())
      if (hasAttr(argument, stateAttr)) {
        states.insert(argument);
        result.stateBytes += bytesOf(argument.getType());
      }
    for (Operation &op : step.getBody().front())
      if (becomesLoops(&op))
        for (Value operand : op.getOperands())
          if (isPrepared(operand) && weights.insert(rootOf(operand)))
            result.weightBytes += storedBytes(rootOf(operand));
    result.level = core.levelOf(result.weightBytes + result.stateBytes);
    level = result.level;
    SmallVector<Operation *> operations;
    for (Operation &op : step.getBody().front())
      if (becomesLoops(&op))
        operations.push_back(&op);
    if (schedule.isGPU) {
      for (Operation *op : operations)
        result.nests.push_back(reportNest(op));
      return result;
    }
    for (ArrayRef<Operation *> group : groupByRows(operations, schedule))
      for (Operation *op : group) {
        result.nests.push_back(reportNest(op));
        if (group.size() > 1)
          result.nests.back().scheme += "; together, row by row";
      }
    return result;
  }

private:
  bool hasAttr(Value value, StringRef name) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && step.getArgAttr(argument.getArgNumber(), name);
  }
  bool isPrepared(Value value) { return hasAttr(rootOf(value), preparedAttr); }
  bool isState(Value value) { return hasAttr(rootOf(value), stateAttr); }

  /// Bytes of a prepared value as the step reads it.
  int64_t storedBytes(Value value) {
    for (Operation *user : value.getUsers())
      if (auto nest = dyn_cast<NestOp>(user))
        for (auto [index, weight] : llvm::enumerate(nest.getProductWeights()))
          if (weight == value)
            return packedForm(nest, index).bytes;
    return bytesOf(value.getType());
  }

  PackedForm packedForm(NestOp nest, unsigned index) {
    return prepared.packedForm(tensorType(nest.getProductWeights()[index]),
                               layoutOf(nest, index), schedule);
  }

  NestReport reportNest(Operation *op) {
    NestReport nest;
    if (auto label = op->getAttrOfType<StringAttr>("label"))
      nest.layer = label.str();
    llvm::SetVector<Value> roots;
    for (Value operand : op->getOperands())
      roots.insert(rootOf(operand));
    for (Value root : roots)
      (isPrepared(root) ? nest.weightBytes
       : isState(root)  ? nest.stateBytes
                        : nest.otherBytes) +=
          isPrepared(root) ? storedBytes(root) : bytesOf(root.getType());
    for (Value result : op->getResults())
      (becomesState(result) ? nest.stateBytes : nest.otherBytes) +=
          bytesOf(result.getType());
    if (auto product = dyn_cast<NestOp>(op))
      describeNest(product, nest);
    else if (auto reduce = dyn_cast<ReduceOp>(op))
      describeReduce(reduce, nest);
    else
      nest.kind = isa<GatherOp>(op) ? "rows of a table" : "moved elements";
    bound(nest);
    return nest;
  }

  bool becomesState(Value value) {
    Operation *end = step.getBody().front().getTerminator();
    return llvm::any_of(end->getOpOperands(), [&](OpOperand &operand) {
      return rootOf(operand.get()) == value &&
             step.getResultAttr(operand.getOperandNumber(), stateAttr);
    });
  }

  void describeNest(NestOp op, NestReport &nest) {
    int64_t elements = elementsOf(op.getDomain());
    nest.flops = elements * flopsOf(op.getBody());
    if (!op.hasProduct()) {
      nest.kind = llvm::formatv("{0} elements", elements);
      SmallVector<Type> types(op->getOperandTypes());
      llvm::append_range(types, op->getResultTypes());
      nest.scheme = elementwiseScheme(types);
      return;
    }
    int64_t chains = 1, inputs = 0, paired = 0;
    bool events = false;
    std::optional<PackedForm> first;
    SmallVector<PanelPlan> plans;
    for (auto [index, input] : llvm::enumerate(op.getProductInputs())) {
      PackedForm form = packedForm(op, index);
      chains = std::max(chains, form.panels.chains);
      inputs += form.panels.inputs;
      paired += form.panels.depth > 1 ? form.panels.inputs : 0;
      events |= listsEvents(input, schedule);
      plans.push_back(form.panels);
      if (!first)
        first = form;
    }
    nest.flops += 2 * elements * inputs;
    nest.kind = llvm::formatv(
        "{0} -> {1}{2}", inputs, first->panels.outputs,
        op.getNumProducts() > 1
            ? llvm::formatv(", {0} products", op.getNumProducts()).str()
            : std::string());
    if (schedule.isGPU) {
      nest.scheme = describeThreads(*first, chains);
      for (auto [index, plan] : llvm::enumerate(plans))
        if (isForWarp(op, index, plan, schedule))
          nest.scheme = describeWarps(plan.depth > 1 ? "bf16" : "tf32");
      return;
    }
    bool byMatrices = fitsMatrixUnit(schedule, plans, events);
    // Pairs are twice as many a cycle, and AMX makes 1024 flops of them.
    double timesAsMany = byMatrices ? 1024 / (4.0 * schedule.lanes) : 2;
    nest.saved = 2.0 * elements * paired * (1 - 1 / timesAsMany);
    if (byMatrices) {
      nest.scheme =
          llvm::formatv("panels of {0} x {1}, matrices of bf16 at "
                        "once; rows in tiles of {2}",
                        first->panels.groups.front().vectors,
                        first->panels.lanes, NestEmitter::mostMatrixRows);
      return;
    }
    int64_t rows = elements / first->panels.outputs;
    nest.scheme = describePanels(
        *first, layoutOf(op, 0) == Layout::NarrowPanels, chains, rows);
    if (events)
      nest.scheme += schedule.events == ListEvents::Always
                         ? "; active inputs alone"
                         : "; active inputs alone where few are";
  }

  /// "panels of 2 registers, 8 a pass, 4 chains; tiles of 12 rows".
  std::string describePanels(const PackedForm &form, bool inputsAreNarrow,
                             int64_t chains, int64_t rows) {
    const PanelPlan &plan = form.panels;
    std::string text = llvm::formatv("panels of {0} x {1}, {2} a pass",
                                     plan.groups.front().vectors, plan.lanes,
                                     plan.passes.front().panels.size());
    if (form.element == prepared.storage)
      text += ", weights " + storageName(form.element);
    if (inputsAreNarrow)
      text += plan.depth > 1 ? ", pairs of bf16 at once" : ", inputs bf16";
    if (chains > 1)
      text += llvm::formatv(", sums in {0} chains", chains);
    int64_t tile = schedule.tileRows(plan.groups.front().vectors, chains);
    // With a dynamic batch, and for a sequence's block, rows are many.
    if (tile > 1)
      text += "; " + (rows > 1 ? std::to_string(rows) + " " : "") +
              "rows in tiles of " + std::to_string(tile);
    return text;
  }

  /// "4 columns a thread; of few rows, 8 threads a sum".
  std::string describeThreads(const PackedForm &form, int64_t chains) {
    std::string text =
        llvm::formatv("{0} columns a thread", PanelPlan::threadColumns);
    if (form.element == prepared.storage)
      text += ", weights " + storageName(form.element);
    if (chains > 1)
      text += llvm::formatv("; of few rows, {0} threads a sum", chains);
    return text;
  }

  std::string describeWarps(StringRef type) {
    return llvm::formatv("matrices of {0} at once; {1} columns a thread", type,
                         PanelPlan::threadColumns);
  }

  std::string elementwiseScheme(TypeRange types) {
    return schedule.isGPU
               ? std::string("an element a thread")
               : "vectors of " + std::to_string(lanesFor(schedule, types));
  }

  void describeReduce(ReduceOp op, NestReport &nest) {
    int64_t points = 1;
    for (int64_t size : op.getWindow())
      points *= size;
    int64_t elements = elementsOf(op.getOutput().getType());
    nest.kind = llvm::formatv("{0} windows of {1}", elements, points);
    nest.flops = elements * points * (1 + flopsOf(op.getBody()));
    nest.scheme = elementwiseScheme(op.getOutput().getType());
    // Only what is packed is stored narrower: said where it might be expected.
    if (prepared.storage && nest.weightBytes)
      nest.scheme += ", weights as they are";
  }

  /// What takes the most cycles, and how many.
  void bound(NestReport &nest) {
    if (schedule.isGPU)
      return;
    // Two vector units, each a multiply and an add a cycle.
    double arithmetic = (nest.flops - nest.saved) / (4.0 * schedule.lanes);
    double streamed = double(nest.weightBytes + nest.stateBytes) /
                      Core::bytesPerCycle[unsigned(level)];
    double near =
        double(nest.otherBytes) / Core::bytesPerCycle[unsigned(Level::L1)];
    nest.cycles = std::max({arithmetic, streamed, near});
    nest.bound = nest.cycles == arithmetic ? "arithmetic"
                 : nest.cycles == streamed ? levelName(level).str()
                                           : "L1";
  }

  func::FuncOp step;
  const Schedule &schedule;
  const Core &core;
  PreparedPlan prepared;
  Level level = Level::L1;
};

} // namespace

StepReport ttc::reportStep(ModuleOp module, const Schedule &schedule,
                           const Core &core) {
  func::FuncOp step = getStepFunction(module);
  StepReport report = Reporter(step, schedule, core).report();
  report.forCPU = !schedule.isGPU;
  if (report.forCPU) {
    report.schedule = schedule.text();
    report.limits = schedule.limits();
  }
  if (auto names = step->getAttrOfType<ArrayAttr>(stagesAttr)) {
    report.block = module->getAttrOfType<IntegerAttr>(blockAttr).getInt();
    for (auto name : names.getAsRange<FlatSymbolRefAttr>()) {
      auto function = module.lookupSymbol<func::FuncOp>(name.getValue());
      StepReport::Stage stage{function->hasAttr(wholeBlockAttr), {}};
      for (Operation &op : function.getBody().front())
        if (auto label = op.getAttrOfType<StringAttr>("label");
            label && !llvm::is_contained(stage.layers, label.getValue()))
          stage.layers.push_back(label.str());
      report.stages.push_back(std::move(stage));
    }
  }
  return report;
}
