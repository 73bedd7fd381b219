//===- StoredWeights.cpp - What do weights lose by being stored? ----------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "codegen/StoredWeights.h"

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace ttc;

namespace {

/// The weights of a matrix, read back from where prepare has packed them.
class PackedReader {
public:
  PackedReader(const PackedForm &form, const uint8_t *bytes)
      : form(form), bytes(bytes) {}

  double weight(int64_t row, int64_t k) const {
    int64_t at = indexOf(row, k);
    if (!form.numScales)
      return read(form.element, bytes, at);
    double scale = read(Float32Type::get(form.element.getContext()),
                        bytes + form.scalesOffset, row);
    return scale * static_cast<int8_t>(bytes[at]);
  }

private:
  int64_t indexOf(int64_t row, int64_t k) const {
    const PanelPlan &plan = form.panels;
    // The last group that begins in front of the row.
    const PanelGroup *group = plan.groups.begin();
    for (const PanelGroup &other : plan.groups)
      if (other.firstVector * plan.lanes <= row)
        group = &other;
    int64_t width = group->vectors * plan.lanes;
    int64_t inGroup = row - group->firstVector * plan.lanes;
    int64_t panelRow = row - inGroup % width;
    int64_t column = k / plan.depth * width + inGroup % width;
    return panelRow * plan.inputs + column * plan.depth + k % plan.depth;
  }

  static double read(Type element, const uint8_t *bytes, int64_t index) {
    auto type = cast<FloatType>(element);
    unsigned size = type.getWidth() / 8;
    uint64_t bits = 0;
    std::memcpy(&bits, bytes + index * size, size);
    llvm::APFloat value(type.getFloatSemantics(),
                        llvm::APInt(type.getWidth(), bits));
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToDouble();
  }

  const PackedForm &form;
  const uint8_t *bytes;
};

/// Prepared weights, and where what lies in them.
struct Prepared {
  PreparedPlan plan;
  std::vector<uint8_t> bytes;
};

} // namespace

static llvm::Expected<Prepared> prepareHere(ModuleOp nests,
                                            const ModelTable &table,
                                            const Schedule &schedule,
                                            const EmbedFunction &embed) {
  Prepared prepared{planPrepared(getStepFunction(nests), schedule), {}};
  OwningOpRef<ModuleOp> scheduled = nests.clone();
  PassManager pm(nests.getContext());
  addSchedulePasses(pm, schedule);
  if (failed(pm.run(*scheduled)))
    return llvm::createStringError("the model could not be scheduled");
  ModelTable own = table;
  readSizes(*scheduled, own);
  auto weights = runPrepareHere(*scheduled, own, schedule.unit(), embed);
  if (!weights)
    return weights.takeError();
  prepared.bytes = std::move(weights->bytes);
  return prepared;
}

/// The parameter that a result of prepare is, `gru.weight[0:256, 0:512]` for a
/// part of one; the layer that reads it for what is computed.
static std::string nameOf(Value value, BlockArgument weight) {
  std::string part;
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>()) {
    SmallVector<std::string> ranges;
    for (auto [from, size] :
         llvm::zip_equal(slice.getStaticOffsets(), slice.getStaticSizes()))
      ranges.push_back(llvm::formatv("{0}:{1}", from, from + size));
    part = "[" + llvm::join(ranges, ", ") + "]";
    value = slice.getSource();
  }
  if (auto param = dyn_cast<BlockArgument>(rootOf(value))) {
    auto prepare = cast<func::FuncOp>(param.getOwner()->getParentOp());
    auto symbol = prepare.getArgAttrOfType<FlatSymbolRefAttr>(
        param.getArgNumber(), paramAttr);
    return symbol.getValue().str() + part;
  }
  for (Operation *user : weight.getUsers())
    if (auto label = user->getAttrOfType<StringAttr>("label"))
      return label.str();
  return "";
}

static StoredMatrix compare(const PackedForm &narrowForm, const uint8_t *narrow,
                            const PackedForm &wideForm, const uint8_t *wide) {
  PackedReader stored(narrowForm, narrow), given(wideForm, wide);
  const PanelPlan &plan = wideForm.panels;
  StoredMatrix matrix{"", plan.outputs, plan.inputs, narrowForm.bytes, 0, 0, 0};
  double signal = 0, noise = 0;
  for (int64_t row = 0; row < plan.outputs; ++row) {
    double rowSignal = 0, rowNoise = 0;
    for (int64_t k = 0; k < plan.inputs; ++k) {
      double weight = given.weight(row, k);
      double error = weight - stored.weight(row, k);
      rowSignal += weight * weight;
      rowNoise += error * error;
    }
    if (!std::isfinite(rowSignal + rowNoise)) {
      ++matrix.notFinite;
      continue;
    }
    signal += rowSignal;
    noise += rowNoise;
    if (rowNoise > 0)
      matrix.worstRow =
          std::max(matrix.worstRow, std::sqrt(rowNoise / rowSignal));
  }
  matrix.decibels = noise > 0 ? 10 * std::log10(signal / noise)
                              : std::numeric_limits<double>::infinity();
  return matrix;
}

llvm::Expected<std::vector<StoredMatrix>>
ttc::measureStoredWeights(ModuleOp nests, const ModelTable &table,
                          const Schedule &schedule,
                          const EmbedFunction &embed) {
  OwningOpRef<ModuleOp> wideNests = nests.clone();
  (*wideNests)
      ->setAttr(packedStorageAttr,
                TypeAttr::get(Float32Type::get(nests.getContext())));
  auto narrow = prepareHere(nests, table, schedule, embed);
  if (!narrow)
    return narrow.takeError();
  auto wide = prepareHere(*wideNests, table, schedule, embed);
  if (!wide)
    return wide.takeError();

  func::FuncOp step = getStepFunction(nests);
  auto prepare = nests.lookupSymbol<func::FuncOp>(
      step->getAttrOfType<FlatSymbolRefAttr>(prepareAttr).getValue());
  Operation *end = prepare.getBody().front().getTerminator();
  std::vector<StoredMatrix> matrices;
  for (BlockArgument argument : step.getArguments()) {
    auto index = step.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(),
                                                    preparedAttr);
    if (!index)
      continue;
    for (Layout layout : {Layout::Panels, Layout::NarrowPanels}) {
      std::pair<unsigned, Layout> key(index.getInt(), layout);
      auto found = narrow->plan.offsets.find(key);
      if (found == narrow->plan.offsets.end())
        continue;
      RankedTensorType type = tensorType(argument);
      PackedForm narrowForm = narrow->plan.packedForm(type, layout, schedule);
      PackedForm wideForm = wide->plan.packedForm(type, layout, schedule);
      StoredMatrix matrix =
          compare(narrowForm, narrow->bytes.data() + found->second, wideForm,
                  wide->bytes.data() + wide->plan.offsets.find(key)->second);
      matrix.name = nameOf(end->getOperand(key.first), argument);
      matrices.push_back(std::move(matrix));
    }
  }
  return matrices;
}
