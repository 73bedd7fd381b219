//===- EmitDescriptor.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The descriptor of a compiled model, and the three functions it points to.
//
//===----------------------------------------------------------------------===//

#include "codegen/Pipelines.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsAArch64.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace ttc;

namespace {

/// Builds the entry points and the descriptor with LLVM's own builder:
/// constants that point at each other are what it is good at.
class DescriptorEmitter {
public:
  DescriptorEmitter(Module &module, const ModelTable &table)
      : module(module), context(module.getContext()), table(table),
        builder(context), pointer(PointerType::get(context, 0)),
        i32(Type::getInt32Ty(context)), i64(Type::getInt64Ty(context)) {}

  void emit(const EmbeddedWeights *embedded) {
    keepApart();
    Function *step = emitStep();
    Function *run = emitRun();
    Function *prepare = emitPrepare();
    Constant *null = ConstantPointerNull::get(pointer);
    Constant *prepared = null, *checksum = null;
    if (embedded) {
      auto *bytes = ConstantDataArray::get(context, ArrayRef(embedded->bytes));
      auto *global = constantGlobal(bytes, "prepared");
      global->setAlignment(Align(TTC_ALIGNMENT));
      prepared = global;
      checksum = string(embedded->checksum);
    }
    // In the order of ttc_model_descriptor; natural alignment adds the padding
    // that C does.
    Constant *fields[] = {ConstantInt::get(i32, TTC_ABI_VERSION),
                          ConstantInt::get(i32, sizeof(ttc_model_descriptor)),
                          string(table.name),
                          string(table.schemaFingerprint),
                          string(table.modelFingerprint),
                          string(table.triple),
                          string(table.features),
                          ConstantInt::getSigned(i64, table.batch),
                          ConstantInt::get(i32, table.inputs.size()),
                          ConstantInt::get(i32, table.outputs.size()),
                          ConstantInt::get(i32, table.params.size()),
                          ConstantInt::get(i32, table.states.size()),
                          tensorTable(table.inputs, "inputs"),
                          tensorTable(table.outputs, "outputs"),
                          paramTable(),
                          stateTable(),
                          ConstantInt::get(i64, table.preparedSize),
                          bytes(table.statesSize),
                          bytes(table.scratchSize),
                          prepared,
                          checksum,
                          prepare,
                          step,
                          run,
                          inputLimits(),
                          ConstantInt::get(i32, table.hasGenerator),
                          ConstantInt::get(i32, 0),
                          null,
                          ConstantInt::get(i32, 1),
                          ConstantInt::get(i32, 0),
                          null,
                          null,
                          null};
    auto *descriptor = constantGlobal(ConstantStruct::getAnon(fields),
                                      "ttc_model_" + table.name);
    descriptor->setLinkage(GlobalValue::ExternalLinkage);
  }

private:
  //===--------------------------------------------------------------------===//
  // Functions
  //===--------------------------------------------------------------------===//

  Function *body(StringRef suffix) {
    return module.getFunction(table.name + suffix.str());
  }

  /// The functions that came from the model are nobody's to call. They stay
  /// whole: the arithmetic of a step between the two writes of the control
  /// register, the operations of a long one apart.
  void keepApart() {
    for (Function &function : module) {
      if (function.isDeclaration())
        continue;
      function.setLinkage(GlobalValue::InternalLinkage);
      function.addFnAttr(Attribute::NoInline);
    }
  }

  Function *entry(ArrayRef<Type *> parameters, StringRef name) {
    auto *function = Function::Create(
        FunctionType::get(Type::getVoidTy(context), parameters, false),
        GlobalValue::InternalLinkage, name, module);
    function->addFnAttr(Attribute::NoUnwind);
    builder.SetInsertPoint(BasicBlock::Create(context, "", function));
    return function;
  }

  /// Element `index` of a table of pointers.
  Value *element(Value *pointers, unsigned index) {
    return builder.CreateLoad(
        pointer, builder.CreateConstGEP1_64(pointer, pointers, index));
  }

  /// Calls the step's body on the pointers of a timestep: `shift` is the number
  /// of timesteps to go beyond the pointers of the table.
  void callStep(Function *entry, Value *shift) {
    auto *argument = entry->arg_begin();
    Value *inputs = argument++, *outputs = argument++;
    Value *prepared = argument++, *states = argument++, *scratch = argument++;
    Value *batch = argument;
    SmallVector<Value *> arguments;
    auto add = [&](Value *pointers, const auto &entries) {
      for (unsigned i = 0; i < entries.size(); ++i) {
        Value *start = element(pointers, i);
        if (shift)
          start = builder.CreateGEP(
              builder.getInt8Ty(), start,
              builder.CreateMul(shift, timestepBytes(entries[i], batch)));
        arguments.push_back(start);
      }
    };
    add(inputs, table.inputs);
    add(outputs, table.outputs);
    arguments.append({prepared, states, scratch, batch});
    builder.CreateCall(body(".step"), arguments);
  }

  Value *timestepBytes(const TensorEntry &entry, Value *batch) {
    int64_t bytes = dtypeBytes(entry.dtype);
    bool isDynamic = false;
    for (int64_t size : entry.shape) {
      isDynamic |= size == TTC_BATCH;
      bytes *= size == TTC_BATCH ? 1 : size;
    }
    Value *fixed = ConstantInt::get(i64, bytes);
    return isDynamic ? builder.CreateMul(batch, fixed) : fixed;
  }

  Function *emitStep() {
    Function *function =
        entry({pointer, pointer, pointer, pointer, pointer, i64}, "step");
    withoutSubnormals([&] { callStep(function, nullptr); });
    builder.CreateRetVoid();
    return function;
  }

  /// A loop over 0 <= i < count.
  void forEach(Function *function, Value *count, const Twine &name,
               function_ref<void(Value *)> emitBody) {
    BasicBlock *before = builder.GetInsertBlock();
    auto *loop = BasicBlock::Create(context, name, function);
    auto *after = BasicBlock::Create(context, name + ".after", function);
    Value *zero = ConstantInt::get(i64, 0);
    builder.CreateCondBr(builder.CreateICmpSGT(count, zero), loop, after);
    builder.SetInsertPoint(loop);
    PHINode *i = builder.CreatePHI(i64, 2);
    i->addIncoming(zero, before);
    emitBody(i);
    Value *next = builder.CreateAdd(i, ConstantInt::get(i64, 1));
    i->addIncoming(next, builder.GetInsertBlock());
    builder.CreateCondBr(builder.CreateICmpSLT(next, count), loop, after);
    builder.SetInsertPoint(after);
  }

  Function *emitRun() {
    Function *function =
        entry({pointer, pointer, pointer, pointer, pointer, i64, i64}, "run");
    withoutSubnormals([&] {
      if (table.stages.empty())
        runByTimesteps(function);
      else if (table.batch != TTC_BATCH)
        runByBlocks(function, ConstantInt::get(i64, table.block));
      else
        runByBatch(function);
    });
    builder.CreateRetVoid();
    return function;
  }

  /// A block has so many rows at most: timesteps times batch. A batch that
  /// leaves no room for two timesteps gains nothing by blocks.
  void runByBatch(Function *run) {
    auto *byBlocks = BasicBlock::Create(context, "blocks", run);
    auto *byTimesteps = BasicBlock::Create(context, "timesteps", run);
    auto *end = BasicBlock::Create(context, "end", run);
    Value *timesteps =
        builder.CreateUDiv(ConstantInt::get(i64, table.block), run->getArg(5));
    builder.CreateCondBr(
        builder.CreateICmpUGE(timesteps, ConstantInt::get(i64, 2)), byBlocks,
        byTimesteps);
    builder.SetInsertPoint(byBlocks);
    runByBlocks(run, timesteps);
    builder.CreateBr(end);
    builder.SetInsertPoint(byTimesteps);
    runByTimesteps(run);
    builder.CreateBr(end);
    builder.SetInsertPoint(end);
  }

  void runByTimesteps(Function *run) {
    forEach(run, run->getArg(6), "timestep",
            [&](Value *t) { callStep(run, t); });
  }

  void runByBlocks(Function *run, Value *block) {
    Value *steps = run->getArg(6), *batch = run->getArg(5);
    Value *blocks = builder.CreateUDiv(
        builder.CreateAdd(steps,
                          builder.CreateSub(block, ConstantInt::get(i64, 1))),
        block);
    forEach(run, blocks, "block", [&](Value *index) {
      Value *first = builder.CreateMul(index, block);
      Value *count = builder.CreateBinaryIntrinsic(
          Intrinsic::umin, block, builder.CreateSub(steps, first));
      for (const RunStage &stage : table.stages) {
        if (stage.takesBlock) {
          Value *rows = table.batch == TTC_BATCH
                            ? builder.CreateMul(count, batch)
                            : count;
          callStage(run, stage, first, ConstantInt::get(i64, 0), rows);
          continue;
        }
        forEach(run, count, "timestep",
                [&](Value *t) { callStage(run, stage, first, t, batch); });
      }
    });
  }

  Value *bytesOf(ttc_bytes size, Value *batch) {
    Value *fixed = ConstantInt::get(i64, size.fixed);
    if (!size.per_batch)
      return fixed;
    return builder.CreateAdd(
        fixed, builder.CreateMul(batch, ConstantInt::get(i64, size.per_batch)));
  }

  /// Calls a stage at timestep `t` of the block that begins at `first`.
  void callStage(Function *run, const RunStage &stage, Value *first, Value *t,
                 Value *rows) {
    Value *scratch = run->getArg(4), *batch = run->getArg(5);
    auto at = [&](const StageTensor &tensor) {
      Value *from = scratch, *timestep = t;
      Value *offset = bytesOf(tensor.offset, batch);
      if (tensor.where != StageTensor::Buffer) {
        from = element(run->getArg(tensor.where == StageTensor::Input ? 0 : 1),
                       tensor.index);
        timestep = builder.CreateAdd(first, t);
      }
      offset = builder.CreateAdd(
          offset, builder.CreateMul(timestep, bytesOf(tensor.timestep, batch)));
      return builder.CreateGEP(builder.getInt8Ty(), from, offset);
    };
    SmallVector<Value *> arguments;
    for (const StageTensor &tensor : stage.inputs)
      arguments.push_back(at(tensor));
    for (const StageTensor &tensor : stage.outputs)
      arguments.push_back(at(tensor));
    Value *behind = builder.CreateGEP(builder.getInt8Ty(), scratch,
                                      bytesOf(table.buffersSize, batch));
    arguments.append({run->getArg(2), run->getArg(3), behind, rows});
    builder.CreateCall(module.getFunction(stage.function + ".step"), arguments);
  }

  Function *emitPrepare() {
    Function *function = entry({pointer, pointer, pointer}, "prepare");
    SmallVector<Value *> arguments;
    for (unsigned i = 0; i < table.params.size(); ++i)
      arguments.push_back(element(function->getArg(0), i));
    arguments.append({function->getArg(1), function->getArg(2)});
    builder.CreateCall(body(".prepare.entry"), arguments);
    builder.CreateRetVoid();
    return function;
  }

  /// Subnormal operands and results count as zero between two writes of the
  /// control register: a decaying membrane reaches them and would stay, at many
  /// times the cost.
  void withoutSubnormals(function_ref<void()> emitBody) {
    Triple triple(module.getTargetTriple());
    if (triple.isX86()) {
      constexpr uint32_t flushAndTreatAsZero = 0x8040; // FTZ and DAZ of MXCSR
      Value *saved = builder.CreateAlloca(i32);
      Value *changed = builder.CreateAlloca(i32);
      builder.CreateIntrinsic(Intrinsic::x86_sse_stmxcsr, {saved});
      builder.CreateStore(
          builder.CreateOr(builder.CreateLoad(i32, saved),
                           ConstantInt::get(i32, flushAndTreatAsZero)),
          changed);
      builder.CreateIntrinsic(Intrinsic::x86_sse_ldmxcsr, {changed});
      emitBody();
      builder.CreateIntrinsic(Intrinsic::x86_sse_ldmxcsr, {saved});
      return;
    }
    if (triple.isAArch64()) {
      constexpr uint64_t flushToZero = uint64_t(1) << 24; // FZ of FPCR
      Value *saved = builder.CreateIntrinsic(Intrinsic::aarch64_get_fpcr,
                                             ArrayRef<Value *>());
      builder.CreateIntrinsic(
          Intrinsic::aarch64_set_fpcr,
          {builder.CreateOr(saved, ConstantInt::get(i64, flushToZero))});
      emitBody();
      builder.CreateIntrinsic(Intrinsic::aarch64_set_fpcr, {saved});
      return;
    }
    // RISC-V has no such mode.
    emitBody();
  }

  //===--------------------------------------------------------------------===//
  // Tables
  //===--------------------------------------------------------------------===//

  GlobalVariable *constantGlobal(Constant *value, const Twine &name) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, value, name);
  }

  Constant *string(StringRef text) {
    return builder.CreateGlobalString(text, "", 0, &module);
  }

  Constant *bytes(ttc_bytes size) {
    return ConstantStruct::getAnon({ConstantInt::get(i64, size.fixed),
                                    ConstantInt::get(i64, size.per_batch)});
  }

  Constant *spec(const TensorEntry &entry) {
    Constant *shape = ConstantPointerNull::get(pointer);
    if (!entry.shape.empty())
      shape = constantGlobal(
          ConstantDataArray::get(
              context,
              ArrayRef(reinterpret_cast<const uint64_t *>(entry.shape.data()),
                       entry.shape.size())),
          "shape");
    return ConstantStruct::getAnon(
        {string(entry.name), ConstantInt::get(i32, entry.dtype),
         ConstantInt::get(i32, entry.shape.size()), shape});
  }

  Constant *array(ArrayRef<Constant *> elements, StringRef name) {
    if (elements.empty())
      return ConstantPointerNull::get(pointer);
    return constantGlobal(
        ConstantArray::get(
            ArrayType::get(elements.front()->getType(), elements.size()),
            elements),
        name);
  }

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

  Constant *inputLimits() {
    SmallVector<uint64_t> limits;
    for (const InputEntry &input : table.inputs)
      limits.push_back(input.limit);
    if (llvm::all_of(limits, [](uint64_t limit) { return limit == 0; }))
      return ConstantPointerNull::get(pointer);
    return constantGlobal(ConstantDataArray::get(context, limits), "limits");
  }

  template <typename Entries>
  Constant *tensorTable(const Entries &entries, StringRef name) {
    SmallVector<Constant *> elements;
    for (const TensorEntry &entry : entries)
      elements.push_back(spec(entry));
    return array(elements, name);
  }

  Constant *paramTable() {
    SmallVector<Constant *> elements;
    for (const ParamEntry &param : table.params)
      elements.push_back(ConstantStruct::getAnon(
          {spec(param),
           param.rawName.empty() ? ConstantPointerNull::get(pointer)
                                 : string(param.rawName),
           ConstantInt::get(i32, param.activation), ConstantInt::get(i32, 0)}));
    return array(elements, "params");
  }

  Constant *stateTable() {
    SmallVector<Constant *> elements;
    for (const StateEntry &state : table.states)
      elements.push_back(
          ConstantStruct::getAnon({spec(state), bytes(state.offset)}));
    return array(elements, "states");
  }

  Module &module;
  LLVMContext &context;
  const ModelTable &table;
  IRBuilder<> builder;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

void ttc::emitDescriptor(Module &module, const ModelTable &table,
                         const EmbeddedWeights *embedded) {
  DescriptorEmitter(module, table).emit(embedded);
}

Expected<std::unique_ptr<Module>>
ttc::translateToLLVM(mlir::ModuleOp module, LLVMContext &context,
                     const Target &target, const ModelTable &table,
                     const EmbeddedWeights *embedded) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  // What the table has read stays behind.
  for (mlir::Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (isa<ParamOp, StateOp>(op))
      op.erase();
  for (mlir::NamedAttribute attr :
       llvm::to_vector(module->getDiscardableAttrs()))
    if (attr.getName().getValue().starts_with("ttc."))
      module->removeAttr(attr.getName());
  std::unique_ptr<Module> translated =
      mlir::translateModuleToLLVMIR(module, context, table.name);
  if (!translated)
    return createStringError("the model could not be translated to LLVM IR");
  translated->setTargetTriple(Triple(target.triple));
  translated->setDataLayout(target.machine->createDataLayout());
  emitDescriptor(*translated, table, embedded);
  for (Function &function : *translated) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width",
                       std::to_string(target.unit.lanes * 32));
  }
  return translated;
}
