//===- SchedulePrepare.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How weights become what the step reads, once.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

namespace {

/// Emits the prepare function: activates what comes raw, computes what depends
/// on the weights alone, and packs.
class PrepareScheduler {
public:
  PrepareScheduler(func::FuncOp prepare, const Schedule &schedule,
                   PreparedPlan &plan, ModuleOp module)
      : prepare(prepare), schedule(schedule), plan(plan), symbols(module) {}

  void emit() {
    unsigned numParams = prepare.getNumArguments();
    flagsPointer = numParams;
    preparedPointer = numParams + 1;
    EntryBuilder entry(prepare, (prepare.getSymName() + ".entry").str(),
                       numParams + 2);
    whole = &entry;

    for (Operation &op : prepare.getBody().front().without_terminator())
      if (becomesLoops(&op))
        emitOperation(op);
    Operation *end = prepare.getBody().front().getTerminator();
    for (auto &[key, offset] : plan.offsets) {
      auto [index, layout] = key;
      Value value = end->getOperand(index);
      Place to{preparedPointer, offset};
      if (layout != Layout::Dense)
        emitPacking(value, layout, offset);
      else if (Place from = placeOf(value);
               from.pointer != to.pointer || from.offset != to.offset)
        emitPart([&](EntryBuilder &part, NestEmitter &emitter) {
          emitter.emitCopy(tensorType(value), view(part, from, value),
                           view(part, to, value));
        });
    }
    func::ReturnOp::create(entry.b);
  }

private:
  /// Where a tensor lies: so many bytes behind a pointer.
  struct Place {
    unsigned pointer;
    int64_t offset;
  };

  /// Each computation is a function of its own, which layers that are alike
  /// share.
  void emitPart(function_ref<void(EntryBuilder &, NestEmitter &)> body) {
    EntryBuilder part(*whole);
    NestEmitter emitter(part.b, schedule, /*batch=*/Value());
    body(part, emitter);
    part.finishPart();
  }

  Buffer view(EntryBuilder &part, Place place, Value value) {
    return part.view(place.pointer, tensorType(value),
                     BytesAttr::get(prepare.getContext(), place.offset, 0));
  }

  /// Room for a value that prepare itself computes with: where the step will
  /// read it, or a place of its own.
  Place ownPlace(Value value) {
    Operation *end = prepare.getBody().front().getTerminator();
    for (auto &[key, offset] : plan.offsets)
      if (key.second == Layout::Dense && end->getOperand(key.first) == value)
        return places[value] = {preparedPointer, offset};
    RankedTensorType type = tensorType(value);
    return places[value] = {
               preparedPointer,
               plan.reserve(type.getNumElements() * elementBytes(type))};
  }

  /// Where the values of a param lie, activated, or of what was computed.
  Place placeOf(Value value) {
    value = rootOf(value);
    if (auto found = places.find(value); found != places.end())
      return found->second;
    if (auto constant = value.getDefiningOp<arith::ConstantOp>())
      return emitConstant(constant);
    auto param = cast<BlockArgument>(value);
    auto symbol = prepare.getArgAttrOfType<FlatSymbolRefAttr>(
        param.getArgNumber(), paramAttr);
    auto declaration = symbols.lookup<ParamOp>(symbol.getValue());
    Place given{param.getArgNumber(), 0};
    auto constraint = declaration.getActivated();
    if (!constraint || *constraint == Constraint::Identity)
      return places[value] = given;
    Place effective = ownPlace(value);
    emitActivation(param, *constraint, given, effective);
    return effective;
  }

  /// effective[i] = given[i], activated in double precision if it is raw.
  void emitActivation(BlockArgument param, Constraint constraint, Place given,
                      Place effective) {
    emitPart([&](EntryBuilder &part, NestEmitter &) {
      ImplicitLocOpBuilder &b = part.b;
      auto index = [&](int64_t value) -> Value {
        return arith::ConstantIndexOp::create(b, value);
      };
      Value from = view(part, given, param), to = view(part, effective, param);
      Type flagType = b.getIntegerType(8);
      Value flag = memref::LoadOp::create(
          b, part.view(flagsPointer, flagType, 1, param.getArgNumber()),
          ValueRange{index(0)});
      Value isRaw =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flag,
                                arith::ConstantIntOp::create(b, flagType, 0));
      auto loop = scf::ForOp::create(
          b, index(0), index(tensorType(param).getNumElements()), index(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value i = loop.getInductionVar();
      Value x = memref::LoadOp::create(b, from, ValueRange{i});
      Type element = x.getType();
      Value wide =
          element.isF64() ? x : arith::ExtFOp::create(b, b.getF64Type(), x);
      Value activated = buildActivation(b, constraint, wide);
      if (!element.isF64())
        activated = arith::TruncFOp::create(b, element, activated);
      Value value = arith::SelectOp::create(b, isRaw, activated, x);
      memref::StoreOp::create(b, value, to, ValueRange{i});
    });
  }

  void emitOperation(Operation &op) {
    auto nest = dyn_cast<NestOp>(op);
    SmallVector<Value> inputs(nest ? ValueRange(nest.getInputs())
                                   : op.getOperands());
    SmallVector<Place> from, to;
    for (Value input : inputs)
      from.push_back(placeOf(input));
    for (Value result : op.getResults())
      to.push_back(ownPlace(result));
    emitPart([&](EntryBuilder &part, NestEmitter &emitter) {
      NestBuffers buffers;
      for (auto [input, place] : llvm::zip_equal(inputs, from))
        buffers.inputs.push_back(view(part, place, input));
      for (auto [result, place] : llvm::zip_equal(op.getResults(), to))
        buffers.outputs.push_back({view(part, place, result)});
      emitter.emit(&op, buffers);
    });
  }

  /// A constant of the model, in the object's read-only data.
  Place emitConstant(arith::ConstantOp constant) {
    auto values = cast<DenseElementsAttr>(constant.getValue());
    int64_t count = values.getNumElements();
    auto type = MemRefType::get({count}, values.getElementType());
    OpBuilder outside(prepare);
    std::string name =
        (prepare.getSymName() + ".constant" + Twine(numConstants++)).str();
    auto flat = RankedTensorType::get({count}, values.getElementType());
    memref::GlobalOp::create(outside, constant.getLoc(), name,
                             outside.getStringAttr("private"), type,
                             values.isSplat() ? values.resizeSplat(flat)
                                              : values.reshape(flat),
                             /*constant=*/true, IntegerAttr());
    Place place = ownPlace(constant);
    emitPart([&](EntryBuilder &part, NestEmitter &emitter) {
      emitter.emitCopy(tensorType(constant),
                       memref::GetGlobalOp::create(part.b, type, name),
                       view(part, place, constant));
    });
    return place;
  }

  /// Where a matrix lies: so many bytes behind a pointer, its rows so many
  /// elements apart. It may be a part of a parameter.
  struct Matrix {
    unsigned pointer;
    int64_t offset, rowStride;
  };

  Matrix matrixOf(Value value) {
    int64_t skipped = 0, rowStride = tensorType(value).getDimSize(1);
    if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>()) {
      rowStride = slice.getSourceType().getDimSize(1);
      skipped = (slice.getStaticOffsets()[0] * rowStride +
                 slice.getStaticOffsets()[1]) *
                elementBytes(value.getType());
      value = slice.getSource();
    }
    Place place = placeOf(value);
    return {place.pointer, place.offset + skipped, rowStride};
  }

  void emitPacking(Value weight, Layout layout, int64_t offset) {
    ImplicitLocOpBuilder &b = whole->b;
    RankedTensorType type = tensorType(weight);
    PackedForm form = plan.packedForm(type, layout, plan.reader);
    const PanelPlan &panels = form.panels;
    Matrix matrix = matrixOf(weight);
    func::FuncOp pack =
        form.numScales ? getQuantizeFunction(prepare, type.getElementType())
                       : getPackFunction(prepare, type.getElementType(), form);
    for (auto [index, group] : llvm::enumerate(panels.groups)) {
      SmallVector<Value> arguments = {
          whole->function.getArgument(matrix.pointer),
          whole->function.getArgument(preparedPointer)};
      for (int64_t value :
           {matrix.offset, offset, panels.outputs, panels.inputs,
            matrix.rowStride, group.count, group.vectors * panels.lanes,
            group.firstVector * panels.lanes,
            form.numScales ? offset + form.scalesOffset
                           : panels.packedElements() + int64_t(index)})
        arguments.push_back(arith::ConstantIndexOp::create(b, value));
      func::CallOp::create(b, pack, arguments);
    }
  }

  func::FuncOp prepare;
  Schedule schedule;
  PreparedPlan &plan;
  SymbolTable symbols;
  EntryBuilder *whole = nullptr;
  unsigned flagsPointer = 0, preparedPointer = 0, numConstants = 0;
  llvm::DenseMap<Value, Place> places;
};

} // namespace

void ttc::schedulePrepare(func::FuncOp prepare, const Schedule &schedule,
                          PreparedPlan &plan, ModuleOp module) {
  PrepareScheduler(prepare, schedule, plan, module).emit();
}
