//===- Convert.cpp - Which form do a model's weights have? ----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convert.h"

#include "Tensors.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>

namespace ttcstate {
namespace {

//===----------------------------------------------------------------------===//
// The activations, in double precision
//===----------------------------------------------------------------------===//

double effectiveOf(int32_t activation, double raw) {
  switch (activation) {
  case TTC_ACTIVATION_SIGMOID: {
    // Of both forms that which does not lose a small result.
    double e = std::exp(-std::fabs(raw));
    return raw < 0 ? e / (1 + e) : 1 / (1 + e);
  }
  case TTC_ACTIVATION_SOFTPLUS:
    return std::fmax(raw, 0) + std::log1p(std::exp(-std::fabs(raw)));
  case TTC_ACTIVATION_ARCSINH:
    return std::asinh(raw);
  default:
    return raw;
  }
}

/// Not finite where there is no raw value.
double rawOf(int32_t activation, double effective) {
  switch (activation) {
  case TTC_ACTIVATION_SIGMOID:
    return std::log(effective) - std::log1p(-effective);
  case TTC_ACTIVATION_SOFTPLUS:
    return effective + std::log(-std::expm1(-effective));
  case TTC_ACTIVATION_ARCSINH:
    return std::sinh(effective);
  default:
    return effective;
  }
}

/// Which effective values have a raw one.
const char *rangeOf(int32_t activation) {
  switch (activation) {
  case TTC_ACTIVATION_SIGMOID:
    return "strictly between 0 and 1";
  case TTC_ACTIVATION_SOFTPLUS:
    return "above 0 and finite";
  case TTC_ACTIVATION_ARCSINH:
    return "whose hyperbolic sine is finite";
  default:
    return "that is finite";
  }
}

/// A number as a tensor of F32 or F64 would hold it.
double rounded(int32_t dtype, double value) {
  return dtype == TTC_DTYPE_F32 ? static_cast<double>(static_cast<float>(value))
                                : value;
}

//===----------------------------------------------------------------------===//
// One parameter
//===----------------------------------------------------------------------===//

/// The difference between what was and what comes back, relative to what was,
/// or absolute where that is below 1: near 0 a relative one says nothing.
double lossOf(double was, double back) {
  return was == back ? 0
                     : std::fabs(back - was) / std::fmax(std::fabs(was), 1.0);
}

/// A tensor that owns its data, in the dtype that the model computes with.
struct Converted {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<unsigned char> data;
  int32_t dtype;

  ttc_tensor view() {
    return {name.c_str(), dtype, static_cast<int32_t>(shape.size()),
            shape.data(), data.data()};
  }
};

void store(Converted &converted, size_t index, double value) {
  if (converted.dtype == TTC_DTYPE_F32) {
    float narrow = static_cast<float>(value);
    std::memcpy(converted.data.data() + index * sizeof(narrow), &narrow,
                sizeof(narrow));
  } else {
    std::memcpy(converted.data.data() + index * sizeof(value), &value,
                sizeof(value));
  }
}

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

Converted convertParam(Form form, const ttc_param_spec &param,
                       const ttc_tensor &tensor) {
  const bool toRaw = form == Form::Raw;
  const int32_t activation = param.activation;
  const int32_t dtype = param.tensor.dtype;
  const size_t count = elements(tensor);
  Converted converted{toRaw ? param.raw_name : param.tensor.name,
                      {tensor.shape, tensor.shape + tensor.rank},
                      std::vector<unsigned char>(count * ttc_dtype_size(dtype)),
                      dtype};
  double largest = 0;
  size_t largestAt = 0, lost = 0, firstLost = 0;
  for (size_t i = 0; i < count; ++i) {
    double was = element(tensor, i);
    double is = rounded(dtype, toRaw ? rawOf(activation, was)
                                     : effectiveOf(activation, was));
    store(converted, i, is);
    if (toRaw && !std::isfinite(is))
      throw std::runtime_error(
          "'" + printable(tensor.name) +
          "' cannot be written in raw form: "
          "element " +
          position(tensor, i) + " is " + numberText(was) + ", only a value " +
          rangeOf(activation) +
          " has a raw one. Keep it compiled, or change that value.");
    double back = rounded(dtype, toRaw ? effectiveOf(activation, is)
                                       : rawOf(activation, is));
    if (!std::isfinite(back)) {
      if (lost++ == 0)
        firstLost = i;
      continue;
    }
    double loss = lossOf(was, back);
    if (loss > largest) {
      largest = loss;
      largestAt = i;
    }
  }
  std::printf("%s -> %s: ", printable(tensor.name).c_str(),
              printable(converted.name.c_str()).c_str());
  if (largest == 0)
    std::printf("exact");
  else
    std::printf("the %s value comes back with an error of up to %.3g, at %s",
                toRaw ? "effective" : "raw", largest,
                position(tensor, largestAt).c_str());
  if (lost)
    std::printf("; %zu of %zu cannot return, the first at %s: %s has no raw "
                "value, only one %s has",
                lost, count, position(tensor, firstLost).c_str(),
                numberText(element(converted.view(), firstLost)).c_str(),
                rangeOf(activation));
  std::printf("\n");
  return converted;
}

} // namespace

int convert(Form form, const std::string &modelPath, const std::string &inPath,
            const std::string &outPath) {
  ttc::Weights in = openNoting(inPath, 0);
  // Checks every key, shape and dtype that the model knows.
  ttc::Model model = ttc::Model::open(modelPath, in, /*strict=*/false);
  const ttc_model_descriptor &descriptor = model.descriptor();
  std::map<std::string, const ttc_param_spec *> convertible;
  for (uint32_t i = 0; i < descriptor.num_params; ++i) {
    const ttc_param_spec &param = descriptor.params[i];
    if (param.raw_name && std::strcmp(param.raw_name, param.tensor.name) != 0)
      convertible[form == Form::Raw ? param.tensor.name : param.raw_name] =
          &param;
  }
  std::vector<Converted> converted;
  // The tensors are views of them: they must not move.
  converted.reserve(convertible.size());
  std::vector<ttc_tensor> tensors;
  for (size_t i = 0; i < in.count(); ++i) {
    ttc_tensor tensor = in.at(i);
    if (!tensor.dtype)
      throw std::runtime_error("The tensor '" + printable(tensor.name) +
                               "' is " + ttc_weights_dtype(in.get(), i) +
                               ", which ttc does not write.");
    auto found = convertible.find(tensor.name);
    if (found != convertible.end()) {
      converted.push_back(convertParam(form, *found->second, tensor));
      tensor = converted.back().view();
    }
    tensors.push_back(tensor);
  }
  ttc::Weights::fromTensors(tensors).save(outPath);
  std::printf("%zu of %zu tensors converted to %s form in '%s'\n",
              converted.size(), in.count(),
              form == Form::Raw ? "raw" : "compiled", outPath.c_str());
  return 0;
}

} // namespace ttcstate
