//===- EmitKernels.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of a model: which thread is which worker, and how they wait.
//
//===----------------------------------------------------------------------===//

#include "codegen/EmitKernels.h"
#include "codegen/EmitSteps.h"
#include "codegen/Pipelines.h"
#include "codegen/Scheduling.h"
#include "codegen/ThreadFunctions.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;
using namespace ttc;

namespace {

class KernelEmitter {
public:
  KernelEmitter(Module &module, const ModelTable &table, const GpuTarget &gpu)
      : module(module), context(module.getContext()), table(table), gpu(gpu),
        builder(context), calls(builder, module, table),
        pointer(PointerType::get(context, 0)), i32(Type::getInt32Ty(context)),
        i64(Type::getInt64Ty(context)) {}

  void emit() {
    for (Function &function : module) {
      // Nothing is moved between threads that wait for each other.
      function.addFnAttr(Attribute::Convergent);
      if (function.isDeclaration())
        continue;
      function.setLinkage(GlobalValue::InternalLinkage);
      // A function that is called has fewer registers than a kernel.
      StringRef name = function.getName();
      if (llvm::any_of(
              ArrayRef<StringRef>{".shared", ".element", ".keep", ".kept"},
              [&](StringRef form) { return name.ends_with(form); }) ||
          name.contains(".element."))
        function.addFnAttr(Attribute::AlwaysInline);
    }
    if (gpu.isEmulated())
      checkAddresses();
    emitKernel("ttc_step", /*isSequence=*/false);
    emitKernel("ttc_run", /*isSequence=*/true);
    emitBarrier();
    emitThreadFunctions(module, gpu);
    // Membranes that decay reach subnormals: they are zero, as on a CPU.
    for (Function &function : module)
      if (!function.isDeclaration() && !gpu.keepsSubnormals)
        function.addFnAttr("denormal-fp-math-f32",
                           "preserve-sign,preserve-sign");
  }

private:
  Value *number(int64_t value) { return ConstantInt::get(i64, value); }

  //===--------------------------------------------------------------------===//
  // What a thread asks the GPU for
  //===--------------------------------------------------------------------===//

  FunctionCallee external(StringRef name, Type *result,
                          ArrayRef<Type *> parameters) {
    return emulatorFunction(module, name, result, parameters);
  }

  Value *special(Intrinsic::ID id) {
    return builder.CreateZExt(
        builder.CreateIntrinsic(i32, id, ArrayRef<Value *>()), i64);
  }

  /// As many as the launch says, where it may be clusters of smaller blocks.
  Value *blockSize() {
    if (!gpu.hasClusters())
      return number(blockThreads);
    if (gpu.isEmulated())
      return builder.CreateCall(external("ttc_gpu_threads", i64, {}));
    return special(Intrinsic::nvvm_read_ptx_sreg_ntid_x);
  }

  /// The bytes that the launch gave the block, beyond what the kernel needs.
  Value *sharedBytes() {
    if (gpu.isEmulated())
      return builder.CreateCall(external("ttc_gpu_shared_bytes", i64, {}));
    return special(Intrinsic::nvvm_read_ptx_sreg_dynamic_smem_size);
  }

  /// The number of this block along an axis: 0 is x, 1 is y.
  Value *block(int axis) {
    if (gpu.isEmulated())
      return builder.CreateCall(external("ttc_gpu_block", i64, {i32}),
                                {ConstantInt::get(i32, axis)});
    return special(axis ? Intrinsic::nvvm_read_ptx_sreg_ctaid_y
                        : Intrinsic::nvvm_read_ptx_sreg_ctaid_x);
  }

  Value *blocks(int axis) {
    if (gpu.isEmulated())
      return builder.CreateCall(external("ttc_gpu_blocks", i64, {i32}),
                                {ConstantInt::get(i32, axis)});
    return special(axis ? Intrinsic::nvvm_read_ptx_sreg_nctaid_y
                        : Intrinsic::nvvm_read_ptx_sreg_nctaid_x);
  }

  /// 1 where the launch asked for no clusters.
  Value *blocksOfCluster() {
    if (gpu.isEmulated())
      return builder.CreateCall(external("ttc_gpu_cluster_blocks", i64, {}));
    return special(Intrinsic::nvvm_read_ptx_sreg_cluster_nctaid_x);
  }

  void blockBarrier() {
    if (gpu.isEmulated())
      builder.CreateCall(
          external("ttc_gpu_block_barrier", builder.getVoidTy(), {}));
    else
      builder.CreateIntrinsic(Intrinsic::nvvm_barrier_cta_sync_aligned_all,
                              {ConstantInt::get(i32, 0)});
  }

  /// What a thread wrote before it, even to global memory, all threads of the
  /// cluster can read behind it.
  void clusterBarrier() {
    if (gpu.isEmulated()) {
      builder.CreateCall(
          external("ttc_gpu_cluster_barrier", builder.getVoidTy(), {}));
      return;
    }
    builder.CreateIntrinsic(Intrinsic::nvvm_barrier_cluster_arrive_aligned, {});
    builder.CreateIntrinsic(Intrinsic::nvvm_barrier_cluster_wait_aligned, {});
  }

  /// A GPU fails where a vector is not at a multiple of what its access says;
  /// a CPU might not.
  void checkAddresses() {
    SmallVector<Instruction *> accesses;
    for (Function &function : module)
      for (Instruction &instruction : instructions(function))
        if (isa<LoadInst, StoreInst>(instruction) &&
            getLoadStoreType(&instruction)->isVectorTy())
          accesses.push_back(&instruction);
    for (Instruction *access : accesses) {
      builder.SetInsertPoint(access);
      Value *alignment = number(getLoadStoreAlignment(access).value());
      Value *address =
          builder.CreatePtrToInt(getLoadStorePointerOperand(access), i64);
      Value *beyond = builder.CreateURem(address, alignment);
      builder.SetInsertPoint(SplitBlockAndInsertIfThen(
          builder.CreateICmpNE(beyond, number(0)), access->getIterator(),
          /*Unreachable=*/false));
      builder.CreateCall(
          external("ttc_gpu_misaligned", builder.getVoidTy(), {i64}),
          {alignment});
    }
  }

  //===--------------------------------------------------------------------===//
  // Kernels
  //===--------------------------------------------------------------------===//

  /// Of the thread: neighbours in a warp are neighbours in the team, and
  /// neighbouring warps in other blocks, so that what a few of them do is done
  /// by all blocks.
  Value *numberInTeam(Value *teamBlocks) {
    Value *thread = numberInBlock(builder, module, gpu), *warp = number(32);
    Value *ownWarp = builder.CreateAdd(
        builder.CreateMul(builder.CreateUDiv(thread, warp), teamBlocks),
        block(0));
    return builder.CreateAdd(builder.CreateMul(ownWarp, warp),
                             builder.CreateURem(thread, warp));
  }

  void emitKernel(StringRef name, bool isSequence) {
    unsigned numInputs = table.inputs.size(), numOutputs = table.outputs.size();
    SmallVector<Type *> parameters(numInputs + numOutputs + 3, pointer);
    parameters.append(isSequence ? 2 : 1, i64);
    parameters.push_back(pointer);
    auto *kernel = Function::Create(
        FunctionType::get(builder.getVoidTy(), parameters, false),
        GlobalValue::ExternalLinkage, name, module);
    kernel->addFnAttr(Attribute::Convergent);
    kernel->addFnAttr(Attribute::NoUnwind);
    if (!gpu.isEmulated()) {
      kernel->setCallingConv(CallingConv::PTX_Kernel);
      kernel->addFnAttr(gpu.hasClusters() ? "nvvm.maxntid" : "nvvm.reqntid",
                        std::to_string(blockThreads));
      // One is enough: for two the assembler would keep values in memory.
      kernel->addFnAttr("nvvm.minctasm", "1");
    }
    // What nobody writes is read through the cache for constants.
    for (unsigned i = 0; i < parameters.size(); ++i)
      if (i < numInputs || i == numInputs + numOutputs) {
        kernel->addParamAttr(i, Attribute::NoAlias);
        kernel->addParamAttr(i, Attribute::ReadOnly);
      }
    // The runtime allocates these: what they hold is read in whole vectors.
    for (unsigned i = numInputs + numOutputs; i < numInputs + numOutputs + 3;
         ++i)
      kernel->addParamAttr(
          i, Attribute::getWithAlignment(context, Align(TTC_ALIGNMENT)));
    builder.SetInsertPoint(BasicBlock::Create(context, "", kernel));

    Function::arg_iterator argument = kernel->arg_begin();
    StepValues values;
    for (unsigned i = 0; i < numInputs; ++i)
      values.inputs.push_back(argument++);
    for (unsigned i = 0; i < numOutputs; ++i)
      values.outputs.push_back(argument++);
    values.prepared = argument++;
    values.states = argument++;
    values.scratch = argument++;
    values.batch = argument++;
    Value *steps = isSequence ? argument++ : nullptr;
    Value *barriers = argument;

    // Blocks along x are a team, which has its own part of the rows.
    Value *width = blocks(0), *part = block(1), *parts = blocks(1);
    Value *threads = blockSize();
    Value *worker = numberInTeam(width);
    Value *workers = builder.CreateMul(width, threads);
    auto [first, rows] = calls.rowsOfPart(values.batch, part, parts, tileRows);
    Value *handle = builder.CreateSelect(
        builder.CreateICmpEQ(width, number(1)),
        ConstantPointerNull::get(pointer),
        builder.CreateGEP(builder.getInt8Ty(), barriers,
                          builder.CreateMul(part, number(8))));
    if (gpu.hasClusters())
      handle = builder.CreateSelect(
          builder.CreateICmpUGT(blocksOfCluster(), number(1)), clusterHandle(),
          handle);
    values.team = {rows, first, worker, workers, number(0), handle};
    values.team->ofGPU = {width, threads,
                          table.keptSize().bytes ? sharedBytes() : nullptr};
    if (!isSequence)
      calls.step(values);
    else
      calls.run(values, steps,
                table.rowsAreIndependent
                    ? builder.CreateICmpEQ(parts, number(1))
                    : nullptr);
    builder.CreateRetVoid();
  }

  /// The handle of a team that is a cluster: no number lies there.
  Constant *clusterHandle() {
    return ConstantExpr::getIntToPtr(ConstantInt::get(i64, 1), pointer);
  }

  /// Of a team: of one block, where the handle is null; of a cluster; or of
  /// several blocks anywhere, by a number in memory.
  void emitBarrier() {
    Function *function = module.getFunction(barrierFunction);
    if (!function)
      return;
    function->setLinkage(GlobalValue::InternalLinkage);
    builder.SetInsertPoint(BasicBlock::Create(context, "", function));
    Value *handle = function->getArg(0);
    calls.branch(
        builder.CreateIsNull(handle), [&] { blockBarrier(); },
        [&] {
          if (!gpu.hasClusters())
            return gridBarrier(handle);
          calls.branch(
              builder.CreateICmpEQ(handle, clusterHandle()),
              [&] { clusterBarrier(); }, [&] { gridBarrier(handle); });
        });
    builder.CreateRetVoid();
  }

  void gridBarrier(Value *handle) {
    if (gpu.isEmulated()) {
      builder.CreateCall(
          external("ttc_gpu_grid_barrier", builder.getVoidTy(), {pointer}),
          {handle});
      return;
    }
    blockBarrier();
    calls.branch(
        builder.CreateICmpEQ(numberInBlock(builder, module, gpu), number(0)),
        [&] { waitForBlocks(handle); }, [] {});
    blockBarrier();
  }

  /// Each block adds 1 to the number, the first one what is missing to 2^31:
  /// the highest bit turns when all have come.
  void waitForBlocks(Value *handle) {
    SyncScope::ID device = context.getOrInsertSyncScopeID("device");
    constexpr uint32_t highest = uint32_t(1) << 31;
    Value *missing = builder.CreateSub(ConstantInt::get(i32, highest + 1),
                                       builder.CreateTrunc(blocks(0), i32));
    Value *added =
        builder.CreateSelect(builder.CreateICmpEQ(block(0), number(0)), missing,
                             ConstantInt::get(i32, 1));
    // The order that an addition asks for is not in its code for a GPU.
    builder.CreateFence(AtomicOrdering::AcquireRelease, device);
    Value *before =
        builder.CreateAtomicRMW(AtomicRMWInst::Add, handle, added, Align(4),
                                AtomicOrdering::AcquireRelease, device);
    BasicBlock *entry = builder.GetInsertBlock();
    Function *function = entry->getParent();
    auto *spin = BasicBlock::Create(context, "spin", function);
    auto *done = BasicBlock::Create(context, "done", function);
    builder.CreateBr(spin);
    builder.SetInsertPoint(spin);
    LoadInst *now = builder.CreateAlignedLoad(i32, handle, Align(4));
    now->setAtomic(AtomicOrdering::Acquire, device);
    Value *turned = builder.CreateAnd(builder.CreateXor(before, now),
                                      ConstantInt::get(i32, highest));
    builder.CreateCondBr(builder.CreateICmpEQ(turned, ConstantInt::get(i32, 0)),
                         spin, done);
    builder.SetInsertPoint(done);
    builder.CreateFence(AtomicOrdering::AcquireRelease, device);
  }

  Module &module;
  LLVMContext &context;
  const ModelTable &table;
  const GpuTarget &gpu;
  IRBuilder<> builder;
  StepCalls calls;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

Expected<std::unique_ptr<Module>> ttc::emitKernels(mlir::ModuleOp scheduled,
                                                   LLVMContext &context,
                                                   const ModelTable &table,
                                                   const GpuTarget &gpu) {
  std::unique_ptr<Module> module =
      translateModule(scheduled, context, table.name);
  if (!module)
    return createStringError("the kernels could not be translated to LLVM IR");
  KernelEmitter(*module, table, gpu).emit();
  return module;
}
