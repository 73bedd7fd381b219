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
#include "Linker.h"
#include "ModelFile.h"
#include "Progress.h"
#include "codegen/Pipelines.h"
#include "codegen/Report.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"
#include "ttc/runtime.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace ttc;

namespace {

enum class Emit {
  Model,
  Declared,
  Expanded,
  Threaded,
  Nests,
  Scheduled,
  LLVM,
  Assembly,
  Object,
  Library,
  Shared,
  Executable,
  Header,
  JSON,
  PTX,
  Cubin
};

llvm::cl::OptionCategory category("ttc options");

llvm::cl::opt<std::string> inputPath(llvm::cl::Positional, llvm::cl::Required,
                                     llvm::cl::desc("<model.mlir>"),
                                     llvm::cl::cat(category));
llvm::cl::opt<std::string> outputPath(
    "o", llvm::cl::value_desc("file"), llvm::cl::cat(category),
    llvm::cl::desc("Where to write (default: stdout for text, else a name made "
                   "from the model's file)"));
llvm::cl::opt<std::string>
    weightsPath("weights", llvm::cl::value_desc("file"),
                llvm::cl::cat(category),
                llvm::cl::desc("Embed these weights, prepared: .safetensors, "
                               "what torch.save wrote, or the .index.json of "
                               "shards"));
llvm::cl::opt<Emit> emit(
    "emit", llvm::cl::desc("What to write"), llvm::cl::init(Emit::Shared),
    llvm::cl::cat(category),
    llvm::cl::values(
        clEnumValN(Emit::Model, "model", "level 1: the model, as read"),
        clEnumValN(Emit::Declared, "declared",
                   "level 2: params and states by name"),
        clEnumValN(Emit::Expanded, "expanded",
                   "level 3: reads, arithmetic, writes"),
        clEnumValN(Emit::Threaded, "threaded", "level 4: a pure function"),
        clEnumValN(Emit::Nests, "nests", "level 4, fused: one nest a layer"),
        clEnumValN(Emit::Scheduled, "scheduled", "level 5: loops over vectors"),
        clEnumValN(Emit::LLVM, "llvm", "level 6: LLVM IR, optimised"),
        clEnumValN(Emit::Assembly, "asm", "assembly"),
        clEnumValN(Emit::Object, "obj", "an object, and its header"),
        clEnumValN(Emit::Library, "lib", "a static library, and its header"),
        clEnumValN(Emit::Shared, "shared",
                   "a shared library, and its header (default)"),
        clEnumValN(Emit::Executable, "exe",
                   "a program with the options of ttc-run"),
        clEnumValN(Emit::Header, "header", "the C header alone"),
        clEnumValN(Emit::JSON, "json",
                   "the table of inputs, outputs, params, states"),
        clEnumValN(Emit::PTX, "ptx", "the kernels of --target=nvptx"),
        clEnumValN(Emit::Cubin, "cubin", "the same, assembled by ptxas")));
llvm::cl::opt<std::string> target(
    "target", llvm::cl::init("cpu"), llvm::cl::cat(category),
    llvm::cl::desc("cpu (default), nvptx, or cpu,nvptx for both in one file"));
llvm::cl::opt<std::string> gpuArchitectures(
    "gpu-arch", llvm::cl::init("sm_80"), llvm::cl::cat(category),
    llvm::cl::desc("Architectures of GPUs, separated by commas (sm_80): one "
                   "image each, and a GPU takes the best that it can run"));
llvm::cl::opt<bool>
    useCubins("gpu-cubin", llvm::cl::cat(category),
              llvm::cl::desc("Put what ptxas makes of the PTX into the binary: "
                             "loaded sooner, by that architecture alone"));
llvm::cl::opt<std::string>
    triple("triple", llvm::cl::desc("Target triple (default: this machine's)"),
           llvm::cl::cat(category));
llvm::cl::opt<std::string> cpu(
    "mcpu", llvm::cl::init("native"), llvm::cl::cat(category),
    llvm::cl::desc("CPU to compile for: native (default), v2, v3, v4 for the "
                   "levels of x86-64, or any name that LLVM knows; several, "
                   "separated by commas, the most capable first, go into one "
                   "binary, which chooses when it is loaded"));
llvm::cl::opt<std::string> batchOption(
    "batch", llvm::cl::init("model"), llvm::cl::cat(category),
    llvm::cl::desc("A number to fix the batch, or 'dynamic'; default: as the "
                   "model says"));
llvm::cl::opt<std::string>
    storage("storage", llvm::cl::cat(category),
            llvm::cl::desc("bf16 or f16: keep states and packed weights in 16 "
                           "bits; arithmetic stays f32"));
llvm::cl::opt<std::string> weightsStorage(
    "weights-storage", llvm::cl::cat(category),
    llvm::cl::desc("bf16, f16, or int8 with a scale for each output feature: "
                   "keep packed weights alone so; arithmetic stays f32"));
/// LLVM has an option of this name for tools of its own.
const bool isThreadsFree = [] {
  if (auto *option = llvm::cl::getRegisteredOptions().lookup("threads"))
    option->removeArgument();
  return true;
}();
llvm::cl::opt<unsigned>
    threads("threads", llvm::cl::init(1), llvm::cl::value_desc("N"),
            llvm::cl::desc("Let up to N threads share a timestep (1)"),
            llvm::cl::cat(category));
llvm::cl::opt<char> optimization("O", llvm::cl::Prefix, llvm::cl::init('3'),
                                 llvm::cl::desc("Optimisation level, 0 to 3"),
                                 llvm::cl::cat(category));
llvm::cl::opt<std::string> scheduleText(
    "schedule", llvm::cl::value_desc("key=value,..."), llvm::cl::cat(category),
    llvm::cl::desc("Lay the timestep out by these numbers in place of those "
                   "that were chosen, which --report names"));
enum class Report { None, Text, JSON };
llvm::cl::opt<Report> reportAs(
    "report", llvm::cl::ValueOptional, llvm::cl::init(Report::None),
    llvm::cl::cat(category),
    llvm::cl::desc("Print, layer by layer, what a timestep reads and computes, "
                   "what bounds it, and by which scheme it is computed"),
    llvm::cl::values(clEnumValN(Report::Text, "", ""),
                     clEnumValN(Report::Text, "text", "a table (default)"),
                     clEnumValN(Report::JSON, "json", "the same as JSON")));
llvm::cl::opt<bool>
    saveTemps("save-temps", llvm::cl::cat(category),
              llvm::cl::desc("Also write every level beside the output"));
llvm::cl::opt<bool> verbose("v", llvm::cl::desc("Say what is run"),
                            llvm::cl::cat(category));

/// One compilation, from file to file. Its methods report on stderr and return
/// failure.
class Compilation {
public:
  explicit Compilation(MLIRContext &context)
      : context(context), progress("ttc " + inputPath) {}

  LogicalResult run() {
    progress.stage("reading the model");
    if (failed(checkOptions()) || failed(parse()))
      return failure();
    table.modelFingerprint = fingerprintModel(*module);
    if (emit == Emit::Model)
      return writeIR();
    if (failed(measureStates()))
      return failure();

    if (failed(resolveTargets()))
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
           addDeclarePasses(pm, {batch, storage, weightsStorage});
         }},
        {Emit::Expanded, "expanded", "expanding the layers", addExpandPasses},
        {Emit::Threaded, "threaded", "threading the states", addThreadPasses},
        {Emit::Nests, "nests", "fusing the timestep",
         [&](OpPassManager &pm) { addFusePasses(pm, *schedule); }},
        {Emit::Scheduled, "scheduled", "scheduling the loops",
         [&](OpPassManager &pm) {
           if (forCPU)
             addSchedulePasses(pm, *schedule, threads);
           else
             addGpuSchedulePasses(pm, machine.unit);
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
        if (failed(printReport()))
          return failure();
        if (!otherMachines.empty() || forGPU)
          nests = module->clone();
      }
      if (saveTemps && failed(saveIR(stage.name)))
        return failure();
      if (emit == stage.level)
        return writeIR();
    }
    readSizes(*module, table);
    if (emit == Emit::JSON)
      return writeText(llvm::formatv("{0:2}\n", table.toJSON()).str());
    if (emit == Emit::Header)
      return writeText(emitHeader(table, stem()));
    if (emit == Emit::PTX || emit == Emit::Cubin)
      return emitKernelText();
    return emitBinary();
  }

private:
  //===--------------------------------------------------------------------===//
  // The stages
  //===--------------------------------------------------------------------===//

  LogicalResult checkOptions() {
    llvm::SmallVector<StringRef> targets;
    StringRef(target).split(targets, ',');
    for (StringRef name : targets) {
      if (name != "cpu" && name != "nvptx")
        return report("there is no target '" + name.str() +
                      "': --target takes cpu, nvptx or cpu,nvptx");
      (name == "cpu" ? forCPU : forGPU) = true;
    }
    if ((emit == Emit::PTX || emit == Emit::Cubin) && (forCPU || !forGPU))
      return report("--emit=ptx and --emit=cubin are for --target=nvptx");
    if (forGPU && weightsStorage == "int8")
      return report("--weights-storage=int8 is for CPUs: GPUs read f32, bf16 "
                    "or f16");
    if (!forCPU && threads > 1)
      return report("--threads is for CPUs, but --target=nvptx was given");
    if (optimization < '0' || optimization > '3')
      return report("the optimisation level is 0 to 3, but -O" +
                    std::string(1, optimization) + " was asked for");
    constexpr unsigned mostThreads = 64;
    if (threads < 1 || threads > mostThreads)
      return report("--threads takes a number from 1 to " +
                    std::to_string(mostThreads) + ", but " +
                    std::to_string(threads) + " was given");
    bool isText = emit < Emit::Object || emit > Emit::Executable;
    if (reportAs != Report::None && isText &&
        (outputPath.empty() || outputPath == "-"))
      return report("--report prints on stdout, where this --emit writes too: "
                    "give it a file with -o");
    bool isBinary = emit >= Emit::LLVM && emit <= Emit::Executable;
    if (!weightsPath.empty() && !isBinary)
      return report(
          "--weights embeds weights into code, which this --emit does "
          "not write: leave it out, or emit llvm, asm, obj, lib, "
          "shared or exe");
    if (batchOption != "model" && batchOption != "dynamic") {
      int64_t value;
      if (!llvm::to_integer(batchOption, value) || value < 1)
        return report("--batch takes 'dynamic' or a number from 1, but '" +
                      batchOption + "' was given");
      batch = value;
    }
    return success();
  }

  LogicalResult parse() {
    if (failed(readModelText(inputPath, sources)))
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
    bool isDynamic = llvm::any_of(model.getArgumentTypes(), [](Type type) {
      return !cast<RankedTensorType>(type).hasStaticShape();
    });
    if (batchOption == "dynamic" && !isDynamic)
      return model.emitError()
             << "the model @" << model.getSymName()
             << " has no dynamic batch: every input has a static shape, and "
                "--batch=dynamic cannot free it";
    return success();
  }

  LogicalResult resolveTargets() {
    TargetOptions options;
    options.triple = triple;
    options.optimizationLevel = optimization - '0';
    llvm::SmallVector<StringRef> names;
    StringRef(cpu).split(names, ',');
    bool isBinary = emit >= Emit::LLVM && emit <= Emit::Executable;
    if (names.size() > 1 && !isBinary)
      return report("--mcpu names several CPUs, which only a binary has room "
                    "for: name one, or emit llvm, asm, obj, lib, shared or "
                    "exe");
    std::vector<ttc::Target> machines;
    for (StringRef name : names) {
      options.cpu = name.str();
      auto resolved = resolveTarget(options);
      if (!resolved)
        return report(resolved.takeError());
      for (const ttc::Target &better : machines)
        if (better.runsWherever(*resolved))
          return report("--mcpu names " + name.str() +
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
    return success();
  }

  static llvm::Expected<Schedule> scheduleFor(const ttc::Target &own) {
    return Schedule::choose(own.unit, own.core, scheduleText);
  }

  /// The schema is that of the model as it was written: a states file of the
  /// model for any batch fits the one that is compiled for its batch.
  LogicalResult measureStates() {
    OwningOpRef<ModuleOp> copy = module->clone();
    PassManager pm(&context);
    addDeclarePasses(pm, {std::nullopt, storage, weightsStorage});
    if (failed(pm.run(*copy)))
      return failure();
    table.schemaFingerprint = fingerprintStates(*copy);
    return success();
  }

  LogicalResult readTable() {
    auto read = readModelTable(*module);
    if (failed(read))
      return failure();
    if (batch)
      read->batch = *batch;
    read->schemaFingerprint = table.schemaFingerprint;
    read->modelFingerprint = table.modelFingerprint;
    read->triple = machine.triple;
    read->features = machine.requiredFeatures();
    table = std::move(*read);
    return success();
  }

  LogicalResult printReport() {
    if (reportAs == Report::None)
      return success();
    StepReport step = reportStep(*module, *schedule,
                                 machine.isHost() ? Core::ofHost() : Core());
    if (!weightsPath.empty() && (*module)->hasAttr(packedStorageAttr)) {
      progress.stage("measuring the weights as they are stored");
      auto stored = measureStoredWeights(
          *module, table, *schedule,
          [&](const ttc_model_descriptor &d) { return prepareWeights(d); });
      if (!stored)
        return report(stored.takeError());
      step.stored = std::move(*stored);
    }
    progress.clear();
    if (reportAs == Report::JSON)
      llvm::outs() << llvm::formatv("{0:2}\n", step.toJSON());
    else
      llvm::outs() << step.toText();
    return success();
  }

  /// What GPUs run, of a module that is scheduled for them.
  llvm::Expected<DeviceCode> compileForDevice(ModuleOp scheduled,
                                              llvm::LLVMContext &llvmContext) {
    DeviceOptions options;
    options.asCubin = useCubins || emit == Emit::Cubin;
    options.verbose = verbose;
    llvm::SmallVector<StringRef> names;
    StringRef(gpuArchitectures).split(names, ',');
    for (StringRef name : names) {
      auto gpu = resolveGpu(name);
      if (!gpu)
        return gpu.takeError();
      options.gpus.push_back(std::move(*gpu));
    }
    progress.stage("compiling for GPUs");
    return compileForGpus(scheduled, table, machine, options,
                          [&](ModuleOp host, const ModelTable &own) {
                            return translateFor(machine, host, own,
                                                llvmContext);
                          });
  }

  LogicalResult emitKernelText() {
    llvm::LLVMContext llvmContext;
    auto code = compileForDevice(*module, llvmContext);
    if (!code)
      return report(code.takeError());
    if (code->images.size() > 1)
      return report("--gpu-arch names several architectures, which only a "
                    "binary has room for: name one");
    return writeText(code->images.front().bytes);
  }

  /// Adds the code for GPUs; `translated` is null where there is no other.
  LogicalResult addDeviceCode(std::unique_ptr<llvm::Module> &translated,
                              llvm::LLVMContext &llvmContext) {
    OwningOpRef<ModuleOp> scheduled = forCPU ? nests->clone() : module->clone();
    if (forCPU) {
      PassManager pm(&context);
      addGpuSchedulePasses(pm, machine.unit);
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
    if (forCPU && failed(translateForCPUs(translated, llvmContext)))
      return failure();
    if (forGPU && failed(addDeviceCode(translated, llvmContext)))
      return failure();
    if (emit == Emit::Executable)
      addMain(*translated);
    progress.stage("writing machine code");
    if (saveTemps || emit == Emit::LLVM) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      stream << *translated;
      if (saveTemps && failed(writeFile(besideOutput("ll"), text)))
        return failure();
      if (emit == Emit::LLVM)
        return writeText(text);
    }
    if (saveTemps || emit == Emit::Assembly) {
      auto copy = llvm::CloneModule(*translated);
      auto text = machineCode(*copy, /*assembly=*/true);
      if (!text)
        return report(text.takeError());
      if (saveTemps && failed(writeFile(besideOutput("s"), *text)))
        return failure();
      if (emit == Emit::Assembly)
        return writeText(*text);
    }
    auto object = machineCode(*translated, /*assembly=*/false);
    if (!object)
      return report(object.takeError());
    return writeBinary(*object);
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
      addSchedulePasses(pm, llvm::cantFail(scheduleFor(other)), threads);
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
    if (!weightsPath.empty()) {
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
    optimize(**translated, own, optimization - '0');
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
    if (ttc_weights_open(weightsPath.c_str(), &weights, &error))
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
  // Files
  //===--------------------------------------------------------------------===//

  std::string stem() {
    StringRef path = outputPath.empty() ? inputPath : outputPath;
    StringRef name = llvm::sys::path::stem(path);
    name.consume_front("lib");
    return name.empty() || name == "-" ? table.name : name.str();
  }

  /// The output's path, made from the model's file where none was given.
  std::string binaryPath() {
    if (!outputPath.empty())
      return outputPath;
    switch (emit) {
    case Emit::Object:
      return stem() + ".o";
    case Emit::Library:
      return "lib" + stem() + ".a";
    case Emit::Executable:
      return stem();
    default:
      return "lib" + stem() + ".so";
    }
  }

  std::string besideOutput(StringRef extension) {
    llvm::SmallString<128> path(llvm::sys::path::parent_path(binaryPath()));
    llvm::sys::path::append(path, stem() + "." + extension);
    return path.str().str();
  }

  LogicalResult writeBinary(StringRef object) {
    std::string path = binaryPath();
    if (emit == Emit::Object) {
      if (failed(writeFile(path, object)))
        return failure();
    } else {
      llvm::SmallString<128> objectPath, linkedPath;
      if (auto error =
              llvm::sys::fs::createTemporaryFile("ttc", "o", objectPath))
        return report("no temporary file could be made: " + error.message());
      llvm::FileRemover removeObject(objectPath);
      if (failed(writeFile(objectPath, object)))
        return failure();
      // Linked under a temporary name in the same directory, then renamed:
      // whoever has the old file open keeps it, and nobody sees half of the new
      // one.
      if (auto error =
              llvm::sys::fs::createUniqueFile(path + ".%%%%%%.tmp", linkedPath))
        return report("'" + path + "' cannot be written: " + error.message());
      llvm::FileRemover removeLinked(linkedPath);
      progress.stage("linking");
      if (llvm::Error error = link(objectPath, linkedPath, path))
        return report(std::move(error));
      if (auto error = llvm::sys::fs::rename(linkedPath, path))
        return report("'" + path + "' cannot be written: " + error.message());
      removeLinked.releaseFile();
      if (emit == Emit::Executable)
        return success();
    }
    return writeFile(besideOutput("h"), emitHeader(table, stem()));
  }

  llvm::Error link(StringRef object, StringRef linked, StringRef path) {
    LinkOptions options;
    options.triple = machine.triple;
    options.isHost = machine.isHost();
    options.modelName = table.name;
    options.soname = llvm::sys::path::filename(path).str();
    options.verbose = verbose;
    if (emit == Emit::Library)
      return writeStaticLibrary(object, stem() + ".o", linked);
    if (emit == Emit::Shared)
      return linkSharedLibrary(object, linked, options);
    std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
    llvm::SmallString<128> directory(
        llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
    llvm::sys::path::append(directory, "lib");
    std::vector<std::string> libraries;
    for (StringRef name : {"libttc_run_main.a", "libttc_runtime.a"}) {
      llvm::SmallString<128> library(directory);
      llvm::sys::path::append(library, name);
      if (!llvm::sys::fs::exists(library))
        return llvm::createStringError(
            "'" + library +
            "' was not found: a program is linked with the "
            "runtime, which is built beside ttc");
      libraries.push_back(library.str().str());
    }
    return linkExecutable(object, libraries, linked, options);
  }

  LogicalResult writeText(StringRef text) {
    if (outputPath.empty() || outputPath == "-") {
      llvm::outs() << text;
      return success();
    }
    return writeFile(outputPath, text);
  }

  LogicalResult writeIR() {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return writeText(text);
  }

  LogicalResult saveIR(StringRef level) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return writeFile(besideOutput((level + ".mlir").str()), text);
  }

  /// Through a temporary name and a rename.
  LogicalResult writeFile(StringRef path, StringRef bytes) {
    llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
      out << bytes;
      return llvm::Error::success();
    });
    if (error)
      return report("'" + path.str() +
                    "' cannot be written: " + toString(std::move(error)));
    return success();
  }

  void warn(StringRef sentence) {
    progress.clear();
    llvm::errs() << weightsPath << ": warning: " << sentence << "\n";
  }
  LogicalResult report(llvm::Error error) {
    return report(toString(std::move(error)));
  }
  LogicalResult report(const std::string &sentence) {
    progress.clear();
    llvm::errs() << inputPath << ": error: " << sentence << "\n";
    return failure();
  }

  MLIRContext &context;
  Progress progress;
  llvm::SourceMgr sources;
  std::unique_ptr<SourceMgrDiagnosticHandler> diagnostics;
  std::optional<ScopedDiagnosticHandler> roomForDiagnostics;
  OwningOpRef<ModuleOp> module;
  std::optional<int64_t> batch;
  bool forCPU = false, forGPU = false;
  ttc::Target machine;
  std::optional<Schedule> schedule;
  /// Those that code is added for, less and less capable; and what it is made
  /// from.
  std::vector<ttc::Target> otherMachines;
  OwningOpRef<ModuleOp> nests;
  ModelTable table;
};

llvm::cl::SubCommand checkCommand("check",
                                  "Report every finding about a model at once");
llvm::cl::opt<std::string> checkedPath(llvm::cl::Positional, llvm::cl::Required,
                                       llvm::cl::desc("<model.mlir>"),
                                       llvm::cl::sub(checkCommand),
                                       llvm::cl::cat(category));
llvm::cl::opt<bool> asJSON("json", llvm::cl::desc("Print findings as JSON"),
                           llvm::cl::sub(checkCommand),
                           llvm::cl::cat(category));

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &out) {
    out << "ttc " << ttc_version() << " (ABI " << TTC_ABI_VERSION << ", LLVM "
        << LLVM_VERSION_STRING << ")\n";
  });
  llvm::cl::ParseCommandLineOptions(
      argc, argv, "ttc: compiles networks that remember into native code\n");

  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<TTCDialect>();
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  if (checkCommand)
    return failed(checkModel(checkedPath, asJSON, context));
  return failed(Compilation(context).run());
}
