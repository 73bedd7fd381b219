//===- MatrixProduct.cpp --------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products in bf16 by a CPU's matrix unit, AMX: eight registers of at most 16
// rows of 64 bytes, two of which an instruction multiplies (Intel's Software
// Developer's Manual, volume 1, chapter 18; TDPBF16PS in volume 2).
//
//===----------------------------------------------------------------------===//

#include "codegen/Products.h"
#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ttc;

/// Of a register: rows, and the bytes of each.
static constexpr int64_t matrixRows = NestEmitter::mostMatrixRows / 2,
                         matrixBytes = 64;
/// A step is a pair of bf16.
static constexpr int64_t stepBytes = 4;

/// All rows go through the matrix unit, few or many, since its sums have an
/// order of their own: two registers of rows at once, which read the weights
/// once between them, then one or two by themselves.
void NestEmitter::emitMatrixRows(const Products &products) {
  Value rows = products.rows, most = constant(mostMatrixRows);
  Value whole = b.createOrFold<arith::SubIOp>(
      rows, b.createOrFold<arith::RemUIOp>(rows, most));
  emitTiles(products, constant(0), whole, mostMatrixRows);
  emitTiles(products, whole, rows, matrixRows, /*mayLackRows=*/true);
}

namespace {

/// Emits the function that computes the sums of a vector's columns for one
/// register of rows or two. It is a function, called at run time, because
/// registers of the matrix unit cannot be spilled and have one shape each:
/// LLVM allocates them for a loop that stands alone, and not for those that it
/// has unrolled and moved loads out of.
class MatrixFunction {
public:
  MatrixFunction(ImplicitLocOpBuilder &b, func::FuncOp function)
      : b(b), function(function),
        type(LLVM::LLVMX86AMXType::get(b.getContext())) {}

  enum Argument {
    Inputs, ///< the address of the first row's first input
    InputStride,
    Weights,
    WeightStride,
    Sums,
    SumStride,
    WholeSteps, ///< a multiple of a register's rows
    // Shapes, of 16 bits. LLVM configures the registers where the function
    // begins: all that it does so by comes as an argument.
    Rows,      ///< of the last register
    LastSteps, ///< behind the whole ones: at least one
    LastBytes,
    NumArguments
  };

  void emit(int64_t registers) {
    SmallVector<Value> rows(registers, number(matrixRows)), sums;
    rows.back() = function.getArgument(Rows);
    for (Value each : rows)
      sums.push_back(call("tilezero", type, {each, number(matrixBytes)}));
    auto zero = arith::ConstantIndexOp::create(b, 0);
    auto loop =
        scf::ForOp::create(b, zero, function.getArgument(WholeSteps),
                           arith::ConstantIndexOp::create(b, matrixRows), sums);
    keepLoop(loop);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(b, addProducts(loop.getInductionVar(), rows,
                                          number(matrixRows),
                                          number(matrixRows * stepBytes),
                                          loop.getRegionIterArgs()));
    }
    sums = addProducts(function.getArgument(WholeSteps), rows,
                       function.getArgument(LastSteps),
                       function.getArgument(LastBytes), loop.getResults());
    for (auto [r, sum] : llvm::enumerate(sums))
      call("tilestored64", Type(),
           {rows[r], number(matrixBytes),
            place(Sums, r * matrixRows, SumStride), stride(SumStride), sum});
    func::ReturnOp::create(b);
  }

private:
  /// The sums and the products of some steps: the weights are as many rows, the
  /// inputs rows of so many bytes.
  SmallVector<Value> addProducts(Value step, ArrayRef<Value> rows, Value steps,
                                 Value bytes, ValueRange carried) {
    Value weights =
        call("tileloadd64", type,
             {steps, number(matrixBytes),
              pointer(add(function.getArgument(Weights),
                          mul(step, function.getArgument(WeightStride)))),
              stride(WeightStride)});
    Value offset = mul(step, arith::ConstantIndexOp::create(b, stepBytes));
    SmallVector<Value> sums;
    for (auto [r, sum] : llvm::enumerate(carried)) {
      Value inputs = call("tileloadd64", type,
                          {rows[r], bytes,
                           place(Inputs, r * matrixRows, InputStride, offset),
                           stride(InputStride)});
      sums.push_back(
          call("tdpbf16ps", type,
               {rows[r], number(matrixBytes), bytes, sum, inputs, weights}));
    }
    return sums;
  }

  Value number(int64_t value) {
    return arith::ConstantOp::create(b, b.getI16IntegerAttr(value));
  }
  Value add(Value l, Value r) { return arith::AddIOp::create(b, l, r); }
  Value mul(Value l, Value r) { return arith::MulIOp::create(b, l, r); }
  Value asI64(Value index) {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  }
  Value stride(Argument argument) {
    return asI64(function.getArgument(argument));
  }
  Value pointer(Value address) {
    Value number = asI64(address);
    return LLVM::IntToPtrOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext()), number);
  }
  /// So many bytes into row `row` of what begins at `start`.
  Value place(Argument start, int64_t row, Argument rowStride,
              Value bytes = nullptr) {
    Value address = add(function.getArgument(start),
                        mul(function.getArgument(rowStride),
                            arith::ConstantIndexOp::create(b, row)));
    return pointer(bytes ? add(address, bytes) : address);
  }
  Value call(StringRef name, Type result, ValueRange arguments) {
    auto whole = b.getStringAttr("llvm.x86." + name + ".internal");
    if (!result) {
      LLVM::CallIntrinsicOp::create(b, whole, arguments);
      return nullptr;
    }
    return LLVM::CallIntrinsicOp::create(b, result, whole, arguments)
        .getResult(0);
  }

  ImplicitLocOpBuilder &b;
  func::FuncOp function;
  Type type;
};

} // namespace

/// The function for so many registers of rows, made at its first use.
static func::FuncOp getMatrixFunction(ImplicitLocOpBuilder &user,
                                      int64_t registers) {
  auto part = user.getBlock()->getParent()->getParentOfType<func::FuncOp>();
  auto module = part->getParentOfType<ModuleOp>();
  std::string name = "ttc.matrix_" + std::to_string(registers * matrixRows);
  if (auto present = module.lookupSymbol<func::FuncOp>(name))
    return present;
  ImplicitLocOpBuilder b(user.getLoc(), user.getContext());
  b.setInsertionPoint(part);
  SmallVector<Type> types(MatrixFunction::Rows, b.getIndexType());
  types.resize(MatrixFunction::NumArguments, b.getI16Type());
  auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  MatrixFunction(b, function).emit(registers);
  return function;
}

/// The address of an element, as a number.
static Value addressOf(ImplicitLocOpBuilder &b, Buffer buffer, Value element) {
  int64_t bytes = elementBytes(getElementTypeOrSelf(buffer));
  Value start = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  return arith::AddIOp::create(
      b, start,
      arith::MulIOp::create(b, element,
                            arith::ConstantIndexOp::create(b, bytes)));
}

/// Leaves the sums of a tile in memory from element `firstSum` on: row behind
/// row, padding and all.
void NestEmitter::sumByMatrixUnit(const Products &products, unsigned index,
                                  const Tile &tile, Value firstSum) {
  const PanelPlan &plan = products.plans[index];
  const NestBuffers &buffers = products.buffers;
  int64_t lanes = products.lanes;
  func::FuncOp function = getMatrixFunction(b, tile.rows / matrixRows);
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI16IntegerAttr(value));
  };
  Value rows =
      tile.existing
          ? Value(arith::IndexCastOp::create(b, b.getI16Type(), tile.existing))
          : number(matrixRows);
  // The last ones are apart even where they fill a register.
  int64_t whole = (plan.steps() - 1) / matrixRows * matrixRows;
  int64_t last = plan.steps() - whole;
  for (int64_t v = 0; v < tile.vectors; ++v) {
    Value weight = add(mul(tile.firstVector, constant(lanes * plan.inputs)),
                       constant(v * lanes * plan.depth));
    Value stride = constant(tile.vectors * matrixBytes);
    func::CallOp::create(
        b, function,
        ValueRange{
            addressOf(b, buffers.productInputs[index],
                      mul(tile.row, constant(plan.inputs))),
            constant(plan.steps() * stepBytes),
            addressOf(b, buffers.packedWeights[index], weight), stride,
            addressOf(b, buffers.tile, add(firstSum, constant(v * lanes))),
            stride, constant(whole), rows, number(last),
            number(last * stepBytes)});
  }
}
