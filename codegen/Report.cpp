//===- Report.cpp - What does a timestep cost, layer by layer? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "codegen/Report.h"

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

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
    for (Operation &op : step.getBody().front())
      if (becomesLoops(&op))
        result.nests.push_back(reportNest(&op));
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
    for (OpOperand &use : value.getUses())
      if (auto nest = dyn_cast<NestOp>(use.getOwner()))
        if (llvm::is_contained(nest.getProductWeights(), value))
          return prepared.packedForm(tensorType(value), schedule).bytes;
    return bytesOf(value.getType());
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
      nest.scheme = "vectors of " + std::to_string(lanesOf(op.getDomain()));
      return;
    }
    int64_t chains = 1, inputs = 0;
    bool events = false;
    std::optional<PackedForm> first;
    for (auto [input, weight] :
         llvm::zip_equal(op.getProductInputs(), op.getProductWeights())) {
      PackedForm form = prepared.packedForm(tensorType(weight), schedule);
      chains = std::max(chains, form.panels.chains);
      inputs += form.panels.inputs;
      events |= mayBeEvents(input);
      if (!first)
        first = form;
    }
    nest.flops += 2 * elements * inputs;
    nest.kind = llvm::formatv(
        "{0} -> {1}{2}", inputs, first->panels.outputs,
        op.getNumProducts() > 1
            ? llvm::formatv(", {0} products", op.getNumProducts()).str()
            : std::string());
    int64_t rows = elements / first->panels.outputs;
    nest.scheme = describePanels(*first, chains, rows);
    if (events && schedule.events != ListEvents::Off)
      nest.scheme += schedule.events == ListEvents::Always
                         ? "; active inputs alone"
                         : "; active inputs alone where few are";
  }

  /// "panels of 2 registers, 8 a pass, 4 chains; tiles of 12 rows".
  std::string describePanels(const PackedForm &form, int64_t chains,
                             int64_t rows) {
    const PanelPlan &plan = form.panels;
    std::string text = llvm::formatv("panels of {0} x {1}, {2} a pass",
                                     plan.groups.front().vectors, plan.lanes,
                                     plan.passes.front().panels.size());
    if (form.element == prepared.storage)
      text += ", weights " + storageName(form.element);
    if (chains > 1)
      text += llvm::formatv(", sums in {0} chains", chains);
    int64_t tile = schedule.tileRows(plan.groups.front().vectors, chains);
    // With a dynamic batch, and for a sequence's block, rows are many.
    if (tile > 1)
      text += "; " + (rows > 1 ? std::to_string(rows) + " " : "") +
              "rows in tiles of " + std::to_string(tile);
    return text;
  }

  void describeReduce(ReduceOp op, NestReport &nest) {
    int64_t points = 1;
    for (int64_t size : op.getWindow())
      points *= size;
    int64_t elements = elementsOf(op.getOutput().getType());
    nest.kind = llvm::formatv("{0} windows of {1}", elements, points);
    nest.flops = elements * points * (1 + flopsOf(op.getBody()));
    nest.scheme =
        "vectors of " + std::to_string(lanesOf(op.getOutput().getType()));
    // Only what is packed is stored narrower: said where it might be expected.
    if (prepared.storage && nest.weightBytes)
      nest.scheme += ", weights as they are";
  }

  int64_t lanesOf(Type type) {
    return schedule.forElements(elementBytes(getElementTypeOrSelf(type))).lanes;
  }

  /// What takes the most cycles, and how many.
  void bound(NestReport &nest) {
    // Two vector units, each a multiply and an add a cycle.
    double arithmetic = double(nest.flops) / (4.0 * schedule.lanes);
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

std::string bytesText(int64_t bytes) {
  if (bytes < 10000)
    return std::to_string(bytes);
  if (bytes < 10'000'000)
    return llvm::formatv("{0} K", bytes / 1000);
  return llvm::formatv("{0} M", bytes / 1'000'000);
}

} // namespace

StepReport ttc::reportStep(ModuleOp module, const Schedule &schedule,
                           const Core &core) {
  func::FuncOp step = getStepFunction(module);
  StepReport report = Reporter(step, schedule, core).report();
  report.schedule = schedule.text();
  report.limits = schedule.limits();
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

/// Rows of cells as columns, those of `numbers` aligned to the right.
static std::string table(ArrayRef<std::vector<std::string>> rows,
                         function_ref<bool(size_t)> isNumber) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string padding(widths[i] - row[i].size(), ' ');
      line += isNumber(i) ? padding + row[i] : row[i] + padding;
      line += "  ";
    }
    text += StringRef(line).rtrim().str() + "\n";
  }
  return text;
}

static std::string storedText(ArrayRef<StoredMatrix> stored) {
  std::vector<std::vector<std::string>> rows = {
      {"matrix", "outputs", "inputs", "bytes", "worst row", "SNR"}};
  int64_t notFinite = 0;
  for (const StoredMatrix &matrix : stored) {
    rows.push_back({matrix.name, std::to_string(matrix.outputs),
                    std::to_string(matrix.inputs), bytesText(matrix.bytes),
                    llvm::formatv("{0:f4} %", matrix.worstRow * 100),
                    std::isfinite(matrix.decibels)
                        ? llvm::formatv("{0:f1} dB", matrix.decibels).str()
                        : std::string("exact")});
    notFinite += matrix.notFinite;
  }
  std::string text =
      "Weights as they are stored, against what was given: the largest "
      "relative error of an output feature's\nweights (Euclidean norms), and "
      "the signal-to-noise ratio of all.\n" +
      table(rows, [](size_t column) { return column >= 1; });
  if (notFinite)
    text += llvm::formatv("Output features with weights that are stored as NaN "
                          "or infinite, and count for neither: {0}.\n",
                          notFinite);
  return text;
}

std::string StepReport::toText() const {
  std::vector<std::vector<std::string>> rows = {{"layer", "computes", "weights",
                                                 "states", "kflop", "cycles",
                                                 "bound", "scheme"}};
  double cycles = 0;
  int64_t flops = 0;
  for (const NestReport &nest : nests) {
    rows.push_back({nest.layer, nest.kind, bytesText(nest.weightBytes),
                    bytesText(nest.stateBytes),
                    llvm::formatv("{0:f1}", nest.flops / 1000.0),
                    llvm::formatv("{0:f0}", nest.cycles), nest.bound,
                    nest.scheme});
    cycles += nest.cycles;
    flops += nest.flops;
  }
  rows.push_back({"all", "", bytesText(weightBytes), bytesText(stateBytes),
                  llvm::formatv("{0:f1}", flops / 1000.0),
                  llvm::formatv("{0:f0}", cycles), levelName(level).str(),
                  "weights and states have room in " + levelName(level).str()});
  std::string text =
      table(rows, [](size_t column) { return column >= 2 && column <= 5; });
  text += "Bytes and cycles of a timestep, with a batch of 1 where that is "
          "dynamic; the cycles are the fewest\nthat nominal bandwidths and two "
          "vector units allow (docs/schedule.md).\n";
  text += "Schedule: " + schedule + "\n  for " + limits + ".\n";
  if (stages.empty()) {
    text += "A sequence goes timestep by timestep.\n";
  } else {
    text += llvm::formatv("A sequence goes in blocks of {0} rows:\n", block);
    for (const Stage &stage : stages)
      text += llvm::formatv("  {0}: {1}\n",
                            stage.wholeBlock ? "the whole block"
                                             : "timestep by timestep",
                            llvm::join(stage.layers, ", "));
  }
  return stored.empty() ? text : text + storedText(stored);
}

llvm::json::Value StepReport::toJSON() const {
  llvm::json::Array list, stageList, storedList;
  for (const NestReport &nest : nests)
    list.push_back(llvm::json::Object{{"layer", nest.layer},
                                      {"computes", nest.kind},
                                      {"weight_bytes", nest.weightBytes},
                                      {"state_bytes", nest.stateBytes},
                                      {"other_bytes", nest.otherBytes},
                                      {"flops", nest.flops},
                                      {"cycles", nest.cycles},
                                      {"bound", nest.bound},
                                      {"scheme", nest.scheme}});
  for (const Stage &stage : stages)
    stageList.push_back(
        llvm::json::Object{{"whole_block", stage.wholeBlock},
                           {"layers", llvm::json::Array(stage.layers)}});
  for (const StoredMatrix &matrix : stored)
    storedList.push_back(
        llvm::json::Object{{"matrix", matrix.name},
                           {"outputs", matrix.outputs},
                           {"inputs", matrix.inputs},
                           {"bytes", matrix.bytes},
                           {"worst_row", matrix.worstRow},
                           {"snr_db", std::isfinite(matrix.decibels)
                                          ? llvm::json::Value(matrix.decibels)
                                          : llvm::json::Value(nullptr)},
                           {"not_finite_rows", matrix.notFinite}});
  llvm::json::Object object{
      {"nests", std::move(list)},  {"weight_bytes", weightBytes},
      {"state_bytes", stateBytes}, {"level", levelName(level)},
      {"block_rows", block},       {"stages", std::move(stageList)},
      {"schedule", schedule},      {"limits", limits}};
  if (!stored.empty())
    object["stored_weights"] = std::move(storedList);
  return object;
}
