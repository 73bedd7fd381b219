//===- Packing.cpp --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one function that brings any matrix of weights into panels.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ttc;

/// Emits `packed[panel][k][column] = matrix[panel's first row + column][k]`,
/// zero where a panel is wider than the matrix has rows, and the sum of all
/// 0 · matrix.
static void emitBody(ImplicitLocOpBuilder &b, func::FuncOp function, Type from,
                     Type to) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto add = [&](Value l, Value r) -> Value {
    return arith::AddIOp::create(b, l, r);
  };
  auto mul = [&](Value l, Value r) -> Value {
    return arith::MulIOp::create(b, l, r);
  };
  /// A loop that carries a sum.
  auto forEach = [&](Value count, Value sum,
                     function_ref<Value(Value, Value)> body) -> Value {
    auto loop = scf::ForOp::create(b, constant(0), count, constant(1), sum);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, body(loop.getInductionVar(), loop.getRegionIterArgs().front()));
    return loop.getResult(0);
  };
  /// `elements` of `type` at so many bytes behind a pointer.
  auto view = [&](Value pointer, Value start, Type type, Value elements) {
    Value bytes = add(start, mul(elements, constant(elementBytes(type))));
    Value block = memref::ReinterpretCastOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getIntegerType(8)),
        pointer, OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{bytes},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    return memref::ViewOp::create(b,
                                  MemRefType::get({ShapedType::kDynamic}, type),
                                  block, start, ValueRange{elements});
  };

  ValueRange arguments = function.getArguments();
  Value fromStart = arguments[2], toStart = arguments[3];
  Value outputs = arguments[4], inputs = arguments[5], rowStride = arguments[6];
  Value panels = arguments[7], width = arguments[8], firstRow = arguments[9];
  Value sumIndex = arguments[10];
  Value matrix = view(arguments[0], fromStart, from, mul(outputs, rowStride));
  Value packed = view(arguments[1], toStart, to, add(sumIndex, constant(1)));
  Value none = arith::ConstantOp::create(b, b.getFloatAttr(from, 0));
  Value sum = forEach(panels, none, [&](Value panel, Value sum) {
    Value panelRow = add(firstRow, mul(panel, width));
    return forEach(width, sum, [&](Value column, Value sum) {
      Value row = add(panelRow, column);
      Value exists =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, outputs);
      // Padding reads row 0 and keeps nothing of it: no branch, no read
      // outside.
      Value readable = arith::SelectOp::create(b, exists, row, constant(0));
      return forEach(inputs, sum, [&](Value k, Value sum) -> Value {
        Value x = memref::LoadOp::create(
            b, matrix, ValueRange{add(mul(readable, rowStride), k)});
        Value value = arith::SelectOp::create(b, exists, x, none);
        Value stored =
            from == to ? value : arith::TruncFOp::create(b, to, value);
        memref::StoreOp::create(
            b, stored, packed,
            ValueRange{add(mul(panelRow, inputs), add(mul(k, width), column))});
        return arith::AddFOp::create(b, sum, arith::MulFOp::create(b, x, none));
      });
    });
  });
  if (from != to)
    sum = arith::TruncFOp::create(b, to, sum);
  memref::StoreOp::create(b, sum, packed, ValueRange{sumIndex});
  func::ReturnOp::create(b);
}

static std::string nameOf(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

func::FuncOp ttc::getPackFunction(func::FuncOp prepare, Type from, Type to) {
  std::string name =
      (prepare.getSymName() + ".pack_" + nameOf(from) + "_" + nameOf(to)).str();
  auto module = prepare->getParentOfType<ModuleOp>();
  if (auto present = module.lookupSymbol<func::FuncOp>(name))
    return present;
  ImplicitLocOpBuilder b(prepare.getLoc(), prepare.getContext());
  b.setInsertionPoint(prepare);
  SmallVector<Type> types(2, MemRefType::get({}, b.getIntegerType(8)));
  types.append(9, b.getIndexType());
  auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  emitBody(b, function, from, to);
  return function;
}
