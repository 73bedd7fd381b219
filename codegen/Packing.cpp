//===- Packing.cpp --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that bring any matrix of weights into panels: as it is,
// shorter, or as whole numbers with a scale for each output feature.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace ttc;

namespace {

/// Emits the body of a function that packs.
class PackingBuilder {
public:
  PackingBuilder(ImplicitLocOpBuilder &b, func::FuncOp function, Type from,
                 Type to, int64_t depth, bool isTF32)
      : b(b), from(from), to(to), depth(depth), isTF32(isTF32) {
    ValueRange arguments = function.getArguments();
    matrixPointer = arguments[0], packedPointer = arguments[1];
    fromStart = arguments[2], toStart = arguments[3];
    outputs = arguments[4], inputs = arguments[5], rowStride = arguments[6];
    panels = arguments[7], width = arguments[8], firstRow = arguments[9];
    behind = arguments[10];
    matrix = view(matrixPointer, fromStart, from, mul(outputs, rowStride));
    none = constant(0.0);
  }

  /// `packed[panel][k / depth][column][k % depth] = matrix[panel's first row +
  /// column][k]`, zero where a panel is wider than the matrix has rows, and the
  /// sum of all 0 · matrix.
  void convert() {
    Value packed = view(packedPointer, toStart, to, add(behind, index(1)));
    Value sum = forEachRow(none, [&](const Row &row, Value sum) {
      return forEach(inputs, sum, [&](Value k, Value sum) -> Value {
        Value value =
            arith::SelectOp::create(b, row.exists, weight(row, k), none);
        Value stored = round(value);
        memref::StoreOp::create(b, stored, packed, ValueRange{placeOf(row, k)});
        // A large number may be infinite in fewer bits.
        Value used =
            from == to ? stored : arith::ExtFOp::create(b, from, stored);
        return arith::AddFOp::create(b, sum,
                                     arith::MulFOp::create(b, used, none));
      });
    });
    if (from != to)
      sum = arith::TruncFOp::create(b, to, sum);
    memref::StoreOp::create(b, sum, packed, ValueRange{behind});
  }

  /// Each row as the nearest multiples of a scale, 1/127 of its largest
  /// magnitude. A scale is a normal number, so that one of zeros divides, and
  /// the step, which counts subnormals as zero, multiplies by what was divided
  /// by. A row with a weight that is not finite has zeros and the scale NaN.
  void quantize() {
    Value lastRow = add(firstRow, mul(panels, width));
    Value packed = view(packedPointer, toStart, to, mul(lastRow, inputs));
    Value scales = view(packedPointer, behind, from, lastRow);
    forEachRow(none, [&](const Row &row, Value unused) {
      Value largest = forEach(inputs, none, [&](Value k, Value sum) -> Value {
        // A NaN stays one.
        return arith::MaximumFOp::create(
            b, sum, math::AbsFOp::create(b, weight(row, k)));
      });
      constexpr double infinity = std::numeric_limits<double>::infinity();
      Value isFinite = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                                             largest, constant(infinity));
      Value isKept = arith::AndIOp::create(b, isFinite, row.exists);
      Value scale = arith::MaximumFOp::create(
          b, arith::DivFOp::create(b, largest, constant(127)),
          constant(std::numeric_limits<float>::min()));
      forEach(inputs, none, [&](Value k, Value unused) {
        Value ratio = arith::DivFOp::create(b, weight(row, k), scale);
        Value rounded = math::RoundEvenOp::create(
            b, arith::SelectOp::create(b, isKept, ratio, none));
        memref::StoreOp::create(b, arith::FPToSIOp::create(b, to, rounded),
                                packed, ValueRange{placeOf(row, k)});
        return unused;
      });
      Value nan = constant(std::numeric_limits<double>::quiet_NaN());
      memref::StoreOp::create(
          b,
          arith::SelectOp::create(
              b, row.exists, arith::SelectOp::create(b, isFinite, scale, nan),
              none),
          scales, ValueRange{row.number});
      return unused;
    });
  }

private:
  Value round(Value value) {
    if (from != to)
      return arith::TruncFOp::create(b, to, value);
    return isTF32 ? roundToTF32(value) : value;
  }

  /// To ten bits of the fraction, halves away from zero: as cvt.rna.tf32 of PTX
  /// does. What is not finite stays so: a NaN may have its ones behind those
  /// that matrix units look at.
  Value roundToTF32(Value value) {
    Type i32 = b.getI32Type();
    auto word = [&](uint32_t bits) -> Value {
      return arith::ConstantIntOp::create(b, i32, int64_t(int32_t(bits)));
    };
    Value bits = arith::BitcastOp::create(b, i32, value);
    Value exponent = arith::AndIOp::create(b, bits, word(0x7f800000));
    Value isFinite = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                           exponent, word(0x7f800000));
    Value isNaN =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
    Value rounded = arith::AndIOp::create(
        b, arith::AddIOp::create(b, bits, word(0x1000)), word(0xffffe000));
    return arith::BitcastOp::create(
        b, value.getType(),
        arith::SelectOp::create(
            b, isFinite, rounded,
            arith::SelectOp::create(
                b, isNaN, arith::OrIOp::create(b, bits, word(0x00400000)),
                bits)));
  }

  /// An output feature of a panel.
  struct Row {
    Value panelRow; ///< the panel's first one
    Value column;   ///< in the panel
    Value number;   ///< of all
    Value exists;   ///< it is no padding
    /// Padding reads row 0 and keeps nothing of it: no branch, no read
    /// outside.
    Value readable;
  };

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value constant(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(from, value));
  }
  Value add(Value l, Value r) { return arith::AddIOp::create(b, l, r); }
  Value mul(Value l, Value r) { return arith::MulIOp::create(b, l, r); }

  /// A loop that carries a sum.
  Value forEach(Value count, Value sum,
                function_ref<Value(Value, Value)> body) {
    auto loop = scf::ForOp::create(b, index(0), count, index(1), sum);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, body(loop.getInductionVar(), loop.getRegionIterArgs().front()));
    return loop.getResult(0);
  }

  Value forEachRow(Value sum, function_ref<Value(const Row &, Value)> body) {
    return forEach(panels, sum, [&](Value panel, Value sum) {
      Value panelRow = add(firstRow, mul(panel, width));
      return forEach(width, sum, [&](Value column, Value sum) {
        Row row{panelRow, column, add(panelRow, column), Value(), Value()};
        row.exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                           row.number, outputs);
        row.readable =
            arith::SelectOp::create(b, row.exists, row.number, index(0));
        return body(row, sum);
      });
    });
  }

  Value weight(const Row &row, Value k) {
    return memref::LoadOp::create(
        b, matrix, ValueRange{add(mul(row.readable, rowStride), k)});
  }

  /// Where a weight lies in the panels.
  Value placeOf(const Row &row, Value k) {
    Value panel = mul(row.panelRow, inputs);
    if (depth == 1)
      return add(panel, add(mul(k, width), row.column));
    Value step = arith::DivUIOp::create(b, k, index(depth));
    Value inStep = arith::RemUIOp::create(b, k, index(depth));
    Value column = add(mul(step, width), row.column);
    return add(panel, add(mul(column, index(depth)), inStep));
  }

  /// `elements` of `type` at so many bytes behind a pointer.
  Value view(Value pointer, Value start, Type type, Value elements) {
    Value bytes = add(start, mul(elements, index(elementBytes(type))));
    Value block = memref::ReinterpretCastOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getIntegerType(8)),
        pointer, OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{bytes},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    return memref::ViewOp::create(b,
                                  MemRefType::get({ShapedType::kDynamic}, type),
                                  block, start, ValueRange{elements});
  }

  ImplicitLocOpBuilder &b;
  Type from, to;
  int64_t depth;
  bool isTF32;
  Value matrixPointer, packedPointer, fromStart, toStart;
  Value outputs, inputs, rowStride, panels, width, firstRow, behind;
  Value matrix, none;
};

} // namespace

static std::string nameOf(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

/// The function of this name, made at its first use.
static func::FuncOp getFunction(func::FuncOp prepare, Type from, Type to,
                                int64_t depth, bool isTF32,
                                void (PackingBuilder::*emit)()) {
  std::string name = (prepare.getSymName() + ".pack_" + nameOf(from) + "_" +
                      (isTF32 ? "tf32" : nameOf(to)))
                         .str();
  if (depth > 1)
    name += "x" + std::to_string(depth);
  auto module = prepare->getParentOfType<ModuleOp>();
  if (auto present = module.lookupSymbol<func::FuncOp>(name))
    return present;
  ImplicitLocOpBuilder b(prepare.getLoc(), prepare.getContext());
  b.setInsertionPoint(prepare);
  SmallVector<Type> types(2, MemRefType::get({}, b.getIntegerType(8)));
  types.append(9, b.getIndexType());
  auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  PackingBuilder builder(b, function, from, to, depth, isTF32);
  (builder.*emit)();
  func::ReturnOp::create(b);
  return function;
}

func::FuncOp ttc::getPackFunction(func::FuncOp prepare, Type from,
                                  const PackedForm &form) {
  return getFunction(prepare, from, form.element, form.panels.depth,
                     form.isTF32, &PackingBuilder::convert);
}

func::FuncOp ttc::getQuantizeFunction(func::FuncOp prepare, Type from) {
  return getFunction(prepare, from, IntegerType::get(prepare.getContext(), 8),
                     /*depth=*/1, /*isTF32=*/false, &PackingBuilder::quantize);
}
