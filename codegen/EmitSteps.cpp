//===- EmitSteps.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops over timesteps and over the stages of a block.
//
//===----------------------------------------------------------------------===//

#include "codegen/EmitSteps.h"
#include "codegen/Scheduling.h"

using namespace llvm;
using namespace ttc;

StepCalls::StepCalls(IRBuilder<> &builder, Module &module,
                     const ModelTable &table)
    : builder(builder), module(module), table(table) {}

Value *StepCalls::number(int64_t value) { return builder.getInt64(value); }

static int64_t dtypeBytes(int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F64:
  case TTC_DTYPE_I64:
    return 8;
  case TTC_DTYPE_F16:
  case TTC_DTYPE_BF16:
    return 2;
  default:
    return 4;
  }
}

Value *StepCalls::timestepBytes(const TensorEntry &entry, Value *batch) {
  int64_t bytes = dtypeBytes(entry.dtype);
  bool isDynamic = false;
  for (int64_t size : entry.shape) {
    isDynamic |= size == TTC_BATCH;
    bytes *= size == TTC_BATCH ? 1 : size;
  }
  return isDynamic ? builder.CreateMul(batch, number(bytes)) : number(bytes);
}

Value *StepCalls::bytesOf(ttc_bytes size, Value *batch) {
  if (!size.per_batch)
    return number(size.fixed);
  return builder.CreateAdd(number(size.fixed),
                           builder.CreateMul(batch, number(size.per_batch)));
}

Value *StepCalls::divideUp(Value *value, Value *divisor) {
  return builder.CreateUDiv(
      builder.CreateAdd(value, builder.CreateSub(divisor, number(1))), divisor);
}

std::pair<Value *, Value *> StepCalls::rowsOfPart(Value *batch, Value *part,
                                                  Value *parts, int64_t tile) {
  Value *each = builder.CreateMul(
      divideUp(divideUp(batch, number(tile)), parts), number(tile));
  Value *first = builder.CreateBinaryIntrinsic(
      Intrinsic::umin, builder.CreateMul(each, part), batch);
  Value *rows = builder.CreateBinaryIntrinsic(Intrinsic::umin, each,
                                              builder.CreateSub(batch, first));
  return {first, rows};
}

void StepCalls::forEach(Value *count, const Twine &name,
                        function_ref<void(Value *)> body) {
  BasicBlock *before = builder.GetInsertBlock();
  Function *function = before->getParent();
  LLVMContext &context = builder.getContext();
  auto *loop = BasicBlock::Create(context, name, function);
  auto *after = BasicBlock::Create(context, name + ".after", function);
  builder.CreateCondBr(builder.CreateICmpSGT(count, number(0)), loop, after);
  builder.SetInsertPoint(loop);
  PHINode *i = builder.CreatePHI(builder.getInt64Ty(), 2);
  i->addIncoming(number(0), before);
  body(i);
  Value *next = builder.CreateAdd(i, number(1));
  i->addIncoming(next, builder.GetInsertBlock());
  builder.CreateCondBr(builder.CreateICmpSLT(next, count), loop, after);
  builder.SetInsertPoint(after);
}

void StepCalls::branch(Value *condition, function_ref<void()> then,
                       function_ref<void()> otherwise) {
  Function *function = builder.GetInsertBlock()->getParent();
  LLVMContext &context = builder.getContext();
  auto *ifTrue = BasicBlock::Create(context, "then", function);
  auto *ifFalse = BasicBlock::Create(context, "else", function);
  auto *end = BasicBlock::Create(context, "end", function);
  builder.CreateCondBr(condition, ifTrue, ifFalse);
  builder.SetInsertPoint(ifTrue);
  then();
  builder.CreateBr(end);
  builder.SetInsertPoint(ifFalse);
  otherwise();
  builder.CreateBr(end);
  builder.SetInsertPoint(end);
}

void StepCalls::call(StringRef function, const StepValues &values,
                     SmallVector<Value *> arguments, Value *rows) {
  if (!values.team) {
    arguments.push_back(rows);
    builder.CreateCall(module.getFunction((function + ".step").str()),
                       arguments);
    return;
  }
  // A stage of a block has rows of its own: those of all timesteps.
  const TeamValues &team = *values.team;
  bool isBlock = rows != values.batch;
  arguments.append({isBlock ? rows : team.rows, rows,
                    isBlock ? number(0) : team.firstRow, team.worker,
                    team.workers, team.room, team.handle});
  builder.CreateCall(module.getFunction((function + team.form).str()),
                     arguments);
}

void StepCalls::barrier(const StepValues &values) {
  if (!values.team)
    return;
  FunctionCallee callee =
      module.getOrInsertFunction(barrierFunction, builder.getVoidTy(),
                                 builder.getPtrTy(), builder.getInt64Ty());
  builder.CreateCall(callee, {values.team->handle, values.team->worker});
}

void StepCalls::step(const StepValues &values) { stepAt(values, nullptr); }

/// The timestep that lies `shift` timesteps behind the first.
void StepCalls::stepAt(const StepValues &values, Value *shift) {
  SmallVector<Value *> arguments;
  auto add = [&](ArrayRef<Value *> pointers, const auto &entries) {
    for (auto [start, entry] : zip_equal(pointers, entries)) {
      if (!shift) {
        arguments.push_back(start);
        continue;
      }
      arguments.push_back(builder.CreateGEP(
          builder.getInt8Ty(), start,
          builder.CreateMul(shift, timestepBytes(entry, values.batch))));
    }
  };
  add(values.inputs, table.inputs);
  add(values.outputs, table.outputs);
  arguments.append({values.prepared, values.states, values.scratch});
  call(table.name, values, arguments, values.batch);
}

void StepCalls::run(const StepValues &values, Value *steps, Value *hasAll) {
  if (table.stages.empty())
    return runByTimesteps(values, steps);
  Value *block = number(table.block), *byBlocks = hasAll;
  if (table.batch == TTC_BATCH) {
    // A block has so many rows at most: timesteps times batch. A batch that
    // leaves no room for two timesteps gains nothing by blocks.
    block = builder.CreateUDiv(block, values.batch);
    Value *hasRoom = builder.CreateICmpUGE(block, number(2));
    byBlocks = hasAll ? builder.CreateAnd(hasAll, hasRoom) : hasRoom;
  }
  if (!byBlocks)
    return runByBlocks(values, steps, block);
  branch(
      byBlocks, [&] { runByBlocks(values, steps, block); },
      [&] { runByTimesteps(values, steps); });
}

void StepCalls::runByTimesteps(const StepValues &values, Value *steps) {
  overTime(values, steps, table.ownElements, table.kept,
           [&](const StepValues &own, Value *t) { stepAt(own, t); });
}

/// Timestep after timestep; after each a team may wait for itself.
void StepCalls::allSteps(
    const StepValues &values, Value *steps, bool waits,
    function_ref<void(const StepValues &, Value *)> timestep) {
  forEach(steps, "timestep", [&](Value *t) {
    timestep(values, t);
    if (waits)
      barrier(values);
  });
}

/// A team waits for itself after each timestep; if elements need no others, at
/// the end alone. A thread of a GPU then takes each of its own through all
/// timesteps before the next, with the states in registers.
void StepCalls::overTime(
    const StepValues &values, Value *steps,
    const std::optional<ttc_bytes> &ownElements, const KeptSize &kept,
    function_ref<void(const StepValues &, Value *)> timestep) {
  bool isGPU = values.team && values.team->ofGPU;
  if (isGPU && kept.bytes)
    return keepOverTime(values, steps, kept, timestep);
  if (!ownElements || !values.team)
    return allSteps(values, steps, /*waits=*/true, timestep);
  if (!isGPU) {
    allSteps(values, steps, /*waits=*/false, timestep);
    return barrier(values);
  }
  const TeamValues &team = *values.team;
  Value *count = bytesOf(*ownElements, team.rows);
  Value *turns = builder.CreateSelect(
      builder.CreateICmpULT(team.worker, count),
      divideUp(builder.CreateSub(count, team.worker), team.workers), number(0));
  forEach(turns, "element", [&](Value *turn) {
    StepValues own = values;
    own.team->worker =
        builder.CreateAdd(team.worker, builder.CreateMul(turn, team.workers));
    own.team->form = ".element";
    allSteps(own, steps, /*waits=*/false, timestep);
  });
  barrier(values);
}

/// With weights in shared memory, if each thread has no more than one part of a
/// sum, and there is room for its weights. Warps are numbered block by block:
/// those that have a part are as many of each.
void StepCalls::keepOverTime(
    const StepValues &values, Value *steps, const KeptSize &kept,
    function_ref<void(const StepValues &, Value *)> timestep) {
  const BlockValues &gpu = *values.team->ofGPU;
  constexpr int64_t warp = 32;
  Value *wanted = bytesOf(kept.threads, values.team->rows);
  Value *each = builder.CreateMul(
      divideUp(divideUp(wanted, gpu.blocks), number(warp)), number(warp));
  Value *areEnough = builder.CreateICmpULE(each, gpu.threads);
  Value *hasRoom = builder.CreateICmpULE(
      builder.CreateMul(each, number(kept.bytes)), gpu.sharedBytes);
  branch(
      builder.CreateAnd(areEnough, hasRoom),
      [&] {
        StepValues keeping = values;
        keeping.team->room = each;
        keeping.team->form = ".keep";
        timestep(keeping, number(0));
        keeping.team->form = ".kept";
        allSteps(keeping, steps, /*waits=*/true, timestep);
      },
      [&] { allSteps(values, steps, /*waits=*/true, timestep); });
}

void StepCalls::runByBlocks(const StepValues &values, Value *steps,
                            Value *block) {
  Value *blocks = divideUp(steps, block);
  forEach(blocks, "block", [&](Value *index) {
    Value *first = builder.CreateMul(index, block);
    Value *count = builder.CreateBinaryIntrinsic(
        Intrinsic::umin, block, builder.CreateSub(steps, first));
    for (const RunStage &stage : table.stages) {
      if (stage.takesBlock) {
        Value *rows = table.batch == TTC_BATCH
                          ? builder.CreateMul(count, values.batch)
                          : count;
        callStage(values, stage, first, number(0), rows);
        barrier(values);
        continue;
      }
      overTime(values, count, stage.ownElements, stage.kept,
               [&](const StepValues &own, Value *t) {
                 callStage(own, stage, first, t, values.batch);
               });
    }
  });
}

/// Calls a stage at timestep `t` of the block that begins at `first`.
void StepCalls::callStage(const StepValues &values, const RunStage &stage,
                          Value *first, Value *t, Value *rows) {
  SmallVector<Value *> arguments;
  auto add = [&](const StageTensor &tensor) {
    Value *from = values.scratch, *timestep = t;
    Value *offset = bytesOf(tensor.offset, values.batch);
    if (tensor.where != StageTensor::Buffer) {
      const auto &pointers =
          tensor.where == StageTensor::Input ? values.inputs : values.outputs;
      from = pointers[tensor.index];
      timestep = builder.CreateAdd(first, t);
    }
    offset = builder.CreateAdd(
        offset,
        builder.CreateMul(timestep, bytesOf(tensor.timestep, values.batch)));
    arguments.push_back(builder.CreateGEP(builder.getInt8Ty(), from, offset));
  };
  for (const StageTensor &tensor : stage.inputs)
    add(tensor);
  for (const StageTensor &tensor : stage.outputs)
    add(tensor);
  Value *behind = builder.CreateGEP(builder.getInt8Ty(), values.scratch,
                                    bytesOf(table.buffersSize, values.batch));
  arguments.append({values.prepared, values.states, behind});
  call(stage.function, values, arguments, rows);
}
