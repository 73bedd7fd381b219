//===- Target.cpp ---------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resolves a CPU by name, and reads off it what the schedule needs.
//
//===----------------------------------------------------------------------===//

#include "codegen/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace ttc;

static void initializeTargets() {
  static bool once = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    return true;
  }();
  (void)once;
}

static std::string hostFeatures() {
  SubtargetFeatures features;
  for (auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

/// The features that decide whether code runs at all, of those the target has.
static ArrayRef<StringLiteral> decidingFeatures(const Triple &triple) {
  // Whatever LLVM may use of its own accord; the runtime can ask for each.
  static constexpr StringLiteral x86[] = {"sse4.1",
                                          "sse4.2",
                                          "popcnt",
                                          "lzcnt",
                                          "movbe",
                                          "sse4a",
                                          "xop",
                                          "fma4",
                                          "tbm",
                                          "avx",
                                          "avx2",
                                          "fma",
                                          "f16c",
                                          "bmi",
                                          "bmi2",
                                          "adx",
                                          "gfni",
                                          "vaes",
                                          "vpclmulqdq",
                                          "avxvnni",
                                          "avxifma",
                                          "avxvnniint8",
                                          "avxneconvert",
                                          "avxvnniint16",
                                          "avx512f",
                                          "avx512bw",
                                          "avx512cd",
                                          "avx512dq",
                                          "avx512vl",
                                          "avx512ifma",
                                          "avx512vbmi",
                                          "avx512vbmi2",
                                          "avx512vnni",
                                          "avx512bitalg",
                                          "avx512vpopcntdq",
                                          "avx512bf16",
                                          "avx512fp16",
                                          "avx512vp2intersect"};
  static constexpr StringLiteral riscv[] = {"m", "a", "f", "d", "c", "v"};
  static constexpr StringLiteral arm[] = {"neon"};
  if (triple.isX86())
    return x86;
  if (triple.isRISCV())
    return riscv;
  return arm;
}

static constexpr StringLiteral matrixFeatures[] = {"amx-tile", "amx-bf16"};

static VectorUnit vectorUnitOf(const Triple &triple,
                               const MCSubtargetInfo &info) {
  auto has = [&](StringRef feature) {
    return info.checkFeatures(("+" + feature).str());
  };
  if (triple.isX86()) {
    if (has("avx512f") && has("avx512vl"))
      return {16,
              32,
              true,
              /*isGPU=*/false,
              has("avx512bf16"),
              llvm::all_of(matrixFeatures, has),
              /*hasScale=*/true};
    if (has("avx2"))
      return {8, 16, has("fma")};
    return {4, 16, has("fma")};
  }
  // NEON, and vectors of at least 128 bits on RISC-V.
  return {4, 32, true};
}

std::string ttc::Target::requiredFeatures() const {
  std::vector<StringRef> required;
  const MCSubtargetInfo *info = machine->getMCSubtargetInfo();
  for (StringRef feature : decidingFeatures(Triple(triple)))
    if (info->checkFeatures(("+" + feature).str()))
      required.push_back(feature);
  if (unit.hasMatrices)
    llvm::append_range(required, matrixFeatures);
  return join(required, ",");
}

bool ttc::Target::runsWherever(const Target &other) const {
  std::string own = requiredFeatures(), others = other.requiredFeatures();
  SmallVector<StringRef> needed, given;
  StringRef(own).split(needed, ',', -1, /*KeepEmpty=*/false);
  StringRef(others).split(given, ',', -1, /*KeepEmpty=*/false);
  return llvm::all_of(needed, [&](StringRef feature) {
    return llvm::is_contained(given, feature);
  });
}

bool ttc::Target::isHost() const {
  return Triple(triple).getArch() == Triple(sys::getProcessTriple()).getArch();
}

Expected<ttc::Target> ttc::resolveTarget(const TargetOptions &options) {
  initializeTargets();
  ttc::Target target;
  target.triple = Triple::normalize(
      options.triple.empty() ? sys::getDefaultTargetTriple() : options.triple);
  Triple triple(target.triple);
  std::string reason;
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, reason);
  if (!found)
    return createStringError("the target triple '" + target.triple +
                             "' is unknown: " + reason);
  if (!triple.isArch64Bit() || !triple.isLittleEndian())
    return createStringError("the target '" + target.triple +
                             "' is not a 64-bit little-endian CPU, the only "
                             "kind that ttc makes code for");

  target.cpu = options.cpu;
  if (options.cpu == "native") {
    if (target.isHost()) {
      target.cpu = sys::getHostCPUName();
      target.features = hostFeatures();
      target.core = Core::ofHost();
    } else {
      target.cpu = triple.isRISCV() ? "generic-rv64" : "generic";
    }
  } else if (options.cpu == "v2" || options.cpu == "v3" ||
             options.cpu == "v4") {
    target.cpu = "x86-64-" + options.cpu;
  }
  // What the runtime cannot ask a CPU for is not used: code that a machine
  // cannot run must be refused when it is loaded.
  if (triple.isX86())
    target.features += (target.features.empty() ? "" : ",") +
                       std::string("-avx10.1,-egpr,-push2pop2,-ppx,-ndd,-ccmp,"
                                   "-nf,-cf,-zu");
  if (triple.isRISCV() && target.features.empty())
    target.features = "+m,+a,+f,+d,+c";

  std::unique_ptr<MCSubtargetInfo> info(
      found->createMCSubtargetInfo(triple, "", ""));
  if (!info->isCPUStringValid(target.cpu))
    return createStringError("the CPU '" + target.cpu + "' of '" +
                             target.triple +
                             "' is unknown: pass --mcpu=native, or a name that "
                             "`llc -mcpu=help` lists");

  llvm::TargetOptions codegenOptions;
  // vector.fma arrives as fmuladd, which Standard fuses; a product and a sum
  // that are written apart stay apart.
  codegenOptions.AllowFPOpFusion = FPOpFusion::Standard;
  codegenOptions.MCOptions.ABIName = triple.isRISCV() ? "lp64d" : "";
  static constexpr CodeGenOptLevel levels[] = {
      CodeGenOptLevel::None, CodeGenOptLevel::Less, CodeGenOptLevel::Default,
      CodeGenOptLevel::Aggressive};
  target.machine.reset(found->createTargetMachine(
      triple, target.cpu, target.features, codegenOptions, Reloc::PIC_,
      std::nullopt, levels[options.optimizationLevel]));
  const MCSubtargetInfo &subtarget = *target.machine->getMCSubtargetInfo();
  if (triple.isX86() && !subtarget.checkFeatures("+sse4.1"))
    return createStringError("the CPU '" + target.cpu +
                             "' has no SSE4.1, the least that ttc makes x86 "
                             "code for: pass --mcpu=x86-64-v2 or later");
  target.unit = vectorUnitOf(triple, subtarget);
  target.unit.hasMatrices &= options.usesMatrices;
  return target;
}
