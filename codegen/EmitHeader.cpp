//===- EmitHeader.cpp -----------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C header of a compiled model: its descriptor, its sizes, a typed step.
//
//===----------------------------------------------------------------------===//

#include "codegen/Pipelines.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace ttc;

static std::string identifier(StringRef text) {
  std::string name;
  for (char c : text)
    name += isAlnum(c) || c == '_' ? c : '_';
  return name.empty() || isDigit(name.front()) ? "_" + name : name;
}

/// A key as it may stand in a comment.
static std::string commentText(StringRef key) {
  std::string text;
  for (char c : key)
    text += c == '*' || !isPrint(c) ? '?' : c;
  return text;
}

static std::string shapeText(const TensorEntry &entry) {
  std::vector<std::string> sizes;
  for (int64_t size : entry.shape)
    sizes.push_back(size == TTC_BATCH ? "batch" : std::to_string(size));
  return "(" + join(sizes, ", ") + ")";
}

/// The C type of an input's or output's elements.
static StringRef elementType(int32_t dtype) {
  switch (dtype) {
  case TTC_DTYPE_F64:
    return "double";
  case TTC_DTYPE_I32:
    return "int32_t";
  case TTC_DTYPE_I64:
    return "int64_t";
  default:
    return "float";
  }
}

/// Elements of one row of the batch, or of the whole tensor if it has none.
static int64_t rowElements(const TensorEntry &entry) {
  int64_t elements = 1;
  for (int64_t size : entry.shape)
    elements *= size == TTC_BATCH ? 1 : size;
  return elements;
}

std::string ttc::emitHeader(const ModelTable &table, StringRef fileStem) {
  std::string text;
  raw_string_ostream out(text);
  std::string name = table.name;
  std::string guard =
      StringRef("TTC_MODEL_" + identifier(fileStem) + "_H").upper();
  bool isDynamic = table.batch == TTC_BATCH;

  out << "/* The model '" << name << "', compiled by ttc for " << table.triple
      << ".\n * Made from the model: do not edit. */\n"
      << "#ifndef " << guard << "\n#define " << guard << "\n\n"
      << "#include <ttc/runtime.h>\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "/* Give this to ttc_model_create. */\n"
      << "extern const ttc_model_descriptor ttc_model_" << name << ";\n\n";

  std::vector<std::string> parameters, inputNames, outputNames;
  auto describe = [&](const auto &entries, StringRef kind,
                      std::vector<std::string> &names, StringRef qualifier,
                      StringRef prefix) {
    for (const TensorEntry &entry : entries) {
      // A prefix keeps a name from being a word of C or one of the function's
      // own.
      std::string id = prefix.str() + identifier(entry.name);
      out << formatv("/* {0} {1}: {2} {3}. Its elements{4}. */\n#define "
                     "{5}_{6}_SIZE {7}\n",
                     kind, entry.name, dtypeName(entry.dtype), shapeText(entry),
                     isDynamic && llvm::is_contained(entry.shape, TTC_BATCH)
                         ? " for each row of the batch"
                         : "",
                     StringRef(name).upper(), StringRef(id).upper(),
                     rowElements(entry));
      names.push_back(id);
      parameters.push_back(
          (qualifier + elementType(entry.dtype) + " *" + id).str());
    }
  };
  describe(table.inputs, "Input", inputNames, "const ", "in_");
  describe(table.outputs, "Output", outputNames, "", "out_");
  out << "\n";
  for (const StateEntry &state : table.states)
    out << "/* State " << commentText(state.name) << ": "
        << dtypeName(state.dtype) << " " << shapeText(state) << ". */\n";

  std::string batchParameter = isDynamic ? ", int64_t batch" : "";
  std::string batchValue = isDynamic ? "batch" : std::to_string(table.batch);
  auto function = [&](StringRef suffix, StringRef comment, StringRef extra,
                      StringRef callee, StringRef extraArgument) {
    out << "\n/* " << comment << " */\n"
        << "static inline ttc_status " << name << suffix
        << "(ttc_session *session, " << join(parameters, ", ") << batchParameter
        << extra << ", ttc_error *error) {\n"
        << "  const void *inputs[] = {" << join(inputNames, ", ") << "};\n"
        << "  void *outputs[] = {" << join(outputNames, ", ") << "};\n"
        << "  return " << callee << "(session, inputs, outputs, " << batchValue
        << extraArgument << ", error);\n}\n";
  };
  function("_step", "One timestep.", "", "ttc_session_step_raw", "");
  function(
      "_run",
      "Timesteps, each input and output with the timestep as its outermost "
      "axis.",
      ", int64_t steps", "ttc_session_run_raw", ", steps");
  out << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}
