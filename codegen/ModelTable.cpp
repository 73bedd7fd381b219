//===- ModelTable.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what a model has off its IR.
//
//===----------------------------------------------------------------------===//

#include "codegen/ModelTable.h"
#include "codegen/OwnElements.h"
#include "codegen/TTCCodegenPasses.h"
#include "passes/TTCPasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace ttc;

static std::vector<int64_t> shapeOf(Type type) {
  std::vector<int64_t> shape;
  for (int64_t size : cast<RankedTensorType>(type).getShape())
    shape.push_back(ShapedType::isDynamic(size) ? TTC_BATCH : size);
  return shape;
}

static int32_t dtypeOf(Type type) {
  return llvm::TypeSwitch<Type, int32_t>(getElementTypeOrSelf(type))
      .Case([](Float32Type) { return TTC_DTYPE_F32; })
      .Case([](Float64Type) { return TTC_DTYPE_F64; })
      .Case([](Float16Type) { return TTC_DTYPE_F16; })
      .Case([](BFloat16Type) { return TTC_DTYPE_BF16; })
      .Case([](IntegerType type) {
        return type.getWidth() == 32 ? TTC_DTYPE_I32 : TTC_DTYPE_I64;
      });
}

StringRef ttc::dtypeName(int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F64:
    return "f64";
  case TTC_DTYPE_F16:
    return "f16";
  case TTC_DTYPE_BF16:
    return "bf16";
  case TTC_DTYPE_I32:
    return "i32";
  case TTC_DTYPE_I64:
    return "i64";
  default:
    return "f32";
  }
}

/// How many rows every table has that an input picks rows of; 0 if it picks
/// none.
static int64_t limitOf(BlockArgument input) {
  int64_t limit = 0;
  SmallVector<Value> pending = {input};
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user))
        pending.push_back(user->getResult(0));
      if (auto gather = dyn_cast<GatherOp>(user)) {
        int64_t rows = gather.getTable().getType().getDimSize(0);
        limit = limit == 0 ? rows : std::min(limit, rows);
      }
    }
  return limit;
}

static ttc_bytes bytes(BytesAttr attr) {
  return {uint64_t(attr.getFixed()), uint64_t(attr.getPerBatch())};
}

static std::optional<ttc_bytes> countOwnElements(func::FuncOp step) {
  if (BytesAttr elements = ownElements(step))
    return bytes(elements);
  return std::nullopt;
}

/// The stages of a sequence, by where the step's inputs and outputs are named.
static void readStages(func::FuncOp step, ModuleOp module, ModelTable &table) {
  auto names = step->getAttrOfType<ArrayAttr>(stagesAttr);
  if (!names)
    return;
  table.block = module->getAttrOfType<IntegerAttr>(blockAttr).getInt();
  table.buffersSize = bytes(module->getAttrOfType<BytesAttr>(buffersSizeAttr));
  auto find = [](const auto &entries, StringRef name) -> unsigned {
    return llvm::find_if(
               entries, [&](const auto &entry) { return entry.name == name; }) -
           entries.begin();
  };
  for (auto name : names.getAsRange<FlatSymbolRefAttr>()) {
    auto function = module.lookupSymbol<func::FuncOp>(name.getValue());
    RunStage &stage = table.stages.emplace_back();
    stage.function = function.getSymName();
    stage.takesBlock = function->hasAttr(wholeBlockAttr);
    stage.ownElements = countOwnElements(function);
    auto describe = [&](Type type, DictionaryAttr attrs) {
      auto tensor = cast<RankedTensorType>(type);
      uint64_t size = tensor.getElementTypeBitWidth() / 8;
      for (int64_t extent : tensor.getShape())
        size *= ShapedType::isDynamic(extent) ? 1 : extent;
      StageTensor result;
      (table.batch == TTC_BATCH ? result.timestep.per_batch
                                : result.timestep.fixed) = size;
      if (auto buffer = attrs.getAs<BytesAttr>(bufferAttr)) {
        result.where = StageTensor::Buffer;
        result.offset = bytes(buffer);
      } else if (auto output = attrs.getAs<StringAttr>(outputAttr)) {
        result.where = StageTensor::Output;
        result.index = find(table.outputs, output.getValue());
      } else {
        result.where = StageTensor::Input;
        result.index =
            find(table.inputs, attrs.getAs<StringAttr>(inputAttr).getValue());
      }
      return result;
    };
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, inputAttr))
        stage.inputs.push_back(describe(function.getArgumentTypes()[i],
                                        function.getArgAttrDict(i)));
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (function.getResultAttr(i, outputAttr))
        stage.outputs.push_back(describe(function.getResultTypes()[i],
                                         function.getResultAttrDict(i)));
  }
}

FailureOr<ModelTable> ttc::readModelTable(ModuleOp module) {
  func::FuncOp step = getStepFunction(module);
  if (!step)
    return failure();
  ModelTable table;
  table.name = step.getSymName();
  auto fill = [&](TensorEntry &entry, StringRef name, Type type) {
    entry.name = name;
    entry.shape = shapeOf(type);
    entry.dtype = dtypeOf(type);
    if (!entry.shape.empty() && entry.shape.front() == TTC_BATCH)
      table.batch = TTC_BATCH;
  };
  for (unsigned i = 0; i < step.getNumArguments(); ++i)
    if (auto name = step.getArgAttrOfType<StringAttr>(i, inputAttr)) {
      fill(table.inputs.emplace_back(), name, step.getArgumentTypes()[i]);
      table.inputs.back().limit = limitOf(step.getArgument(i));
    }
  for (unsigned i = 0; i < step.getNumResults(); ++i)
    if (auto name = step.getResultAttrOfType<StringAttr>(i, outputAttr))
      fill(table.outputs.emplace_back(), name, step.getResultTypes()[i]);
  for (auto param : module.getOps<ParamOp>()) {
    ParamEntry &entry = table.params.emplace_back();
    fill(entry, param.getSymName(), param.getType());
    if (auto constraint = param.getConstraint()) {
      entry.name = param.getCompiledKey();
      entry.rawName = param.getRawKey();
      entry.activation = int32_t(*constraint);
    }
  }
  for (auto state : module.getOps<StateOp>()) {
    StateEntry &entry = table.states.emplace_back();
    fill(entry, state.getSymName(), state.getType());
    if (state.getOffsetAttr())
      entry.offset = bytes(state.getOffsetAttr());
  }
  llvm::sort(table.states, [](const StateEntry &a, const StateEntry &b) {
    return a.name < b.name;
  });
  table.ownElements = countOwnElements(step);
  readStages(step, module, table);
  return table;
}

KeptSize ModelTable::keptSize() const {
  KeptSize most = kept;
  for (const RunStage &stage : stages)
    most = {std::max(most.bytes, stage.kept.bytes),
            {std::max(most.threads.fixed, stage.kept.threads.fixed),
             std::max(most.threads.per_batch, stage.kept.threads.per_batch)}};
  return most;
}

void ttc::readSizes(ModuleOp module, ModelTable &table) {
  table.hasGenerator = module->hasAttr(generatorAttr);
  table.rowsAreIndependent = module->hasAttr(independentRowsAttr);
  if (auto workers = module->getAttrOfType<IntegerAttr>(workersAttr))
    table.maxWorkers = workers.getInt();
  table.statesSize = bytes(module->getAttrOfType<BytesAttr>(statesSizeAttr));
  table.scratchSize = bytes(module->getAttrOfType<BytesAttr>(scratchSizeAttr));
  auto kept = module->getAttrOfType<DictionaryAttr>(keptAttr);
  auto sizeOf = [&](StringRef function) {
    auto size = kept ? kept.getAs<ArrayAttr>(function) : ArrayAttr();
    return size ? KeptSize{uint64_t(cast<IntegerAttr>(size[0]).getInt()),
                           bytes(cast<BytesAttr>(size[1]))}
                : KeptSize();
  };
  table.kept = sizeOf(table.name);
  for (RunStage &stage : table.stages)
    stage.kept = sizeOf(stage.function);
  table.preparedSize =
      module->getAttrOfType<IntegerAttr>(preparedSizeAttr).getInt();
}

static std::string sha256(StringRef text) {
  return llvm::toHex(llvm::SHA256::hash(arrayRefFromStringRef(text)),
                     /*LowerCase=*/true);
}

std::string ttc::fingerprintModel(ModuleOp module) {
  // What the model computes, not what it or its inputs are called.
  OwningOpRef<ModuleOp> copy = module.clone();
  for (auto model : copy->getOps<ModelOp>()) {
    model.setSymName("model");
    model.removeArgAttrsAttr();
    model.removeResAttrsAttr();
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  // The generic form: how an op is spelled may change, what it says may not.
  copy->print(stream, OpPrintingFlags().useLocalScope().printGenericOpForm());
  return sha256(text);
}

std::string ttc::fingerprintStates(ModuleOp module) {
  std::vector<std::string> lines;
  for (auto state : module.getOps<StateOp>()) {
    std::string line =
        (state.getSymName() + " " + dtypeName(dtypeOf(state.getType())).upper())
            .str();
    for (int64_t size : shapeOf(state.getType()))
      line +=
          " " + (size == TTC_BATCH ? std::string("?") : std::to_string(size));
    lines.push_back(line + "\n");
  }
  llvm::sort(lines);
  return sha256(llvm::join(lines, ""));
}

static llvm::json::Object tensorObject(const TensorEntry &entry) {
  llvm::json::Array shape;
  for (int64_t size : entry.shape)
    shape.push_back(size == TTC_BATCH ? llvm::json::Value("batch")
                                      : llvm::json::Value(size));
  return llvm::json::Object{{"name", entry.name},
                            {"dtype", dtypeName(entry.dtype)},
                            {"shape", std::move(shape)}};
}

static llvm::json::Object bytesObject(ttc_bytes bytes) {
  return llvm::json::Object{{"fixed", bytes.fixed},
                            {"per_batch", bytes.per_batch}};
}

llvm::json::Value ModelTable::toJSON() const {
  static constexpr StringLiteral activations[] = {"identity", "sigmoid",
                                                  "softplus", "arcsinh"};
  llvm::json::Array inputArray, outputArray, paramArray, stateArray;
  for (const InputEntry &entry : inputs) {
    llvm::json::Object object = tensorObject(entry);
    if (entry.limit)
      object["limit"] = entry.limit;
    inputArray.push_back(std::move(object));
  }
  for (const TensorEntry &entry : outputs)
    outputArray.push_back(tensorObject(entry));
  for (const ParamEntry &entry : params) {
    llvm::json::Object object = tensorObject(entry);
    if (!entry.rawName.empty()) {
      object["raw_name"] = entry.rawName;
      object["activation"] = activations[entry.activation];
    }
    paramArray.push_back(std::move(object));
  }
  for (const StateEntry &entry : states) {
    llvm::json::Object object = tensorObject(entry);
    object["offset"] = bytesObject(entry.offset);
    stateArray.push_back(std::move(object));
  }
  return llvm::json::Object{{"name", name},
                            {"abi_version", int64_t(TTC_ABI_VERSION)},
                            {"schema_fingerprint", schemaFingerprint},
                            {"model_fingerprint", modelFingerprint},
                            {"target_triple", triple},
                            {"cpu_features", features},
                            {"batch", batch == TTC_BATCH
                                          ? llvm::json::Value("dynamic")
                                          : llvm::json::Value(batch)},
                            {"inputs", std::move(inputArray)},
                            {"outputs", std::move(outputArray)},
                            {"params", std::move(paramArray)},
                            {"states", std::move(stateArray)},
                            {"prepared_bytes", preparedSize},
                            {"states_bytes", bytesObject(statesSize)},
                            {"scratch_bytes", bytesObject(scratchSize)},
                            {"draws_random_numbers", hasGenerator}};
}
