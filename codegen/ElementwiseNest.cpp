//===- ElementwiseNest.cpp ------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is computed or moved element by element, in whatever order it is read.
//
//===----------------------------------------------------------------------===//

#include "codegen/NestEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ttc;

void NestEmitter::emit(Operation *op, const NestBuffers &buffers) {
  generator = buffers.generator;
  if (auto nest = dyn_cast<NestOp>(op))
    return nest.hasProduct() ? emitProducts(nest, buffers)
                             : emitElementwise(nest, buffers);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return emitReduce(reduce, buffers);
  if (auto assemble = dyn_cast<AssembleOp>(op))
    return emitAssemble(assemble, buffers);
  emitGather(cast<GatherOp>(op), buffers);
}

Value NestEmitter::sizeOf(int64_t size) {
  return ShapedType::isDynamic(size) ? batch : constant(size);
}

void NestEmitter::emitLoops(ArrayRef<int64_t> sizes,
                            ArrayRef<LinearAccess> accesses, int64_t lanes,
                            function_ref<void(ArrayRef<Position>, Mask)> body) {
  // Neighbouring dimensions through which every access goes evenly are one.
  struct Dim {
    int64_t fixed = 1;
    bool isDynamic = false;
    SmallVector<int64_t> factors; // of each access
  };
  SmallVector<Dim> dims; // innermost first
  for (size_t i = sizes.size(); i-- > 0;) {
    bool isDynamic = ShapedType::isDynamic(sizes[i]);
    if (sizes[i] == 1)
      continue;
    SmallVector<int64_t> factors;
    for (const LinearAccess &access : accesses)
      factors.push_back(access.factors[i]);
    bool continues = !dims.empty();
    for (size_t a = 0; continues && a < accesses.size(); ++a)
      continues = factors[a] == dims.back().factors[a] * dims.back().fixed;
    if (!continues)
      dims.push_back({1, false, factors});
    dims.back().fixed *= isDynamic ? 1 : sizes[i];
    dims.back().isDynamic |= isDynamic;
  }
  if (dims.empty())
    dims.push_back({1, false, SmallVector<int64_t>(accesses.size(), 0)});

  // Outermost first. Single elements need no loop of their own along the
  // innermost dimension.
  auto sizeOfDim = [&](const Dim &dim) {
    return dim.isDynamic ? mul(batch, constant(dim.fixed))
                         : constant(dim.fixed);
  };
  SmallVector<Value> outer, positions(dims.size());
  for (size_t dim = dims.size(); dim-- > 1;)
    outer.push_back(sizeOfDim(dims[dim]));
  Value inner = sizeOfDim(dims.front());
  auto atPositions = [&](Mask mask) {
    SmallVector<Position> found;
    for (auto [a, access] : llvm::enumerate(accesses)) {
      Value index = constant(access.offset);
      for (size_t d = dims.size(); d-- > 0;)
        if (dims[d].factors[a] != 0)
          index = add(index, mul(positions[d], constant(dims[d].factors[a])));
      found.push_back({index, dims.front().factors[a]});
    }
    body(found, mask);
  };
  auto alongInner = [&](Value at, Mask mask) {
    positions.front() = at;
    atPositions(mask);
  };
  if (outer.empty())
    return sharedVectorLoop(inner, lanes, alongInner);
  if (lanes == 1)
    outer.push_back(inner);
  sharedLoops(outer, [&](ArrayRef<Value> at) {
    llvm::copy(llvm::reverse(at), positions.end() - at.size());
    if (lanes > 1)
      return vectorLoop(inner, lanes, alongInner);
    atPositions(Mask());
  });
}

void NestEmitter::emitElementwise(NestOp nest, const NestBuffers &buffers) {
  RankedTensorType domain = nest.getDomain();
  SmallVector<Type> types(nest.getBody().getArgumentTypes());
  llvm::append_range(types, nest->getResultTypes());
  int64_t lanes = lanesFor(schedule, types);
  SmallVector<LinearAccess> accesses;
  for (auto [i, input] : llvm::enumerate(nest.getInputs()))
    accesses.push_back(
        linearize(nest.getMap(i), cast<RankedTensorType>(input.getType())));
  accesses.push_back(
      linearize(b.getMultiDimIdentityMap(domain.getRank()), domain));
  emitLoops(domain.getShape(), accesses, lanes,
            [&](ArrayRef<Position> positions, Mask mask) {
              SmallVector<Value> elements;
              for (auto [buffer, position] :
                   llvm::zip(buffers.inputs, positions))
                elements.push_back(
                    load(buffer, position.index, position.stride, lanes, mask));
              Value element = positions.back().index;
              SmallVector<Value> results =
                  vectorize(nest.getBody().front(), elements, lanes, element);
              for (auto [result, destinations] :
                   llvm::zip_equal(results, buffers.outputs))
                for (Buffer destination : destinations)
                  store(result, destination, element, mask);
            });
}

void NestEmitter::emitCopy(RankedTensorType type, Buffer from, Buffer to) {
  int64_t lanes = lanesFor(schedule, type);
  sharedVectorLoop(numElements(type), lanes, [&](Value at, Mask mask) {
    store(load(from, at, 1, lanes, mask), to, at, mask);
  });
}

void NestEmitter::emitAssemble(AssembleOp op, const NestBuffers &buffers) {
  RankedTensorType type = op.getOutput().getType();
  int64_t lanes = lanesFor(schedule, type);
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  for (Buffer to : buffers.outputs.front()) {
    if (op.getFill()) {
      Value fill =
          splat(type.getElementType(), op.getFill()->convertToDouble(), lanes);
      sharedVectorLoop(numElements(type), lanes,
                       [&](Value at, Mask mask) { store(fill, to, at, mask); });
      // The parts may lie where another worker has filled.
      if (team)
        team.barrier();
    }
    for (auto [i, from] : llvm::enumerate(buffers.inputs)) {
      auto part = cast<RankedTensorType>(op.getInputs()[i].getType());
      LinearAccess into = linearize(identity, strides);
      for (auto [offset, stride] : llvm::zip_equal(op.getOffset(i), strides))
        into.offset += offset * stride;
      emitLoops(part.getShape(), {linearize(identity, part), into}, lanes,
                [&, from = from](ArrayRef<Position> at, Mask mask) {
                  // A column of the result has no two lanes side by side.
                  scatter(load(from, at[0].index, at[0].stride, lanes, mask),
                          to, at[1].index, at[1].stride, mask);
                });
    }
  }
}

void NestEmitter::emitGather(GatherOp op, const NestBuffers &buffers) {
  RankedTensorType table = op.getTable().getType();
  int64_t lanes = lanesFor(schedule, table);
  int64_t rows = table.getDimSize(0), width = table.getDimSize(1);
  Buffer numbers = buffers.inputs[1];
  auto rowOf = [&](Value at) -> Value {
    Value number = memref::LoadOp::create(b, numbers, ValueRange{at});
    // As an unsigned number a negative one is large: nothing outside of the
    // table is ever read.
    Value row = arith::MinUIOp::create(
        b, arith::IndexCastOp::create(b, b.getIndexType(), number),
        constant(rows - 1));
    return mul(row, constant(width));
  };
  auto copyPart = [&](Value from, Value to, Value column, Mask mask) {
    Value part = load(buffers.inputs[0], add(from, column), 1, lanes, mask);
    for (Buffer destination : buffers.outputs.front())
      store(part, destination, add(to, column), mask);
  };
  Value count = numElements(op.getIds().getType());
  if (lanes == 1)
    return sharedLoops({count, constant(width)}, [&](ArrayRef<Value> at) {
      copyPart(rowOf(at[0]), mul(at[0], constant(width)), at[1], Mask());
    });
  sharedLoop(constant(0), count, 1, [&](Value at) {
    Value from = rowOf(at), to = mul(at, constant(width));
    vectorLoop(constant(width), lanes, [&](Value column, Mask mask) {
      copyPart(from, to, column, mask);
    });
  });
}
