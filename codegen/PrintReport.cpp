//===- PrintReport.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A report as text, and as JSON.
//
//===----------------------------------------------------------------------===//

#include "codegen/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;
using namespace ttc;

static std::string bytesText(int64_t bytes) {
  if (bytes < 10000)
    return std::to_string(bytes);
  if (bytes < 10'000'000)
    return llvm::formatv("{0} K", bytes / 1000);
  return llvm::formatv("{0} M", bytes / 1'000'000);
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
                    formatv("{0:f4} %", matrix.worstRow * 100),
                    std::isfinite(matrix.decibels)
                        ? formatv("{0:f1} dB", matrix.decibels).str()
                        : std::string("exact")});
    notFinite += matrix.notFinite;
  }
  std::string text =
      "Weights as they are stored, against what was given: the largest "
      "relative error of an output feature's\nweights (Euclidean norms), and "
      "the signal-to-noise ratio of all.\n" +
      table(rows, [](size_t column) { return column >= 1; });
  if (notFinite)
    text += formatv("Output features with weights that are stored as NaN "
                    "or infinite, and count for neither: {0}.\n",
                    notFinite);
  return text;
}

static std::string kernelsText(ArrayRef<KernelCost> kernels,
                               StringRef unknown) {
  if (kernels.empty())
    return unknown.str() + "\n";
  std::vector<std::vector<std::string>> rows = {
      {"kernel", "architecture", "registers", "stack", "spilled", "reloaded",
       "shared"}};
  for (const KernelCost &cost : kernels)
    rows.push_back(
        {cost.kernel, cost.architecture, std::to_string(cost.registers),
         std::to_string(cost.stackBytes), std::to_string(cost.spillStoreBytes),
         std::to_string(cost.spillLoadBytes),
         std::to_string(cost.sharedBytes)});
  return "What ptxas gave each thread: registers, and bytes of local memory; "
         "and each block: bytes of shared memory.\n" +
         table(rows, [](size_t column) { return column >= 2; });
}

/// The columns of a table that is for a GPU's threads: no cycles, and nothing
/// that bounds them.
static std::vector<std::string> withoutCycles(std::vector<std::string> row) {
  row.erase(row.begin() + 5, row.begin() + 7);
  return row;
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
                    formatv("{0:f1}", nest.flops / 1000.0),
                    formatv("{0:f0}", nest.cycles), nest.bound, nest.scheme});
    cycles += nest.cycles;
    flops += nest.flops;
  }
  rows.push_back({"all", "", bytesText(weightBytes), bytesText(stateBytes),
                  formatv("{0:f1}", flops / 1000.0), formatv("{0:f0}", cycles),
                  levelName(level).str(),
                  "weights and states have room in " + levelName(level).str()});
  if (!forCPU) {
    rows.back().back().clear();
    llvm::transform(rows, rows.begin(), withoutCycles);
  }
  std::string text = table(
      rows, [&](size_t column) { return column >= 2 && column <= 4 + forCPU; });
  if (forCPU) {
    text += "Bytes and cycles of a timestep, with a batch of 1 where that is "
            "dynamic; the cycles are the fewest\nthat nominal bandwidths and "
            "two vector units allow (docs/schedule.md).\n";
    text += "Schedule: " + schedule + "\n  for " + limits + ".\n";
  } else {
    text += "Bytes of a timestep, with a batch of 1 where that is dynamic.\n";
  }
  if (stages.empty()) {
    text += "A sequence goes timestep by timestep.\n";
  } else {
    text += formatv("A sequence goes in blocks of {0} rows:\n", block);
    for (const Stage &stage : stages)
      text +=
          formatv("  {0}: {1}\n",
                  stage.wholeBlock ? "the whole block" : "timestep by timestep",
                  llvm::join(stage.layers, ", "));
  }
  if (!stored.empty())
    text += storedText(stored);
  if (kernels)
    text += kernelsText(*kernels, kernelsUnknown);
  return text;
}

json::Value StepReport::toJSON() const {
  json::Array list, stageList, storedList, kernelList;
  for (const NestReport &nest : nests) {
    json::Object row{{"layer", nest.layer},
                     {"computes", nest.kind},
                     {"weight_bytes", nest.weightBytes},
                     {"state_bytes", nest.stateBytes},
                     {"other_bytes", nest.otherBytes},
                     {"flops", nest.flops},
                     {"scheme", nest.scheme}};
    if (forCPU) {
      row["cycles"] = nest.cycles;
      row["bound"] = nest.bound;
    }
    list.push_back(std::move(row));
  }
  for (const Stage &stage : stages)
    stageList.push_back(json::Object{{"whole_block", stage.wholeBlock},
                                     {"layers", json::Array(stage.layers)}});
  for (const StoredMatrix &matrix : stored)
    storedList.push_back(json::Object{
        {"matrix", matrix.name},
        {"outputs", matrix.outputs},
        {"inputs", matrix.inputs},
        {"bytes", matrix.bytes},
        {"worst_row", matrix.worstRow},
        {"snr_db", std::isfinite(matrix.decibels) ? json::Value(matrix.decibels)
                                                  : json::Value(nullptr)},
        {"not_finite_rows", matrix.notFinite}});
  json::Object object{{"nests", std::move(list)},
                      {"weight_bytes", weightBytes},
                      {"state_bytes", stateBytes},
                      {"block_rows", block},
                      {"stages", std::move(stageList)}};
  if (forCPU) {
    object["level"] = levelName(level);
    object["schedule"] = schedule;
    object["limits"] = limits;
  }
  if (!stored.empty())
    object["stored_weights"] = std::move(storedList);
  if (kernels) {
    for (const KernelCost &cost : *kernels)
      kernelList.push_back(
          json::Object{{"kernel", cost.kernel},
                       {"architecture", cost.architecture},
                       {"registers", cost.registers},
                       {"stack_bytes", cost.stackBytes},
                       {"spill_store_bytes", cost.spillStoreBytes},
                       {"spill_load_bytes", cost.spillLoadBytes},
                       {"shared_bytes", cost.sharedBytes}});
    object["kernels"] = std::move(kernelList);
    if (!kernelsUnknown.empty())
      object["kernels_unknown"] = kernelsUnknown;
  }
  return object;
}
