//===- ttc.cpp ------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver: a model in, a native binary out, or any level between.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"
#include "Check.h"
#include "DeviceCode.h"
#include "ModelFile.h"
#include "Outputs.h"
#include "Progress.h"
#include "Ptxas.h"
#include "codegen/Pipelines.h"
#include "codegen/Report.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"
#include "ttc/runtime.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace ttc;

namespace {

/// One compilation, from file to file. Its methods report on stderr and return
/// failure.
class Compilation {
public:
  Compilation(const Options &options, MLIRContext &context)
      : options(options), context(context),
        progress("ttc " + options.modelPath) {}

  LogicalResult run() {
    return success(succeeded(compile()) && succeeded(printReport()));
  }

private:
  LogicalResult compile() {
    progress.stage("reading the model");
    if (failed(parse()))
      return failure();
    table.modelFingerprint = fingerprintModel(*module);
    if (options.emit == Emit::Model)
      return writeText(moduleText());
    if (failed(resolveTargets()) || failed(measureStates()))
      return failure();

    struct Stage {
      Emit level;
      StringRef name;
      StringRef what;
      std::function<void(OpPassManager &)> add;
    };
    Stage stages[] = {
        {Emit::Declared, "declared", "declaring parameters and states",
         [&](OpPassManager &pm) {
           addDeclarePasses(
               pm, {options.batch, options.storage, options.weightsStorage});
         }},
        {Emit::Expanded, "expanded", "expanding the layers", addExpandPasses},
        {Emit::Threaded, "threaded", "threading the states", addThreadPasses},
        {Emit::Nests, "nests", "fusing the timestep",
         [&](OpPassManager &pm) {
           addFusePasses(pm, *schedule, options.products == ProductsIn::BF16);
         }},
        {Emit::Scheduled, "scheduled", "scheduling the loops",
         [&](OpPassManager &pm) {
           if (options.forCPU)
             addSchedulePasses(pm, *schedule, options.threads);
           else
             addGpuSchedulePasses(pm, machine.unit,
                                  options.products == ProductsIn::TF32);
         }}};
    for (const Stage &stage : stages) {
      progress.stage(stage.what.str());
      PassManager pm(&context);
      stage.add(pm);
      if (failed(pm.run(*module)))
        return failure();
      if (stage.level == Emit::Nests) {
        if (failed(readTable()))
          return failure();
        if (failed(makeReport()))
          return failure();
        if (!otherMachines.empty() || options.forGPU)
          nests = module->clone();
      }
      if (options.saveTemps &&
          failed(writeBeside((stage.name + ".mlir").str(), moduleText())))
        return failure();
      if (options.emit == stage.level)
        return writeText(moduleText());
    }
    readSizes(*module, table);
    if (options.emit == Emit::JSON)
      return writeText(llvm::formatv("{0:2}\n", table.toJSON()).str());
    if (options.emit == Emit::Header)
      return writeText(emitHeader(table, outputs->stem()));
    if (options.emit == Emit::PTX || options.emit == Emit::Cubin)
      return emitKernelText();
    return emitBinary();
  }

  //===--------------------------------------------------------------------===//
  // The stages
  //===--------------------------------------------------------------------===//

  LogicalResult parse() {
    if (failed(readModelText(options.modelPath, sources)))
      return failure();
    diagnostics =
        std::make_unique<SourceMgrDiagnosticHandler>(sources, &context);
    // The last handler is asked first: it makes room for a diagnostic on the
    // line of the progress, and passes it on.
    roomForDiagnostics.emplace(&context, [this](Diagnostic &) {
      progress.clear();
      return failure();
    });
    module = parseSourceFile<ModuleOp>(sources, &context);
    if (!module || failed(checkModelModule(*module)))
      return failure();
    ModelOp model = getOnlyModel(*module);
    outputs.emplace(options, model.getSymName());
    if (options.products != ProductsIn::F32 && computesInF64(model)) {
      StringRef type = options.products == ProductsIn::BF16 ? "bf16" : "tf32";
      return model.emitError()
             << "computes in f64: products in " << type
             << " would give that up; leave out --products=" << type;
    }
    bool isDynamic = llvm::any_of(model.getArgumentTypes(), [](Type type) {
      return !cast<RankedTensorType>(type).hasStaticShape();
    });
    if (options.wantsDynamicBatch && !isDynamic)
      return model.emitError()
             << "the model @" << model.getSymName()
             << " has no dynamic batch: every input has a static shape, and "
                "--batch=dynamic cannot free it";
    return success();
  }

  LogicalResult resolveTargets() {
    TargetOptions asked;
    asked.triple = options.triple;
    asked.optimizationLevel = options.optimizationLevel;
    asked.usesMatrices =
        options.products == ProductsIn::BF16 && options.optimizationLevel > 0;
    std::vector<ttc::Target> machines;
    for (const std::string &name : options.cpus) {
      asked.cpu = name;
      auto resolved = resolveTarget(asked);
      if (!resolved)
        return report(resolved.takeError());
      for (const ttc::Target &better : machines)
        if (better.runsWherever(*resolved))
          return report("--mcpu names " + name +
                        " behind a CPU whose code runs wherever its own does: "
                        "it would never be chosen. Name the most capable "
                        "first");
      machines.push_back(std::move(*resolved));
    }
    for (const ttc::Target &each : machines)
      if (auto chosen = scheduleFor(each); !chosen)
        return report(chosen.takeError());
    machine = std::move(machines.front());
    schedule = llvm::cantFail(scheduleFor(machine));
    otherMachines.assign(std::make_move_iterator(machines.begin() + 1),
                         std::make_move_iterator(machines.end()));
    if (options.forGPU)
      for (const std::string &name : options.gpus) {
        auto gpu = resolveGpu(name);
        if (!gpu)
          return report(gpu.takeError());
        if (options.products != ProductsIn::F32 && !gpu->multipliesMatrices())
          return report("--products other than f32 on a GPU is for sm_80 and "
                        "later, but --gpu-arch names " +
                        name);
        gpu->contracts = options.contracts;
        gpu->keepsSubnormals = options.keepsSubnormals;
        gpus.push_back(std::move(*gpu));
      }
    return success();
  }

  llvm::Expected<Schedule> scheduleFor(const ttc::Target &own) {
    return Schedule::choose(own.unit, own.core, options.schedule);
  }

  /// The schema is that of the model as it was written: a states file of the
  /// model for any batch fits the one that is compiled for its batch.
  LogicalResult measureStates() {
    OwningOpRef<ModuleOp> copy = module->clone();
    PassManager pm(&context);
    addDeclarePasses(pm,
                     {std::nullopt, options.storage, options.weightsStorage});
    if (failed(pm.run(*copy)))
      return failure();
    table.schemaFingerprint = fingerprintStates(*copy);
    return success();
  }

  LogicalResult readTable() {
    auto read = readModelTable(*module);
    if (failed(read))
      return failure();
    if (options.batch)
      read->batch = *options.batch;
    read->schemaFingerprint = table.schemaFingerprint;
    read->modelFingerprint = table.modelFingerprint;
    read->triple = machine.triple;
    read->features = machine.requiredFeatures();
    table = std::move(*read);
    return success();
  }

  LogicalResult makeReport() {
    if (options.report == ReportForm::None)
      return success();
    step = reportStep(*module,
                      options.forCPU
                          ? *schedule
                          : Schedule(VectorUnit::ofThread(options.products ==
                                                          ProductsIn::TF32)),
                      machine.isHost() ? Core::ofHost() : Core());
    if (!options.weightsPath.empty() &&
        (options.products == ProductsIn::BF16 ||
         (*module)->hasAttr(packedStorageAttr))) {
      progress.stage("measuring the weights as they are stored");
      auto stored = measureStoredWeights(
          *module, table, *schedule,
          [&](const ttc_model_descriptor &d) { return prepareWeights(d); });
      if (!stored)
        return report(stored.takeError());
      step->stored = std::move(*stored);
    }
    return success();
  }

  /// In the end, when it is known what became of the kernels.
  LogicalResult printReport() {
    if (!step)
      return success();
    progress.clear();
    if (options.report == ReportForm::JSON)
      llvm::outs() << llvm::formatv("{0:2}\n", step->toJSON());
    else
      llvm::outs() << step->toText();
    return success();
  }

  /// What GPUs run, of a module that is scheduled for them.
  llvm::Expected<DeviceCode> compileForDevice(ModuleOp scheduled,
                                              llvm::LLVMContext &llvmContext) {
    DeviceOptions asked;
    asked.asCubin = options.useCubins || options.emit == Emit::Cubin;
    asked.verbose = options.verbose;
    asked.gpus = gpus;
    asked.measure = step && findPtxas();
    progress.stage("compiling for GPUs");
    auto code =
        compileForGpus(scheduled, table, machine, asked,
                       [&](ModuleOp host, const ModelTable &own) {
                         return translateFor(machine, host, own, llvmContext);
                       });
    if (code && step) {
      step->kernels = code->costs;
      if (llvm::all_of(gpus, std::mem_fn(&GpuTarget::isEmulated)))
        step->kernelsUnknown = "The emulator's kernels take nothing of a GPU.";
      else if (code->costs.empty())
        step->kernelsUnknown =
            "What the kernels take of a GPU is not known: ptxas says it, which "
            "was not found; install CUDA's toolkit, or set CUDA_HOME.";
    }
    return code;
  }

  LogicalResult emitKernelText() {
    llvm::LLVMContext llvmContext;
    auto code = compileForDevice(*module, llvmContext);
    if (!code)
      return report(code.takeError());
    return writeText(code->images.front().bytes);
  }

  /// Adds the code for GPUs; `translated` is null where there is no other.
  LogicalResult addDeviceCode(std::unique_ptr<llvm::Module> &translated,
                              llvm::LLVMContext &llvmContext) {
    OwningOpRef<ModuleOp> scheduled =
        options.forCPU ? nests->clone() : module->clone();
    if (options.forCPU) {
      PassManager pm(&context);
      addGpuSchedulePasses(pm, machine.unit,
                           options.products == ProductsIn::TF32);
      if (failed(pm.run(*scheduled)))
        return failure();
    }
    auto code = compileForDevice(*scheduled, llvmContext);
    if (!code)
      return report(code.takeError());
    auto whole = addDevice(std::move(translated), std::move(code->host),
                           code->images, table, code->numbers);
    if (!whole)
      return report(whole.takeError());
    translated = std::move(*whole);
    return success();
  }

  LogicalResult emitBinary() {
    llvm::LLVMContext llvmContext;
    std::unique_ptr<llvm::Module> translated;
    if (options.forCPU && failed(translateForCPUs(translated, llvmContext)))
      return failure();
    if (options.forGPU && failed(addDeviceCode(translated, llvmContext)))
      return failure();
    if (options.emit == Emit::Executable)
      addMain(*translated);
    progress.stage("writing machine code");
    if (options.saveTemps || options.emit == Emit::LLVM) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      stream << *translated;
      if (options.saveTemps && failed(writeBeside("ll", text)))
        return failure();
      if (options.emit == Emit::LLVM)
        return writeText(text);
    }
    if (options.saveTemps || options.emit == Emit::Assembly) {
      auto copy = llvm::CloneModule(*translated);
      auto text = machineCode(*copy, /*assembly=*/true);
      if (!text)
        return report(text.takeError());
      if (options.saveTemps && failed(writeBeside("s", *text)))
        return failure();
      if (options.emit == Emit::Assembly)
        return writeText(*text);
    }
    auto object = machineCode(*translated, /*assembly=*/false);
    if (!object)
      return report(object.takeError());
    if (options.emit != Emit::Object)
      progress.stage("linking");
    return report(outputs->writeBinary(*object, table, machine));
  }

  /// For the first CPU that was named, and the others as its alternatives.
  LogicalResult translateForCPUs(std::unique_ptr<llvm::Module> &result,
                                 llvm::LLVMContext &llvmContext) {
    auto translated = translateFor(machine, *module, table, llvmContext);
    if (!translated)
      return report(translated.takeError());
    for (const ttc::Target &other : otherMachines) {
      OwningOpRef<ModuleOp> copy = nests->clone();
      PassManager pm(&context);
      addSchedulePasses(pm, llvm::cantFail(scheduleFor(other)),
                        options.threads);
      if (failed(pm.run(*copy)))
        return failure();
      ModelTable own = table;
      own.features = other.requiredFeatures();
      readSizes(*copy, own);
      auto code = translateFor(other, *copy, own, llvmContext);
      if (!code)
        return report(code.takeError());
      if (auto error = addAlternative(**translated, std::move(*code), table))
        return report(std::move(error));
    }
    result = std::move(*translated);
    return success();
  }

  /// A scheduled module as LLVM IR for one machine, optimised.
  llvm::Expected<std::unique_ptr<llvm::Module>>
  translateFor(const ttc::Target &own, ModuleOp scheduled,
               const ModelTable &ownTable, llvm::LLVMContext &llvmContext) {
    std::optional<EmbeddedWeights> embedded;
    if (!options.weightsPath.empty()) {
      progress.stage("preparing the weights");
      auto prepared = runPrepareHere(
          scheduled, ownTable, own.unit,
          [&](const ttc_model_descriptor &d) { return prepareWeights(d); });
      if (!prepared)
        return prepared.takeError();
      embedded = std::move(*prepared);
    }
    progress.stage("lowering to LLVM");
    PassManager pm(&context);
    addLLVMPasses(pm, own.unit);
    if (failed(pm.run(scheduled)))
      return llvm::createStringError("the model could not be lowered to LLVM");
    auto translated = translateToLLVM(scheduled, llvmContext, own, ownTable,
                                      embedded ? &*embedded : nullptr);
    if (!translated)
      return translated.takeError();
    progress.stage("optimising");
    optimize(**translated, own, options.optimizationLevel);
    return translated;
  }

  llvm::Expected<EmbeddedWeights>
  prepareWeights(const ttc_model_descriptor &descriptor) {
    ttc_error error;
    ttc_weights *weights = nullptr;
    ttc_model *model = nullptr;
    auto failed = [&] {
      ttc_weights_close(weights);
      return llvm::createStringError(error.message);
    };
    error.message[0] = '\0';
    if (ttc_weights_open(options.weightsPath.c_str(), &weights, &error))
      return failed();
    if (error.message[0])
      warn(error.message);
    if (ttc_model_create(&descriptor, weights, /*strict=*/1, &model, &error))
      return failed();
    const auto *bytes = static_cast<const uint8_t *>(ttc_model_prepared(model));
    EmbeddedWeights embedded;
    embedded.bytes.assign(bytes, bytes + descriptor.prepared_size);
    embedded.checksum =
        llvm::formatv("{0:x-8}", ttc_model_prepared_checksum(model)).str();
    ttc_model_close(model);
    ttc_weights_close(weights);
    return embedded;
  }

  /// int main(int argc, char **argv) { return ttcRunMain(&descriptor, argc,
  /// argv); }
  void addMain(llvm::Module &translated) {
    llvm::LLVMContext &c = translated.getContext();
    auto *i32 = llvm::Type::getInt32Ty(c);
    auto *pointer = llvm::PointerType::get(c, 0);
    auto *main = llvm::Function::Create(
        llvm::FunctionType::get(i32, {i32, pointer}, false),
        llvm::GlobalValue::ExternalLinkage, "main", translated);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(c, "", main));
    auto callee = translated.getOrInsertFunction(
        "ttcRunMain",
        llvm::FunctionType::get(i32, {pointer, i32, pointer}, false));
    builder.CreateRet(builder.CreateCall(
        callee, {translated.getNamedValue("ttc_model_" + table.name),
                 main->getArg(0), main->getArg(1)}));
  }

  llvm::Expected<std::string> machineCode(llvm::Module &translated,
                                          bool assembly) {
    llvm::SmallVector<char, 0> bytes;
    llvm::raw_svector_ostream stream(bytes);
    if (llvm::Error error =
            emitMachineCode(translated, machine, assembly, stream))
      return error;
    return std::string(bytes.begin(), bytes.end());
  }

  //===--------------------------------------------------------------------===//
  // What is written and said
  //===--------------------------------------------------------------------===//

  std::string moduleText() {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text;
  }

  LogicalResult writeText(StringRef text) {
    return report(outputs->writeText(text));
  }

  LogicalResult writeBeside(StringRef extension, StringRef text) {
    return report(outputs->writeBeside(extension, text));
  }

  void warn(StringRef sentence) {
    progress.clear();
    llvm::errs() << options.weightsPath << ": warning: " << sentence << "\n";
  }
  /// What went wrong, if anything did.
  LogicalResult report(llvm::Error error) {
    if (error)
      return report(toString(std::move(error)));
    return success();
  }
  LogicalResult report(const std::string &sentence) {
    progress.clear();
    llvm::errs() << options.modelPath << ": error: " << sentence << "\n";
    return failure();
  }

  const Options &options;
  MLIRContext &context;
  Progress progress;
  llvm::SourceMgr sources;
  std::unique_ptr<SourceMgrDiagnosticHandler> diagnostics;
  std::optional<ScopedDiagnosticHandler> roomForDiagnostics;
  OwningOpRef<ModuleOp> module;
  std::optional<Outputs> outputs;
  ttc::Target machine;
  std::optional<Schedule> schedule;
  /// Those that code is added for, less and less capable; and what it is made
  /// from.
  std::vector<ttc::Target> otherMachines;
  OwningOpRef<ModuleOp> nests;
  std::vector<GpuTarget> gpus;
  ModelTable table;
  std::optional<StepReport> step; ///< that was asked for
};

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  if (llvm::Error error = readOptions(argc, argv, options)) {
    llvm::errs() << options.modelPath
                 << ": error: " << toString(std::move(error)) << "\n";
    return 1;
  }

  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<TTCDialect>();
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  if (options.onlyCheck)
    return failed(checkModel(options.modelPath, options.checkAsJSON, context));
  return failed(Compilation(options, context).run());
}
