//===- Buffers.cpp - Which memory may a step read and write? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/Buffers.h"

#include "tensors/Dtype.h"

namespace ttc {
namespace {

enum class Kind { Input, Output };

std::string describe(Kind kind, const TensorLayout &layout) {
  return (kind == Kind::Input ? "The input " : "The output ") +
         quoteName(layout.spec->name);
}

/// The shape that a caller's tensor must have, such as "[steps, batch, 64]".
std::string expectedShape(const ttc_tensor_spec &spec, bool sequence) {
  std::string shape = describeShape(spec.shape, spec.rank);
  if (!sequence)
    return shape;
  return spec.rank ? "[steps, " + shape.substr(1) : "[steps]";
}

/// Why a tensor does not fit, which is known to be the case.
Status explain(const ttc_tensor &tensor, Kind kind, const TensorLayout &layout,
               bool sequence, int64_t steps, int64_t batch) {
  const ttc_tensor_spec &spec = *layout.spec;
  std::string who = describe(kind, layout);
  if (tensor.dtype != spec.dtype)
    return {TTC_ERROR_DTYPE, "DTypeMismatch",
            who + " is " + describeDtype(tensor.dtype) + ", " +
                describeDtype(spec.dtype) + " is expected."};
  if (tensor.rank != spec.rank + sequence)
    return {TTC_ERROR_SHAPE, "RankMismatch",
            who + " has rank " + std::to_string(tensor.rank) + ", " +
                std::to_string(spec.rank + sequence) +
                " is expected: the shape " + expectedShape(spec, sequence) +
                "."};
  if (!tensor.shape)
    return {TTC_ERROR_ARGUMENT, "NullPointer",
            who + " has a null pointer for its shape."};
  std::string shape = who + " has the shape " +
                      describeShape(tensor.shape, tensor.rank) + ", " +
                      expectedShape(spec, sequence) + " is expected";
  if (sequence && tensor.shape[0] != steps)
    return {TTC_ERROR_SHAPE, "StepsMismatch",
            shape + " with " + std::to_string(steps) +
                " steps, as the tensors before it have."};
  if (layout.batched() && tensor.shape[sequence] != batch)
    return {TTC_ERROR_SHAPE, "BatchMismatch",
            shape + " with batch " + std::to_string(batch) +
                ", as the tensors before it have."};
  return {TTC_ERROR_SHAPE, "ShapeMismatch", shape + "."};
}

/// What is wrong with an input beyond its limit.
Status explainLimit(const ttc_model &model, size_t index, const void *data,
                    uint64_t steps, int64_t batch) {
  const TensorLayout &layout = model.inputs[index];
  const ttc_tensor_spec &spec = *layout.spec;
  const size_t count = layout.bytesAt(batch) / layout.alignment;
  const size_t wrong = findBeyond(layout, data, count * steps);
  int64_t value = spec.dtype == TTC_DTYPE_I32
                      ? static_cast<const int32_t *>(data)[wrong]
                      : static_cast<const int64_t *>(data)[wrong];
  std::vector<int64_t> position(static_cast<size_t>(spec.rank));
  size_t rest = wrong % count;
  for (size_t d = position.size(); d-- > 0;) {
    size_t size =
        static_cast<size_t>(spec.shape[d] == TTC_BATCH ? batch : spec.shape[d]);
    position[d] = static_cast<int64_t>(rest % size);
    rest /= size;
  }
  std::string where = describeShape(position.data(), spec.rank);
  if (steps > 1)
    where += " of timestep " + std::to_string(wrong / count);
  return {TTC_ERROR_VALUE, "ValueBeyondLimit",
          describe(Kind::Input, layout) + " has the value " +
              std::to_string(value) + " at " + where + "; 0 to " +
              std::to_string(layout.limit - 1) + " are possible."};
}

} // namespace

Status explainTensors(const ttc_model &model, const ttc_tensor *inputs,
                      const ttc_tensor *outputs, bool sequence, int64_t steps,
                      int64_t batch) {
  if (!inputs && !model.inputs.empty())
    return nullArgument("inputs");
  if (!outputs && !model.outputs.empty())
    return nullArgument("outputs");
  for (size_t i = 0; i < model.inputs.size(); ++i)
    if (!fits(inputs[i], model.inputs[i], sequence, steps, batch))
      return explain(inputs[i], Kind::Input, model.inputs[i], sequence, steps,
                     batch);
  for (size_t o = 0; o < model.outputs.size(); ++o)
    if (!fits(outputs[o], model.outputs[o], sequence, steps, batch))
      return explain(outputs[o], Kind::Output, model.outputs[o], sequence,
                     steps, batch);
  return {TTC_ERROR_ARGUMENT, "NoTensors",
          "The model " + model.name +
              " has neither inputs nor outputs to tell the number of steps "
              "by; use ttc_session_run_raw."};
}

Status explainBuffers(const ttc_model &model, const void *const *inputs,
                      void *const *outputs, uint64_t steps, int64_t batch,
                      bool onHost) {
  struct Buffer {
    std::string who;
    const void *data;
    uint64_t bytes, alignment;
  };
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < model.inputs.size(); ++i)
    buffers.push_back({"the input " + quoteName(model.inputs[i].spec->name),
                       inputs[i], model.inputs[i].bytesAt(batch) * steps,
                       model.inputs[i].alignment});
  for (size_t o = 0; o < model.outputs.size(); ++o)
    buffers.push_back({"the output " + quoteName(model.outputs[o].spec->name),
                       outputs[o], model.outputs[o].bytesAt(batch) * steps,
                       model.outputs[o].alignment});
  for (const Buffer &buffer : buffers) {
    if (!buffer.data && buffer.bytes)
      return {TTC_ERROR_ARGUMENT, "NullPointer",
              "The pointer of " + buffer.who + " is null, " +
                  std::to_string(buffer.bytes) + " bytes are expected."};
    if (reinterpret_cast<uintptr_t>(buffer.data) % buffer.alignment)
      return {TTC_ERROR_ARGUMENT, "MisalignedBuffer",
              "The pointer of " + buffer.who +
                  " is no multiple of its element's " +
                  std::to_string(buffer.alignment) + " bytes."};
  }
  for (size_t o = model.inputs.size(); o < buffers.size(); ++o)
    for (size_t p = 0; p < o; ++p)
      if (overlap(buffers[p].data, buffers[p].bytes, buffers[o].data,
                  buffers[o].bytes))
        return {TTC_ERROR_OVERLAP, "Overlap",
                "The memory of " + buffers[p].who + " and of " +
                    buffers[o].who +
                    " overlaps; give each a buffer of its own."};
  for (size_t i = 0; i < model.inputs.size(); ++i)
    if (size_t count = buffers[i].bytes / buffers[i].alignment;
        model.inputs[i].limit && onHost &&
        findBeyond(model.inputs[i], inputs[i], count) != count)
      return explainLimit(model, i, inputs[i], steps, batch);
  return Status::success();
}

} // namespace ttc
