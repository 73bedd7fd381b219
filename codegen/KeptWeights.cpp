//===- KeptWeights.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights in shared memory: what is kept, how it comes there, and how products
// read it. The step k of a thread's part lies behind that of step k - 1 of all
// threads of the block, so that neighbours read side by side.
//
//===----------------------------------------------------------------------===//

#include "codegen/KeptWeights.h"
#include "codegen/Products.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

static constexpr int64_t columns = PanelPlan::threadColumns;

int64_t ttc::keptBytes(const PanelPlan &plan, Type stored) {
  int64_t length = plan.inputs / plan.chains;
  int64_t longest = plan.inputs - (plan.chains - 1) * length;
  return llvm::alignTo(longest * columns * elementBytes(stored),
                       NestEmitter::widestLoad);
}

KeptPlan ttc::planKept(func::FuncOp step, const PreparedPlan &prepared,
                       const Schedule &schedule) {
  KeptPlan plan;
  for (NestOp nest : step.getBody().front().getOps<NestOp>()) {
    int64_t bytes = 0, chains = 0, outputs = 0;
    bool isForWarp = false;
    for (auto [index, weight] : llvm::enumerate(nest.getProductWeights())) {
      PackedForm form = prepared.packedForm(tensorType(weight),
                                            layoutOf(nest, index), schedule);
      isForWarp |= ttc::isForWarp(nest, index, form.panels, schedule);
      bytes += keptBytes(form.panels, form.element);
      chains = std::max(chains, form.panels.chains);
      outputs = form.panels.outputs;
    }
    if (isForWarp || bytes == 0)
      continue;
    plan.starts[nest] = plan.bytes;
    plan.bytes += bytes;
    int64_t threads = llvm::divideCeil(outputs, columns) * chains;
    for (int64_t size : nest.getDomain().getShape().drop_back())
      threads *= ShapedType::isDynamic(size) ? 1 : size;
    int64_t &most =
        nest.getDomain().hasStaticShape() ? plan.fixedThreads : plan.rowThreads;
    most = std::max(most, threads);
  }
  return plan;
}

/// Finds the thread's place in the shared memory of its block.
void NestEmitter::findKept(Products &products) {
  Value thread = callThreadFunction(threadInBlock, b.getIndexType(), {});
  Value threads = team.keptThreads;
  Type byte = b.getIntegerType(8);
  Value memory = callThreadFunction(keptMemory, MemRefType::get({}, byte), {});
  Products::Kept &kept = products.kept.emplace();
  int64_t start = *products.buffers.keptStart;
  for (auto [plan, packed] :
       llvm::zip_equal(products.plans, products.buffers.packedWeights)) {
    Type stored = getElementTypeOrSelf(packed);
    int64_t bytes = elementBytes(stored);
    Value end = mul(threads, constant(start + keptBytes(plan, stored)));
    Value block = memref::ReinterpretCastOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, byte), memory,
        OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{end},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    kept.memory.push_back(memref::ViewOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, stored), block, constant(0),
        ValueRange{arith::DivUIOp::create(b, end, constant(bytes))}));
    kept.starts.push_back(add(mul(threads, constant(start / bytes)),
                              mul(thread, constant(columns))));
    start += keptBytes(plan, stored);
  }
  kept.stride = mul(threads, constant(columns));
}

/// What a thread has of the products of its team's rows, if it has anything: a
/// row, a quad of columns, and a part of their sums.
void NestEmitter::withOwnSum(
    const Products &products,
    function_ref<void(const Quad &, Value chain)> body) {
  Value chains = constant(products.chains());
  Value quads = constant(llvm::divideCeil(products.outputs(), columns));
  Value sums = mul(quads, chains);
  auto hasOne = scf::IfOp::create(
      b,
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, team.worker,
                            mul(products.rows, sums)),
      /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(hasOne.thenBlock());
  Value ofRow = arith::RemUIOp::create(b, team.worker, sums);
  Quad quad{arith::DivUIOp::create(b, team.worker, sums), 1,
            mul(arith::DivUIOp::create(b, ofRow, chains), constant(columns)),
            Value()};
  body(quad, arith::RemUIOp::create(b, ofRow, chains));
}

void NestEmitter::emitKept(const Products &products) {
  Products own = products;
  findKept(own);
  withOwnSum(own, [&](const Quad &quad, Value chain) {
    emitSharedSum(own, quad, chain);
  });
}

void NestEmitter::emitKeep(NestOp nest, const NestBuffers &buffers) {
  Products products = productsOf(nest, buffers), kept = products;
  findKept(kept);
  withOwnSum(products, [&](const Quad &quad, Value chain) {
    for (unsigned p = 0; p < products.plans.size(); ++p) {
      auto [from, to] = rangeOfChain(products, p, chain);
      auto steps = scf::ForOp::create(b, from, to, constant(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(steps.getBody());
      Value k = steps.getInductionVar();
      Value weights = loadThreadWeights(products, p, quad.column, k, from);
      int64_t bytes =
          columns * elementBytes(getElementTypeOrSelf(weights.getType()));
      vector::StoreOp::create(b, weights, kept.kept->memory[p],
                              ValueRange{kept.kept->at(*this, p, k, from)},
                              /*nontemporal=*/false,
                              llvm::Align(std::min(bytes, widestLoad)));
    }
  });
}

Value NestEmitter::Products::Kept::at(NestEmitter &emitter, unsigned index,
                                      Value k, Value from) const {
  Value step = arith::SubIOp::create(emitter.b, k, from);
  return emitter.add(starts[index], emitter.mul(step, stride));
}
