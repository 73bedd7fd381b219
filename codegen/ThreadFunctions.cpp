//===- ThreadFunctions.cpp -----------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exchanges between lanes, matrix units, shared memory.
//
//===----------------------------------------------------------------------===//

#include "codegen/ThreadFunctions.h"
#include "codegen/Scheduling.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicsNVPTX.h"

using namespace llvm;
using namespace ttc;

FunctionCallee ttc::emulatorFunction(Module &module, StringRef name,
                                     Type *result,
                                     ArrayRef<Type *> parameters) {
  FunctionCallee callee = module.getOrInsertFunction(
      name, FunctionType::get(result, parameters, false));
  cast<Function>(callee.getCallee())->addFnAttr(Attribute::Convergent);
  return callee;
}

Value *ttc::numberInBlock(IRBuilder<> &builder, Module &module,
                          const GpuTarget &gpu) {
  Type *i64 = builder.getInt64Ty();
  if (gpu.isEmulated())
    return builder.CreateCall(
        emulatorFunction(module, "ttc_gpu_thread", i64, {}));
  return builder.CreateZExt(
      builder.CreateIntrinsic(builder.getInt32Ty(),
                              Intrinsic::nvvm_read_ptx_sreg_tid_x,
                              ArrayRef<Value *>()),
      i64);
}

namespace {

class FunctionEmitter {
public:
  FunctionEmitter(Module &module, const GpuTarget &gpu)
      : module(module), context(module.getContext()), gpu(gpu),
        builder(context), pointer(PointerType::get(context, 0)),
        i32(Type::getInt32Ty(context)), i64(Type::getInt64Ty(context)) {}

  void emit() {
    emitOpaque();
    emitReadLane(readLaneF32, Type::getFloatTy(context));
    emitReadLane(readLaneF64, Type::getDoubleTy(context));
    emitMultiply(multiplyBF16, "ttc_gpu_multiply_bf16",
                 Intrinsic::nvvm_mma_m16n8k16_row_col_bf16);
    emitMultiply(multiplyTF32, "ttc_gpu_multiply_tf32",
                 Intrinsic::nvvm_mma_m16n8k8_row_col_tf32);
    emitRoundToTF32();
    emitNumber(threadInBlock,
               [&] { return numberInBlock(builder, module, gpu); });
    emitKeptMemory();
  }

private:
  /// Begins a function, if anybody calls it.
  Function *begin(StringRef name) {
    Function *function = module.getFunction(name);
    if (!function)
      return nullptr;
    function->setLinkage(GlobalValue::InternalLinkage);
    builder.SetInsertPoint(BasicBlock::Create(context, "", function));
    return function;
  }

  FunctionCallee emulated(StringRef name, Type *result,
                          ArrayRef<Type *> parameters) {
    return emulatorFunction(module, name, result, parameters);
  }

  void emitOpaque() {
    Function *function = begin(opaqueFunction);
    if (!function)
      return;
    Value *value = function->getArg(0);
    if (!gpu.isEmulated())
      value = builder.CreateCall(
          InlineAsm::get(FunctionType::get(i64, {i64}, false),
                         "mov.b64 $0, $1;", "=l,l", /*hasSideEffects=*/true),
          {value});
    builder.CreateRet(value);
  }

  void emitReadLane(StringRef name, Type *type) {
    Function *function = begin(name);
    if (!function)
      return;
    Value *value = function->getArg(0), *lane = function->getArg(1);
    if (gpu.isEmulated()) {
      StringRef callee = type->isDoubleTy() ? "ttc_gpu_read_lane_f64"
                                            : "ttc_gpu_read_lane_f32";
      builder.CreateRet(builder.CreateCall(emulated(callee, type, {type, i32}),
                                           {value, lane}));
      return;
    }
    constexpr int wholeWarp = 31;
    auto shuffle = [&](Value *word) -> Value * {
      return builder.CreateIntrinsic(
          i32, Intrinsic::nvvm_shfl_sync_idx_i32,
          {function->getArg(2), word, lane, ConstantInt::get(i32, wholeWarp)});
    };
    if (type->isFloatTy()) {
      builder.CreateRet(builder.CreateBitCast(
          shuffle(builder.CreateBitCast(value, i32)), type));
      return;
    }
    auto *words = FixedVectorType::get(i32, 2);
    Value *halves = builder.CreateBitCast(value, words);
    for (uint64_t i : {0, 1})
      halves = builder.CreateInsertElement(
          halves, shuffle(builder.CreateExtractElement(halves, i)), i);
    builder.CreateRet(builder.CreateBitCast(halves, type));
  }

  /// A function of the matrix units: of vectors of words, four of the first
  /// matrix and two of the second, and four sums.
  void emitMultiply(StringRef name, StringRef ofEmulator, Intrinsic::ID id) {
    Function *function = begin(name);
    if (!function)
      return;
    SmallVector<Value *> elements;
    for (Argument &argument : function->args())
      for (uint64_t i = 0;
           i < cast<FixedVectorType>(argument.getType())->getNumElements(); ++i)
        elements.push_back(builder.CreateExtractElement(&argument, i));
    Type *sums = function->getReturnType();
    if (gpu.isEmulated()) {
      SmallVector<Type *> types;
      for (Value *element : elements)
        types.push_back(element->getType());
      types.push_back(pointer);
      Value *room = builder.CreateAlloca(sums);
      elements.push_back(room);
      builder.CreateCall(emulated(ofEmulator, builder.getVoidTy(), types),
                         elements);
      builder.CreateRet(builder.CreateLoad(sums, room));
      return;
    }
    // LLVM takes an instruction that all lanes make together for one that each
    // makes for itself: without the attribute it may be moved behind a branch
    // that some of them take.
    CallInst *products = builder.CreateIntrinsic(id, {}, elements);
    products->addFnAttr(Attribute::Convergent);
    Value *result = PoisonValue::get(sums);
    for (unsigned i = 0; i < cast<FixedVectorType>(sums)->getNumElements(); ++i)
      result = builder.CreateInsertElement(
          result, builder.CreateExtractValue(products, i), uint64_t(i));
    builder.CreateRet(result);
  }

  void emitRoundToTF32() {
    Function *function = begin(roundToTF32);
    if (!function)
      return;
    Value *value = function->getArg(0);
    builder.CreateRet(
        gpu.isEmulated() ? builder.CreateCall(emulated("ttc_gpu_round_tf32",
                                                       i32, {value->getType()}),
                                              {value})
                         : builder.CreateIntrinsic(
                               i32, Intrinsic::nvvm_f2tf32_rna, {value}));
  }

  void emitNumber(StringRef name, function_ref<Value *()> number) {
    if (begin(name))
      builder.CreateRet(number());
  }

  /// Its size is the launch's.
  void emitKeptMemory() {
    emitNumber(keptMemory, [&]() -> Value * {
      if (gpu.isEmulated())
        return builder.CreateCall(emulated("ttc_gpu_shared", pointer, {}));
      constexpr unsigned sharedSpace = 3;
      auto *memory = new GlobalVariable(
          module, ArrayType::get(builder.getInt8Ty(), 0),
          /*isConstant=*/false, GlobalValue::ExternalLinkage,
          /*Initializer=*/nullptr, "ttc_shared", /*InsertBefore=*/nullptr,
          GlobalValue::NotThreadLocal, sharedSpace);
      memory->setAlignment(Align(NestEmitter::widestLoad));
      return builder.CreateAddrSpaceCast(memory, pointer);
    });
  }

  Module &module;
  LLVMContext &context;
  const GpuTarget &gpu;
  IRBuilder<> builder;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

void ttc::emitThreadFunctions(Module &module, const GpuTarget &gpu) {
  FunctionEmitter(module, gpu).emit();
}
