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
/// once between them, then a whole one, then one that lacks rows.
void NestEmitter::emitMatrixRows(const Products &products) {
  Value rows = products.rows, done = constant(0);
  for (int64_t tileRows : {mostMatrixRows, matrixRows}) {
    Value end = b.createOrFold<arith::SubIOp>(
        rows, b.createOrFold<arith::RemUIOp>(rows, constant(tileRows)));
    emitTiles(products, done, end, tileRows);
    done = end;
  }
  emitTiles(products, done, rows, matrixRows, /*mayLackRows=*/true);
}

namespace {

/// What a function of the matrix unit computes at once.
struct MatrixBlock {
  int64_t rowTiles = 1, columnTiles = 1; ///< registers of sums
  /// Whether it adds the last steps, fewer than a register has room for, to
  /// sums that are there already; or sums the whole ones before them.
  bool isRest = false;

  std::string name() const {
    return "ttc.matrix_" + std::string(isRest ? "rest_" : "") +
           std::to_string(rowTiles * matrixRows) + "x" +
           std::to_string(columnTiles * matrixRows);
  }
};

/// Emits such a function. It is one, called at run time, because registers of
/// the matrix unit cannot be spilled and have one shape each: LLVM allocates
/// them for a loop that stands alone, and not for those that it has unrolled
/// and moved loads out of.
class MatrixFunction {
public:
  MatrixFunction(ImplicitLocOpBuilder &b, func::FuncOp function,
                 const MatrixBlock &block)
      : b(b), function(function), block(block),
        type(LLVM::LLVMX86AMXType::get(b.getContext())),
        rows(block.rowTiles, number(matrixRows)) {
    rows.back() = function.getArgument(Rows);
  }

  enum Argument {
    Inputs, ///< the address of the first row's first input
    InputStride,
    Weights, ///< the address of the first step's
    WeightStride,
    Sums,
    SumStride,
    Steps, ///< whole ones: a multiple of a register's rows
    // Shapes, of 16 bits. LLVM configures the registers where the function
    // begins: all that it does so by comes as an argument.
    Rows,      ///< of the last register
    RestSteps, ///< of the rest
    RestBytes,
    NumArguments
  };

  void emit() {
    SmallVector<Value> sums;
    forEachSum([&](Value rows, Value address) {
      sums.push_back(
          block.isRest
              ? call("tileloadd64", type,
                     {rows, number(matrixBytes), address, stride(SumStride)})
              : call("tilezero", type, {rows, number(matrixBytes)}));
    });
    auto zero = arith::ConstantIndexOp::create(b, 0);
    if (block.isRest) {
      sums = addProducts(zero, function.getArgument(RestSteps),
                         function.getArgument(RestBytes), sums);
    } else {
      auto loop = scf::ForOp::create(
          b, zero, function.getArgument(Steps),
          arith::ConstantIndexOp::create(b, matrixRows), sums);
      keepLoop(loop);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(b, addProducts(loop.getInductionVar(),
                                          number(matrixRows),
                                          number(matrixRows * stepBytes),
                                          loop.getRegionIterArgs()));
      sums.assign(loop.result_begin(), loop.result_end());
    }
    ArrayRef<Value> left = sums;
    forEachSum([&](Value rows, Value address) {
      call("tilestored64", Type(),
           {rows, number(matrixBytes), address, stride(SumStride),
            left.front()});
      left = left.drop_front();
    });
    func::ReturnOp::create(b);
  }

private:
  /// Row after row of registers: how many rows each has, and where it lies.
  void forEachSum(function_ref<void(Value, Value)> body) {
    for (int64_t r = 0; r < block.rowTiles; ++r)
      for (int64_t c = 0; c < block.columnTiles; ++c)
        body(rows[r], pointer(add(place(Sums, r * matrixRows, SumStride),
                                  index(c * matrixBytes))));
  }

  /// The sums and the products of some steps: the weights are as many rows, the
  /// inputs rows of so many bytes.
  SmallVector<Value> addProducts(Value step, Value steps, Value bytes,
                                 ValueRange carried) {
    SmallVector<Value> inputs, sums(carried);
    for (int64_t r = 0; r < block.rowTiles; ++r) {
      Value start = add(place(Inputs, r * matrixRows, InputStride),
                        mul(step, index(stepBytes)));
      inputs.push_back(
          call("tileloadd64", type,
               {rows[r], bytes, pointer(start), stride(InputStride)}));
    }
    for (int64_t c = 0; c < block.columnTiles; ++c) {
      Value start = add(add(function.getArgument(Weights),
                            mul(step, function.getArgument(WeightStride))),
                        index(c * matrixBytes));
      Value weights = call(
          "tileloadd64", type,
          {steps, number(matrixBytes), pointer(start), stride(WeightStride)});
      for (int64_t r = 0; r < block.rowTiles; ++r) {
        Value &sum = sums[r * block.columnTiles + c];
        sum = call(
            "tdpbf16ps", type,
            {rows[r], number(matrixBytes), bytes, sum, inputs[r], weights});
      }
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
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  /// The address of row `row` of what begins at `start`.
  Value place(Argument start, int64_t row, Argument rowStride) {
    return add(function.getArgument(start),
               mul(function.getArgument(rowStride), index(row)));
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
  MatrixBlock block;
  Type type;
  SmallVector<Value> rows; ///< of each register of a column
};

} // namespace

/// The function for such a block, made at its first use.
static func::FuncOp getMatrixFunction(ImplicitLocOpBuilder &user,
                                      const MatrixBlock &block) {
  auto part = user.getBlock()->getParent()->getParentOfType<func::FuncOp>();
  auto module = part->getParentOfType<ModuleOp>();
  if (auto present = module.lookupSymbol<func::FuncOp>(block.name()))
    return present;
  ImplicitLocOpBuilder b(user.getLoc(), user.getContext());
  b.setInsertionPoint(part);
  SmallVector<Type> types(MatrixFunction::Rows, b.getIndexType());
  types.resize(MatrixFunction::NumArguments, b.getI16Type());
  auto function =
      func::FuncOp::create(b, block.name(), b.getFunctionType(types, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  MatrixFunction(b, function, block).emit();
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
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI16IntegerAttr(value));
  };
  Value rows =
      tile.existing
          ? Value(arith::IndexCastOp::create(b, b.getI16Type(), tile.existing))
          : number(matrixRows);
  int64_t rest = plan.steps() % matrixRows, whole = plan.steps() - rest;
  Value stride = constant(tile.vectors * matrixBytes);
  /// Adds the products of some steps from `step` on.
  auto sum = [&](MatrixBlock block, int64_t firstVector, int64_t step) {
    block.rowTiles = tile.rows / matrixRows;
    Value input =
        add(mul(tile.row, constant(plan.inputs)), constant(step * plan.depth));
    Value weight =
        add(mul(tile.firstVector, constant(lanes * plan.inputs)),
            constant((step * tile.vectors + firstVector) * lanes * plan.depth));
    func::CallOp::create(
        b, getMatrixFunction(b, block),
        ValueRange{addressOf(b, buffers.productInputs[index], input),
                   constant(plan.steps() * stepBytes),
                   addressOf(b, buffers.packedWeights[index], weight), stride,
                   addressOf(b, buffers.tile,
                             add(firstSum, constant(firstVector * lanes))),
                   stride, constant(whole), rows, number(rest),
                   number(rest * stepBytes)});
  };
  // A product waits for the one before it of the same sum, which takes three
  // times as long as the unit is busy with it: four sums, or two of few rows.
  constexpr int64_t together = 2;
  for (int64_t v = 0; v < tile.vectors; v += together) {
    MatrixBlock block;
    block.columnTiles = std::min(together, tile.vectors - v);
    sum(block, v, 0);
  }
  MatrixBlock last;
  last.isRest = true;
  for (int64_t v = 0; rest && v < tile.vectors; ++v)
    sum(last, v, whole);
}
