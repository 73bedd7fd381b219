//===- Options.cpp --------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The command line of ttc: its options, and the checks that need no more than
// them.
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "ttc/runtime.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;
using namespace ttc;

namespace {

cl::OptionCategory category("ttc options");

cl::opt<std::string> inputPath(cl::Positional, cl::Required,
                               cl::desc("<model.mlir>"), cl::cat(category));
cl::opt<std::string> outputPath(
    "o", cl::value_desc("file"), cl::cat(category),
    cl::desc("Where to write (default: stdout for text, else a name made "
             "from the model's file)"));
cl::opt<std::string>
    weightsPath("weights", cl::value_desc("file"), cl::cat(category),
                cl::desc("Embed these weights, prepared: .safetensors, "
                         "what torch.save wrote, or the .index.json of "
                         "shards"));
cl::opt<Emit> emit(
    "emit", cl::desc("What to write"), cl::init(Emit::Shared),
    cl::cat(category),
    cl::values(
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
cl::opt<std::string>
    target("target", cl::init("cpu"), cl::cat(category),
           cl::desc("cpu (default), nvptx, or cpu,nvptx for both in one file"));
cl::opt<std::string> gpuArchitectures(
    "gpu-arch", cl::cat(category),
    cl::desc("Architectures of GPUs, separated by commas (sm_80,sm_90; of PTX "
             "or a cubin one: sm_80): one image each, and a GPU takes the best "
             "that it can run"));
cl::opt<bool>
    useCubins("gpu-cubin", cl::cat(category),
              cl::desc("Put what ptxas makes of the PTX into the binary: "
                       "loaded sooner, by that architecture alone"));
cl::opt<bool> contracts(
    "gpu-contract", cl::cat(category),
    cl::desc("Let a GPU make a product and a sum in one operation, which "
             "rounds once: other bits than the CPU's"));
cl::opt<bool> keepsSubnormals(
    "gpu-subnormals", cl::cat(category),
    cl::desc("Keep numbers of f32 below 1.2e-38 on GPUs, which are zero "
             "otherwise, as on CPUs"));
cl::opt<std::string> triple("triple",
                            cl::desc("Target triple (default: this machine's)"),
                            cl::cat(category));
cl::opt<std::string>
    cpu("mcpu", cl::init("native"), cl::cat(category),
        cl::desc("CPU to compile for: native (default), v2, v3, v4 for the "
                 "levels of x86-64, or any name that LLVM knows; several, "
                 "separated by commas, the most capable first, go into one "
                 "binary, which chooses when it is loaded"));
cl::opt<std::string> batchOption(
    "batch", cl::init("model"), cl::cat(category),
    cl::desc("A number to fix the batch, or 'dynamic'; default: as the "
             "model says"));
cl::opt<std::string>
    storage("storage", cl::cat(category),
            cl::desc("bf16 or f16: keep states and packed weights in 16 "
                     "bits; arithmetic stays f32"));
cl::opt<std::string> weightsStorage(
    "weights-storage", cl::cat(category),
    cl::desc("bf16, f16, or int8 with a scale for each output feature: "
             "keep packed weights alone so; arithmetic stays f32"));
cl::opt<std::string> products(
    "products", cl::init("f32"), cl::cat(category),
    cl::desc(
        "bf16: round what products with matrices multiply, inputs and "
        "weights, to bf16 and sum in f32: up to twice as fast where the CPU "
        "multiplies pairs of bf16 (AVX-512 BF16), or matrices (AMX), and more "
        "on a GPU; tf32: on a GPU alone, round them to ten bits of the "
        "fraction"));
/// LLVM has an option of this name for tools of its own.
const bool isThreadsFree = [] {
  if (auto *option = cl::getRegisteredOptions().lookup("threads"))
    option->removeArgument();
  return true;
}();
cl::opt<unsigned> threads("threads", cl::init(1), cl::value_desc("N"),
                          cl::desc("Let up to N threads share a timestep (1)"),
                          cl::cat(category));
cl::opt<char> optimization("O", cl::Prefix, cl::init('3'),
                           cl::desc("Optimisation level, 0 to 3"),
                           cl::cat(category));
cl::opt<std::string> scheduleText(
    "schedule", cl::value_desc("key=value,..."), cl::cat(category),
    cl::desc("Lay the timestep out by these numbers in place of those "
             "that were chosen, which --report names"));
cl::opt<ReportForm> reportAs(
    "report", cl::ValueOptional, cl::init(ReportForm::None), cl::cat(category),
    cl::desc("Print, layer by layer, what a timestep reads and computes, "
             "what bounds it, and by which scheme it is computed"),
    cl::values(clEnumValN(ReportForm::Text, "", ""),
               clEnumValN(ReportForm::Text, "text", "a table (default)"),
               clEnumValN(ReportForm::JSON, "json", "the same as JSON")));
cl::opt<bool> saveTemps("save-temps", cl::cat(category),
                        cl::desc("Also write every level beside the output"));
cl::opt<bool> verbose("v", cl::desc("Say what is run"), cl::cat(category));

cl::SubCommand checkCommand("check",
                            "Report every finding about a model at once");
cl::opt<std::string> checkedPath(cl::Positional, cl::Required,
                                 cl::desc("<model.mlir>"),
                                 cl::sub(checkCommand), cl::cat(category));
cl::opt<bool> asJSON("json", cl::desc("Print findings as JSON"),
                     cl::sub(checkCommand), cl::cat(category));

} // namespace

static std::vector<std::string> namesIn(StringRef list) {
  SmallVector<StringRef> names;
  list.split(names, ',');
  return {names.begin(), names.end()};
}

static Error readTargets(Options &options) {
  for (const std::string &name : namesIn(target)) {
    if (name != "cpu" && name != "nvptx")
      return createStringError("there is no target '" + name +
                               "': --target takes cpu, nvptx or cpu,nvptx");
    (name == "cpu" ? options.forCPU : options.forGPU) = true;
  }
  return Error::success();
}

/// What would say nothing, since there is no code for a CPU.
static Error checkWithoutCPU(const Options &options) {
  if (options.cpus.size() > 1)
    return createStringError(
        "--mcpu names several CPUs, but with --target=nvptx a CPU prepares the "
        "weights and no more: name one, or compile with --target=cpu,nvptx");
  if (options.threads > 1)
    return createStringError(
        "--threads is for CPUs, but --target=nvptx was given");
  if (!options.schedule.empty())
    return createStringError(
        "--schedule is for CPUs, but --target=nvptx was given: leave it out, "
        "or compile with --target=cpu,nvptx");
  return Error::success();
}

/// What would say nothing, since there is no code for a GPU.
static Error checkWithoutGPU() {
  const cl::Option *forGPUs[] = {&gpuArchitectures, &useCubins, &contracts,
                                 &keepsSubnormals};
  for (const cl::Option *option : forGPUs)
    if (option->getNumOccurrences())
      return createStringError("--" + option->ArgStr +
                               " is for GPUs, but the target is cpu: leave it "
                               "out, or compile with --target=nvptx or "
                               "cpu,nvptx");
  return Error::success();
}

static Error checkTargets(const Options &options) {
  bool isKernels = options.emit == Emit::PTX || options.emit == Emit::Cubin;
  if (isKernels && (options.forCPU || !options.forGPU))
    return createStringError(
        "--emit=ptx and --emit=cubin are for --target=nvptx");
  if (isKernels && options.gpus.size() > 1)
    return createStringError("--gpu-arch names several architectures, which "
                             "only a binary has room for: name one");
  if (options.emit == Emit::PTX && options.useCubins)
    return createStringError("--gpu-cubin is for binaries, but --emit=ptx was "
                             "given: leave it out, or emit cubin");
  if (llvm::is_contained(options.gpus, "emulated") &&
      (isKernels || options.useCubins || options.contracts ||
       options.keepsSubnormals))
    return createStringError(
        "--gpu-arch=emulated makes a library for the emulator, neither PTX nor "
        "a cubin: leave out --gpu-cubin, --gpu-contract and --gpu-subnormals, "
        "and emit a binary");
  if (!options.forCPU)
    return checkWithoutCPU(options);
  if (!options.forGPU)
    return checkWithoutGPU();
  return Error::success();
}

static Error readProducts(Options &options) {
  auto asked = llvm::StringSwitch<std::optional<ProductsIn>>(products)
                   .Case("f32", ProductsIn::F32)
                   .Case("tf32", ProductsIn::TF32)
                   .Case("bf16", ProductsIn::BF16)
                   .Default(std::nullopt);
  if (!asked)
    return createStringError("--products takes f32, tf32 or bf16, but '" +
                             products + "' was given");
  options.products = *asked;
  if (asked == ProductsIn::TF32 && !options.forGPU)
    return createStringError(
        "--products=tf32 is for GPUs, but the target is cpu: leave it out, or "
        "compile with --target=nvptx or cpu,nvptx");
  StringRef weights =
      options.weightsStorage.empty() ? options.storage : options.weightsStorage;
  if (asked == ProductsIn::BF16 && (weights == "f16" || weights == "int8"))
    return createStringError(
        "--products=bf16 rounds weights to bf16, but they are to be stored "
        "as " +
        weights + ": leave out one of the two");
  return Error::success();
}

static Error readNumbers(Options &options) {
  if (optimization < '0' || optimization > '3')
    return createStringError("the optimisation level is 0 to 3, but -O" +
                             Twine(optimization) + " was asked for");
  options.optimizationLevel = optimization - '0';
  constexpr unsigned mostThreads = 64;
  if (threads < 1 || threads > mostThreads)
    return createStringError("--threads takes a number from 1 to " +
                             Twine(mostThreads) + ", but " + Twine(threads) +
                             " was given");
  return Error::success();
}

static Error checkOutputs(const Options &options) {
  bool isText = options.emit < Emit::Object || options.emit > Emit::Executable;
  if (options.report != ReportForm::None && isText &&
      (options.outputPath.empty() || options.outputPath == "-"))
    return createStringError("--report prints on stdout, where this --emit "
                             "writes too: give it a file with -o");
  if (!options.weightsPath.empty() && !options.emitsCode())
    return createStringError(
        "--weights embeds weights into code, which this --emit does not write: "
        "leave it out, or emit llvm, asm, obj, lib, shared or exe");
  if (options.cpus.size() > 1 && !options.emitsCode())
    return createStringError(
        "--mcpu names several CPUs, which only a binary has room for: name "
        "one, or emit llvm, asm, obj, lib, shared or exe");
  return Error::success();
}

static Error readBatch(Options &options) {
  if (batchOption == "model")
    return Error::success();
  options.wantsDynamicBatch = batchOption == "dynamic";
  if (options.wantsDynamicBatch)
    return Error::success();
  int64_t value;
  if (!to_integer(batchOption, value) || value < 1)
    return createStringError(
        "--batch takes 'dynamic' or a number from 1, but '" + batchOption +
        "' was given");
  options.batch = value;
  return Error::success();
}

Error ttc::readOptions(int argc, char **argv, Options &options) {
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](raw_ostream &out) {
    out << "ttc " << ttc_version() << " (ABI " << TTC_ABI_VERSION << ", LLVM "
        << LLVM_VERSION_STRING << ")\n";
  });
  cl::ParseCommandLineOptions(
      argc, argv, "ttc: compiles networks that remember into native code\n");

  options.onlyCheck = bool(checkCommand);
  options.checkAsJSON = asJSON;
  options.modelPath = checkCommand ? checkedPath : inputPath;
  if (options.onlyCheck)
    return Error::success();
  options.outputPath = outputPath;
  options.weightsPath = weightsPath;
  options.emit = emit;
  options.report = reportAs;
  options.saveTemps = saveTemps;
  options.verbose = verbose;
  options.triple = triple;
  options.cpus = namesIn(cpu);
  bool hasRoomForOne = emit == Emit::PTX || emit == Emit::Cubin;
  options.gpus = namesIn(!gpuArchitectures.empty() ? StringRef(gpuArchitectures)
                         : hasRoomForOne           ? "sm_80"
                                                   : "sm_80,sm_90");
  options.useCubins = useCubins;
  options.contracts = contracts;
  options.keepsSubnormals = keepsSubnormals;
  options.storage = storage;
  options.weightsStorage = weightsStorage;
  options.threads = threads;
  options.schedule = scheduleText;
  for (auto read : {readTargets, readProducts, readNumbers, readBatch})
    if (Error error = read(options))
      return error;
  if (Error error = checkTargets(options))
    return error;
  return checkOutputs(options);
}
