//===- Scheduling.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a function on tensors becomes one on pointers.
//
//===----------------------------------------------------------------------===//

#include "codegen/Scheduling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ttc;

void ttc::keepLoop(scf::ForOp loop) {
  MLIRContext *context = loop.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), /*count=*/{},
      /*runtimeDisable=*/{}, /*full=*/{}, /*followupUnrolled=*/{},
      /*followupRemainder=*/{}, /*followupAll=*/{});
  loop->setAttr(loopAnnotationAttr,
                LLVM::LoopAnnotationAttr::get(
                    context, /*disableNonforced=*/{}, /*vectorize=*/{},
                    /*interleave=*/{}, unroll, /*unrollAndJam=*/{},
                    /*licm=*/{}, /*distribute=*/{}, /*pipeline=*/{},
                    /*peeled=*/{}, /*unswitch=*/{}, /*mustProgress=*/{},
                    /*isVectorized=*/{}, /*startLoc=*/{}, /*endLoc=*/{},
                    /*parallelAccesses=*/{}));
}

void ttc::keepLoopOf(ArrayRef<Value> results) {
  keepLoop(results.front().getDefiningOp<scf::ForOp>());
}

RankedTensorType ttc::tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t ttc::elementBytes(Type type) {
  return getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8;
}

int64_t PreparedPlan::reserve(int64_t bytes) {
  int64_t offset = size;
  bytes = llvm::alignTo(bytes, bufferAlignment);
  // What is whole pages long would have all that follows meet it in the same
  // lines of the nearest cache, where a layer's parameters are read side by
  // side: as with states (PlanStates.cpp), an eighth of a page keeps them
  // apart.
  constexpr int64_t page = 4096;
  size += bytes + (bytes % page == 0 ? page / 8 : 0);
  return offset;
}

void PreparedPlan::add(unsigned index, Layout layout, int64_t bytes) {
  auto [entry, isNew] = offsets.insert({{index, layout}, 0});
  if (isNew)
    entry->second = reserve(bytes);
}

Layout ttc::layoutOf(NestOp nest, unsigned index) {
  return getElementTypeOrSelf(nest.getProductInputs()[index]).isBF16()
             ? Layout::NarrowPanels
             : Layout::Panels;
}

bool ttc::listsEvents(Value input, const Schedule &schedule) {
  bool isForMatrices =
      schedule.hasMatrices && getElementTypeOrSelf(input).isBF16();
  return schedule.events != ListEvents::Off && mayBeEvents(input) &&
         !(schedule.events == ListEvents::Auto && isForMatrices &&
           zerosOf(input) == Zeros::Given);
}

bool ttc::isForWarp(NestOp nest, unsigned index, const PanelPlan &plan,
                    const Schedule &schedule) {
  auto isF32 = [&](ValueRange values) {
    return getElementTypeOrSelf(values[index]).isF32();
  };
  return schedule.isGPU &&
         (plan.depth > 1 ||
          (schedule.multipliesTF32(plan.inputs) &&
           isF32(nest.getProductInputs()) && isF32(nest.getProductWeights())));
}

PackedForm PreparedPlan::packedForm(RankedTensorType weight, Layout layout,
                                    const Schedule &schedule) const {
  Type element = weight.getElementType(), stored = element;
  int64_t inputs = weight.getDimSize(1), depth = 1;
  if (layout == Layout::NarrowPanels && !(storage && storage.isF32())) {
    stored = BFloat16Type::get(weight.getContext());
    depth = schedule.depth(inputs);
  } else if (storage && element.isF32()) {
    stored = storage;
  }
  PanelPlan panels(weight.getDimSize(0), inputs,
                   schedule.forElements(elementBytes(weight)), depth);
  PackedForm form{panels, stored, panels.storedElements(), false, 0, 0, 0};
  form.isTF32 = stored.isF32() && layout == Layout::Panels &&
                schedule.multipliesTF32(inputs);
  if (form.element.isInteger()) {
    form.elements = panels.packedElements();
    form.numScales = panels.paddedOutputs();
    form.scalesOffset = llvm::alignTo(form.elements, bufferAlignment);
    form.bytes = form.scalesOffset + form.numScales * elementBytes(element);
  } else {
    form.bytes = form.elements * elementBytes(form.element);
  }
  return form;
}

/// The form that an operation reads a prepared value in.
static Layout layoutOfUse(OpOperand &use) {
  auto nest = dyn_cast<NestOp>(use.getOwner());
  unsigned first = nest ? nest.getNumProducts() : 0;
  unsigned number = use.getOperandNumber();
  return number >= first && number < 2 * first ? layoutOf(nest, number - first)
                                               : Layout::Dense;
}

PreparedPlan ttc::planPrepared(func::FuncOp step, const Schedule &schedule) {
  PreparedPlan plan;
  plan.reader = schedule;
  if (auto storage = step->getParentOfType<ModuleOp>()->getAttrOfType<TypeAttr>(
          packedStorageAttr))
    plan.storage = storage.getValue();
  for (BlockArgument argument : step.getArguments()) {
    auto index = step.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(),
                                                    preparedAttr);
    if (!index)
      continue;
    RankedTensorType type = tensorType(argument);
    for (OpOperand &use : argument.getUses()) {
      Layout layout = layoutOfUse(use);
      plan.add(index.getInt(), layout,
               layout == Layout::Dense
                   ? type.getNumElements() * elementBytes(type)
                   : plan.packedForm(type, layout, schedule).bytes);
    }
  }
  return plan;
}

static void markPointer(func::FuncOp function, unsigned index) {
  function.setArgAttr(index, LLVM::LLVMDialect::getNoAliasAttrName(),
                      UnitAttr::get(function.getContext()));
}

static Type pointerType(MLIRContext *context) {
  return MemRefType::get({}, IntegerType::get(context, 8));
}

/// What the model places itself begins at a cache line.
static void markAligned(func::FuncOp function, unsigned index) {
  function.setArgAttr(
      index, LLVM::LLVMDialect::getAlignAttrName(),
      Builder(function.getContext()).getI64IntegerAttr(bufferAlignment));
}

EntryBuilder::EntryBuilder(func::FuncOp original, StringRef name,
                           unsigned numPointers)
    : b(original.getLoc(), original.getContext()) {
  b.setInsertionPoint(original);
  SmallVector<Type> types(numPointers, pointerType(b.getContext()));
  function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  for (unsigned i = 0; i < numPointers; ++i)
    markPointer(function, i);
  b.setInsertionPointToStart(function.addEntryBlock());
}

EntryBuilder::EntryBuilder(func::FuncOp original, StringRef name,
                           unsigned numPointers, StepForm form,
                           function_ref<bool(unsigned)> isReadOnly)
    : b(original.getLoc(), original.getContext()) {
  b.setInsertionPoint(original);
  MLIRContext *context = b.getContext();
  SmallVector<Type> types(numPointers, pointerType(context));
  bool isShared = form != StepForm::Alone;
  types.append(isShared ? 6 : 1, b.getIndexType());
  if (isShared)
    types.push_back(pointerType(context));
  function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  // What the other workers write is not behind a pointer of one's own, but for
  // elements that need no others.
  bool isElement = form == StepForm::Element;
  for (unsigned i = 0; i < numPointers; ++i)
    if (!isShared || isElement || isReadOnly(i))
      markPointer(function, i);
  // Threads read and write whole vectors where they know that they may.
  constexpr unsigned numOwn = 3; // prepared, states, scratch
  for (unsigned i = numPointers - numOwn;
       i < numPointers && isShared && form != StepForm::Shared; ++i)
    markAligned(function, i);
  b.setInsertionPointToStart(function.addEntryBlock());
  auto next = [&] { return function.getArgument(numPointers++); };
  batch = next();
  if (!isShared)
    return;
  allRows = next();
  firstRow = next();
  team.worker = next();
  team.workers = next();
  room = next();
  handle = next();
  team.sideBySide = form != StepForm::Shared;
  team.isElement = isElement;
  if (form == StepForm::Kept || form == StepForm::Keep)
    team.keptThreads = room;
  team.barrier = [this] { barrier(); };
  if (!isElement)
    forgetRows();
}

EntryBuilder::EntryBuilder(EntryBuilder &whole)
    : b(whole.b.getLoc(), whole.b.getContext()), whole(&whole) {
  b.setInsertionPoint(whole.function);
  function = func::FuncOp::create(b, "part", b.getFunctionType({}, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  if (whole.batch) {
    batch = addArgument(b.getIndexType());
    passed.push_back(whole.batch);
  }
  if (whole.team)
    joinTeam();
}

void EntryBuilder::joinTeam() {
  auto take = [&](Value value) {
    passed.push_back(value);
    return addArgument(value.getType());
  };
  team.worker = take(whole->team.worker);
  team.workers = take(whole->team.workers);
  team.sideBySide = whole->team.sideBySide;
  team.isElement = whole->team.isElement;
  if (whole->team.keptThreads)
    team.keptThreads = take(whole->team.keptThreads);
  handle = take(whole->handle);
  team.barrier = [this] { barrier(); };
}

void EntryBuilder::barrier() {
  auto module = function->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<func::FuncOp>(barrierFunction);
  if (!callee) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    callee = func::FuncOp::create(
        outside, b.getLoc(), barrierFunction,
        b.getFunctionType({handle.getType(), b.getIndexType()}, {}));
    callee.setPrivate();
  }
  func::CallOp::create(b, callee, ValueRange{handle, team.worker});
  waits = true;
  forgetRows();
}

/// Where a tensor begins depends on the rows. Of a step or a sequence with many
/// of them, all beginnings at once would be more than a thread has registers
/// for. A part is given its beginnings, and knows its own rows alone.
void EntryBuilder::forgetRows() {
  if (!team.sideBySide)
    return;
  auto module = function->getParentOfType<ModuleOp>();
  auto callee = module.lookupSymbol<func::FuncOp>(opaqueFunction);
  if (!callee) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    callee = func::FuncOp::create(
        outside, b.getLoc(), opaqueFunction,
        b.getFunctionType({b.getIndexType()}, {b.getIndexType()}));
    callee.setPrivate();
  }
  for (Value *value : {&batch, &allRows, &firstRow})
    if (*value)
      *value = func::CallOp::create(b, callee, ValueRange{*value}).getResult(0);
}

Value EntryBuilder::addArgument(Type type) {
  unsigned index = function.getNumArguments();
  (void)function.insertArgument(index, type, DictionaryAttr(), b.getLoc());
  return function.getArgument(index);
}

Value EntryBuilder::pointer(unsigned index) {
  if (!whole)
    return function.getArgument(index);
  Value &argument = pointers[index];
  if (!argument) {
    argument = addArgument(pointerType(b.getContext()));
    unsigned last = function.getNumArguments() - 1;
    markPointer(function, last);
    if (whole->function.getArgAttr(index,
                                   LLVM::LLVMDialect::getAlignAttrName()))
      markAligned(function, last);
    passed.push_back(whole->pointer(index));
  }
  return argument;
}

/// Of an element's part: a pointer to a tensor, which no other one leads to, so
/// that a state can stay in a register.
Value EntryBuilder::pointerTo(unsigned index, const Start &start) {
  Value &argument =
      tensors[{index, start.offset.getFixed(), start.offset.getPerBatch()}];
  if (argument)
    return argument;
  argument = addArgument(pointerType(b.getContext()));
  markPointer(function, function.getNumArguments() - 1);
  ImplicitLocOpBuilder &outer = whole->b;
  Value begin = whole->bytesFrom(start);
  Value one = arith::ConstantIndexOp::create(outer, 1);
  Value all = memref::ReinterpretCastOp::create(
      outer, MemRefType::get({ShapedType::kDynamic}, outer.getIntegerType(8)),
      whole->pointer(index), OpFoldResult(outer.getIndexAttr(0)),
      ArrayRef<OpFoldResult>{
          arith::AddIOp::create(outer, begin, one).getResult()},
      ArrayRef<OpFoldResult>{outer.getIndexAttr(1)});
  passed.push_back(memref::ViewOp::create(
      outer, MemRefType::get({}, outer.getIntegerType(8)), all, begin,
      ValueRange()));
  return argument;
}

Value EntryBuilder::bytesFrom(const Start &start) {
  Value bytes = arith::ConstantIndexOp::create(b, start.offset.getFixed());
  auto grow = [&](Value count, int64_t size) {
    Value grown = arith::MulIOp::create(
        b, count, arith::ConstantIndexOp::create(b, size));
    bytes = arith::AddIOp::create(b, bytes, grown);
  };
  if (start.offset.getPerBatch())
    grow(allRows ? allRows : batch, start.offset.getPerBatch());
  if (team && start.rowBytes)
    grow(firstRow, start.rowBytes);
  if (team && start.roomBytes)
    grow(room, start.roomBytes);
  if (start.strideBytes)
    grow(row, start.strideBytes);
  return bytes;
}

Value EntryBuilder::startOf(const Start &start) {
  if (!whole)
    return bytesFrom(start);
  passed.push_back(whole->bytesFrom(start));
  return addArgument(b.getIndexType());
}

Buffer EntryBuilder::view(unsigned index, RankedTensorType type,
                          BytesAttr offset) {
  int64_t fixed = 1;
  for (int64_t size : type.getShape())
    fixed *= ShapedType::isDynamic(size) ? 1 : size;
  Value elements = arith::ConstantIndexOp::create(b, fixed);
  if (type.hasStaticShape())
    return view(index, type.getElementType(), elements, fixed, Start{offset});
  elements = arith::MulIOp::create(b, batch, elements);
  return view(index, type.getElementType(), elements, ShapedType::kDynamic,
              Start{offset, fixed * elementBytes(type)});
}

Buffer EntryBuilder::rowView(unsigned index, RankedTensorType type,
                             BytesAttr offset) {
  int64_t elements = llvm::product_of(type.getShape().drop_front());
  return view(index, type.getElementType(),
              arith::ConstantIndexOp::create(b, elements), elements,
              Start{offset, 0, 0, elements * elementBytes(type)});
}

Buffer EntryBuilder::view(unsigned index, Type element, int64_t count,
                          int64_t offset, int64_t roomBytes) {
  return view(index, element, arith::ConstantIndexOp::create(b, count), count,
              Start{BytesAttr::get(b.getContext(), offset, 0), 0, roomBytes});
}

Buffer EntryBuilder::view(unsigned index, Type element, Value elements,
                          int64_t count, const Start &start) {
  bool isOwn = whole && team.isElement;
  Value block = isOwn ? pointerTo(index, start) : pointer(index);
  Value begin = isOwn ? arith::ConstantIndexOp::create(b, 0) : startOf(start);
  Value bytes = arith::AddIOp::create(
      b, begin,
      arith::MulIOp::create(
          b, elements,
          arith::ConstantIndexOp::create(b, elementBytes(element))));
  Value all = memref::ReinterpretCastOp::create(
      b, MemRefType::get({ShapedType::kDynamic}, b.getIntegerType(8)), block,
      OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{bytes},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  bool isStatic = !ShapedType::isDynamic(count);
  return memref::ViewOp::create(b, MemRefType::get({count}, element), all,
                                begin,
                                isStatic ? ValueRange() : ValueRange{elements});
}

void EntryBuilder::finishPart() {
  func::ReturnOp::create(b);
  // What another worker writes meanwhile is not behind a pointer of one's own.
  if (whole->team && waits)
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      function.removeArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName());
  std::string text;
  llvm::raw_string_ostream stream(text);
  function.print(stream, OpPrintingFlags().useLocalScope());
  func::FuncOp &shared = whole->parts[text];
  if (shared) {
    function.erase();
  } else {
    shared = function;
    shared.setName(
        (whole->function.getName() + "." + Twine(whole->parts.size() - 1))
            .str());
  }
  func::CallOp::create(whole->b, shared, passed);
}
