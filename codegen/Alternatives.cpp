//===- Alternatives.cpp ---------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How one object carries a model for several CPUs.
//
//===----------------------------------------------------------------------===//

#include "codegen/DescriptorFields.h"
#include "codegen/Pipelines.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/Linker/Linker.h"

using namespace llvm;
using namespace ttc;

static Constant *alternativeOf(GlobalVariable *descriptor) {
  return descriptor->getInitializer()->getAggregateElement(
      DescriptorField::alternative);
}

static void setAlternative(GlobalVariable *descriptor, Constant *alternative) {
  auto *fields = cast<ConstantStruct>(descriptor->getInitializer());
  SmallVector<Constant *> values;
  for (Value *field : fields->operands())
    values.push_back(cast<Constant>(field));
  values[DescriptorField::alternative] = alternative;
  descriptor->setInitializer(ConstantStruct::get(fields->getType(), values));
}

Error ttc::addAlternative(Module &module, std::unique_ptr<Module> other,
                          const ModelTable &table) {
  std::string name = "ttc_model_" + table.name;
  GlobalVariable *last = module.getNamedGlobal(name);
  unsigned number = 1;
  while (auto *next = dyn_cast<GlobalVariable>(alternativeOf(last))) {
    last = next;
    ++number;
  }
  std::string own = name + ".alternative" + std::to_string(number);
  other->getNamedGlobal(name)->setName(own);
  if (Linker::linkModules(module, std::move(other)))
    return createStringError("the code for several CPUs could not be linked");
  GlobalVariable *descriptor = module.getNamedGlobal(own);
  descriptor->setLinkage(GlobalValue::InternalLinkage);
  setAlternative(last, descriptor);
  return Error::success();
}
