//===- AddDevice.cpp ------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How one compiled model has code for a CPU and for GPUs.
//
//===----------------------------------------------------------------------===//

#include "codegen/DescriptorFields.h"
#include "codegen/EmitKernels.h"
#include "codegen/Pipelines.h"

#include "llvm/IR/Constants.h"
#include "llvm/Linker/Linker.h"

using namespace llvm;
using namespace ttc;

static SmallVector<Constant *> fieldsOf(GlobalVariable *descriptor) {
  SmallVector<Constant *> fields;
  for (Value *field : descriptor->getInitializer()->operands())
    fields.push_back(cast<Constant>(field));
  return fields;
}

/// The most rows of a batch whose sequences go stage by stage, of which some
/// keep weights; 0 where the whole timestep does, for any batch. A block has
/// room for two timesteps at least (StepCalls::run).
static uint64_t keptBatch(const ModelTable &table) {
  if (table.stages.empty())
    return 0;
  return table.batch == TTC_BATCH ? std::max<int64_t>(table.block / 2, 1)
                                  : table.batch;
}

/// The ttc_device_code, whose weights are prepared as `host` does it.
static Constant *deviceCode(Module &module, ArrayRef<Constant *> host,
                            ArrayRef<GpuImage> images, const ModelTable &table,
                            const DeviceNumbers &numbers) {
  LLVMContext &context = module.getContext();
  Type *i32 = Type::getInt32Ty(context), *i64 = Type::getInt64Ty(context);
  auto global = [&](Constant *value, StringRef name) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, value, name);
  };
  auto bytes = [&](ttc_bytes size) {
    return ConstantStruct::getAnon({ConstantInt::get(i64, size.fixed),
                                    ConstantInt::get(i64, size.per_batch)});
  };
  SmallVector<Constant *> entries;
  for (const GpuImage &image : images) {
    // PTX is text, which ends with a zero byte.
    Constant *data =
        global(ConstantDataArray::getString(context, image.bytes, image.isPTX),
               "image");
    cast<GlobalVariable>(data)->setAlignment(Align(16));
    entries.push_back(ConstantStruct::getAnon(
        {global(ConstantDataArray::getString(context, image.architecture),
                "architecture"),
         ConstantInt::get(i32, image.isPTX), ConstantInt::get(i32, 0), data,
         ConstantInt::get(i64, image.bytes.size() + image.isPTX)}));
  }
  auto *imageTable = global(
      ConstantArray::get(
          ArrayType::get(entries.front()->getType(), entries.size()), entries),
      "images");
  return global(
      ConstantStruct::getAnon(
          {host[DescriptorField::prepared_size],
           host[DescriptorField::prepared],
           host[DescriptorField::prepared_checksum],
           host[DescriptorField::prepare], bytes(numbers.scratchSize),
           bytes(numbers.threads), ConstantInt::get(i32, blockThreads),
           ConstantInt::get(i32, table.rowsAreIndependent),
           ConstantInt::get(i32, tileRows),
           ConstantInt::get(i32, images.size()), imageTable,
           ConstantInt::get(i64, numbers.kept.bytes),
           bytes(numbers.kept.threads),
           ConstantInt::get(i64, keptBatch(table))}),
      "device");
}

Expected<std::unique_ptr<Module>> ttc::addDevice(std::unique_ptr<Module> module,
                                                 std::unique_ptr<Module> host,
                                                 ArrayRef<GpuImage> images,
                                                 const ModelTable &table,
                                                 const DeviceNumbers &numbers) {
  std::string name = "ttc_model_" + table.name, hostName = name + ".host";
  bool isAlone = !module;
  if (isAlone) {
    module = std::move(host);
    hostName = name;
  } else {
    host->getNamedGlobal(name)->setName(hostName);
    if (Linker::linkModules(*module, std::move(host)))
      return createStringError("the code for GPUs could not be linked");
  }
  GlobalVariable *prepares = module->getNamedGlobal(hostName);
  GlobalVariable *descriptor = module->getNamedGlobal(name);
  SmallVector<Constant *> ofHost = fieldsOf(prepares);
  SmallVector<Constant *> fields = fieldsOf(descriptor);
  fields[DescriptorField::device] =
      deviceCode(*module, ofHost, images, table, numbers);
  if (isAlone)
    for (unsigned field :
         {DescriptorField::prepared_size, DescriptorField::prepared,
          DescriptorField::prepared_checksum, DescriptorField::prepare})
      fields[field] = Constant::getNullValue(fields[field]->getType());
  descriptor->setInitializer(ConstantStruct::getAnon(fields));
  if (!isAlone)
    prepares->eraseFromParent();
  return module;
}
