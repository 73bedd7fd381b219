//===- EmitDescriptor.cpp -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The descriptor of a compiled model, and the functions it points to.
//
//===----------------------------------------------------------------------===//

#include "codegen/DescriptorFields.h"
#include "codegen/EmitSteps.h"
#include "codegen/Pipelines.h"
#include "codegen/Scheduling.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
        builder(context), calls(builder, module, table),
        pointer(PointerType::get(context, 0)), i32(Type::getInt32Ty(context)),
        i64(Type::getInt64Ty(context)) {}

  void emit(const EmbeddedWeights *embedded) {
    keepApart();
    Constant *null = ConstantPointerNull::get(pointer);
    // What only prepares weights for a GPU has no step.
    bool hasStep = body(".step");
    Constant *step = hasStep ? emitStep() : null;
    Constant *run = hasStep ? emitRun() : null;
    Constant *prepare = emitPrepare();
    Constant *sharedStep = null, *sharedRun = null;
    if (table.maxWorkers > 1) {
      sharedStep = emitSharedStep();
      sharedRun = emitSharedRun();
      emitBarrier();
    }
    Constant *prepared = null, *checksum = null;
    if (embedded) {
      auto *bytes = ConstantDataArray::get(context, ArrayRef(embedded->bytes));
      auto *global = constantGlobal(bytes, "prepared");
      global->setAlignment(Align(TTC_ALIGNMENT));
      prepared = global;
      checksum = string(embedded->checksum);
    }
    // In the order of ttc_model_descriptor.
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
                          ConstantInt::get(i32, table.maxWorkers),
                          ConstantInt::get(i32, 0),
                          sharedStep,
                          sharedRun,
                          null};
    static_assert(std::size(fields) == DescriptorField::count);
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

  /// The values of a function that takes what a step does: tables of inputs and
  /// outputs, prepared weights, states, scratch, batch.
  StepValues valuesOf(Function *function) {
    StepValues values;
    for (unsigned i = 0; i < table.inputs.size(); ++i)
      values.inputs.push_back(element(function->getArg(0), i));
    for (unsigned i = 0; i < table.outputs.size(); ++i)
      values.outputs.push_back(element(function->getArg(1), i));
    values.prepared = function->getArg(2);
    values.states = function->getArg(3);
    values.scratch = function->getArg(4);
    values.batch = function->getArg(5);
    return values;
  }

  Function *emitStep() {
    Function *function =
        entry({pointer, pointer, pointer, pointer, pointer, i64}, "step");
    withoutSubnormals([&] { calls.step(valuesOf(function)); });
    builder.CreateRetVoid();
    return function;
  }

  Function *emitRun() {
    Function *function =
        entry({pointer, pointer, pointer, pointer, pointer, i64, i64}, "run");
    withoutSubnormals(
        [&] { calls.run(valuesOf(function), function->getArg(6)); });
    builder.CreateRetVoid();
    return function;
  }

  //===--------------------------------------------------------------------===//
  // Teams
  //===--------------------------------------------------------------------===//

  Function *emitSharedStep() {
    Function *function =
        entry({pointer, pointer, pointer, pointer, pointer, i64, pointer, i64},
              "shared_step");
    withoutSubnormals([&] {
      asTeam(
          function, function->getArg(6), function->getArg(7),
          [&](const StepValues &values) { calls.step(values); },
          [&](const StepValues &values) { calls.step(values); });
    });
    builder.CreateRetVoid();
    return function;
  }

  Function *emitSharedRun() {
    Function *function = entry(
        {pointer, pointer, pointer, pointer, pointer, i64, i64, pointer, i64},
        "shared_run");
    Value *steps = function->getArg(6);
    withoutSubnormals([&] {
      asTeam(
          function, function->getArg(7), function->getArg(8),
          [&](const StepValues &values) {
            calls.runByTimesteps(values, steps);
          },
          [&](const StepValues &values) { calls.run(values, steps); });
    });
    builder.CreateRetVoid();
    return function;
  }

  /// Many rows that do not need each other are divided among the workers, which
  /// then need not wait for each other: `byRows` emits what each does with its
  /// own. Else the workers divide every nest: `together`.
  void asTeam(Function *function, Value *team, Value *worker,
              function_ref<void(const StepValues &)> byRows,
              function_ref<void(const StepValues &)> together) {
    StepValues values = valuesOf(function);
    Value *batch = values.batch, *zero = ConstantInt::get(i64, 0);
    Value *workers = builder.CreateLoad(i64, team); // the first field
    auto emitTogether = [&] {
      values.team = {batch, zero, worker, workers, worker, team};
      together(values);
    };
    if (!table.rowsAreIndependent)
      return emitTogether();
    // Whole tiles of rows for each worker, two at least. One number serves all
    // CPUs: the tiles that they choose (Schedule::tileRows) have 12 rows with
    // 32 vector registers and 6 with 16, or a half or a quarter of that where
    // sums are split. Where they have others (24 for few inputs and outputs of
    // one register, or as --schedule says), some rows may be left over from
    // tiles: that costs time, no bits.
    constexpr int64_t tile = 12;
    Value *tiles = calls.divideUp(batch, ConstantInt::get(i64, tile));
    calls.branch(
        builder.CreateICmpUGE(builder.CreateUDiv(tiles, workers),
                              ConstantInt::get(i64, 2)),
        [&] {
          auto [first, rows] = calls.rowsOfPart(batch, worker, workers, tile);
          values.team = {rows,   first,
                         zero,   ConstantInt::get(i64, 1),
                         worker, ConstantPointerNull::get(pointer)};
          byRows(values);
        },
        emitTogether);
  }

  /// Waits for the other workers of a team; of a worker without one, for none.
  void emitBarrier() {
    Function *function = module.getFunction(barrierFunction);
    if (!function)
      return;
    function->setLinkage(GlobalValue::InternalLinkage);
    builder.SetInsertPoint(BasicBlock::Create(context, "", function));
    Value *team = function->getArg(0);
    calls.branch(
        builder.CreateIsNull(team), [] {},
        [&] {
          Value *field = builder.CreateConstInBoundsGEP1_64(
              builder.getInt8Ty(), team, offsetof(ttc_team, barrier));
          builder.CreateCall(
              FunctionType::get(builder.getVoidTy(), {pointer, i64}, false),
              builder.CreateLoad(pointer, field), {team, function->getArg(1)});
        });
    builder.CreateRetVoid();
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
  StepCalls calls;
  PointerType *pointer;
  Type *i32, *i64;
};

} // namespace

void ttc::emitDescriptor(Module &module, const ModelTable &table,
                         const EmbeddedWeights *embedded) {
  DescriptorEmitter(module, table).emit(embedded);
}

std::unique_ptr<Module> ttc::translateModule(mlir::ModuleOp module,
                                             LLVMContext &context,
                                             StringRef name) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  // The conversion of branches leaves an annotation where the translation does
  // not look.
  module.walk([](mlir::LLVM::BrOp branch) {
    if (mlir::Attribute annotation = branch->removeAttr(loopAnnotationAttr))
      branch.setLoopAnnotationAttr(
          mlir::cast<mlir::LLVM::LoopAnnotationAttr>(annotation));
  });
  // What the table has read stays behind.
  for (mlir::Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (isa<ParamOp, StateOp>(op))
      op.erase();
  for (mlir::NamedAttribute attr :
       llvm::to_vector(module->getDiscardableAttrs()))
    if (attr.getName().getValue().starts_with("ttc."))
      module->removeAttr(attr.getName());
  return mlir::translateModuleToLLVMIR(module, context, name);
}

Expected<std::unique_ptr<Module>>
ttc::translateToLLVM(mlir::ModuleOp module, LLVMContext &context,
                     const Target &target, const ModelTable &table,
                     const EmbeddedWeights *embedded) {
  std::unique_ptr<Module> translated =
      translateModule(module, context, table.name);
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
