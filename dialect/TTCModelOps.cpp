//===- TTCModelOps.cpp ----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes a model whole: its text, its outputs, what may stand in it.
//
//===----------------------------------------------------------------------===//

#include "dialect/TTC.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ttc;

ParseResult ModelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType =
      [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag, std::string &) -> Type {
    return builder.getFunctionType(inputs, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void ModelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

/// Names of inputs and outputs become names in C and in Python.
static LogicalResult
verifyNames(ModelOp model, StringRef kind, unsigned count,
            llvm::function_ref<Attribute(unsigned)> nameOf) {
  llvm::StringSet<> seen;
  for (unsigned i = 0; i < count; ++i) {
    Attribute attr = nameOf(i);
    // Without a name it is called by its position.
    if (!attr)
      attr = StringAttr::get(model.getContext(), kind + Twine(i));
    auto name = dyn_cast<StringAttr>(attr);
    if (!name)
      return model.emitOpError() << "names " << kind << " " << i << " by "
                                 << attr << ", expected a string";
    StringRef text = name.getValue();
    if (text.empty() || llvm::isDigit(text.front()) ||
        !llvm::all_of(text,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      return model.emitOpError() << "names " << kind << " " << i << " '" << text
                                 << "', expected letters, digits and "
                                    "underscores, a digit not first";
    if (!seen.insert(text.lower()).second)
      return model.emitOpError()
             << "gives two " << kind << "s the name '" << text
             << "' (letters' case makes no difference)";
  }
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  if (failed(
          verifyNames(*this, "input", getNumArguments(),
                      [&](unsigned i) { return getArgAttr(i, "ttc.name"); })) ||
      failed(verifyNames(
          *this, "output", getResultTypes().size(),
          [&](unsigned i) { return getResultAttr(i, "ttc.name"); })))
    return failure();
  for (auto [index, type] : llvm::enumerate(getArgumentTypes()))
    if (!isModelTensor(type) && !isIndexTensor(type))
      return emitOpError()
             << "input " << index << " has the type " << type
             << ", but a model takes ranked tensors of floats, or "
                "of i64 or i32 for an embedding, whose leading "
                "size alone may be dynamic, with 2^38 elements "
                "at most";
  Type element;
  for (Type type :
       llvm::concat<const Type>(getArgumentTypes(), getResultTypes())) {
    if (!isModelTensor(type))
      continue;
    Type other = getElementTypeOrSelf(type);
    if (!isa<Float32Type, Float64Type>(other))
      return emitOpError() << "computes in " << other
                           << ", in which values are only stored: its inputs "
                              "and outputs are f32 or f64";
    if (element && other != element)
      return emitOpError() << "computes in " << element << " and in " << other
                           << ": its inputs and outputs are all of one of them";
    element = other;
  }
  if (getResultTypes().empty())
    return emitOpError("has no output, so that it computes nothing");

  // A model is compiled and run on its own: what it may say is a closed list.
  static constexpr StringLiteral allowed[] = {"ttc", "arith", "math", "linalg",
                                              "tensor"};
  WalkResult walked = getBody().walk([&](Operation *op) -> WalkResult {
    StringRef dialect = op->getName().getDialectNamespace();
    if (!llvm::is_contained(allowed, dialect)) {
      op->emitOpError("cannot stand in a model: only operations of ttc, arith, "
                      "math, linalg and tensor can");
      return WalkResult::interrupt();
    }
    if (dialect != "ttc")
      return WalkResult::advance();
    for (NamedAttribute attr : op->getDiscardableAttrs())
      if (!attr.getName().getValue().contains('.')) {
        op->emitOpError() << "has no attribute named '"
                          << attr.getName().getValue() << "'";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

LogicalResult ReturnOp::verify() {
  auto model = cast<ModelOp>((*this)->getParentOp());
  ArrayRef<Type> expected = model.getResultTypes();
  if (getNumOperands() != expected.size())
    return emitOpError() << "has " << getNumOperands()
                         << " operands, but the model @" << model.getSymName()
                         << " has " << expected.size() << " outputs";
  for (auto [index, operand] : llvm::enumerate(getOperands()))
    if (operand.getType() != expected[index])
      return emitOpError() << "gives output " << index << " the type "
                           << operand.getType() << ", but the model @"
                           << model.getSymName() << " declares "
                           << expected[index];
  return success();
}
