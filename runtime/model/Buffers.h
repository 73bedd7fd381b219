//===- Buffers.h - Which memory may a step read and write? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tensors and pointers that a caller brings to a step. What is good is told
// here, inline: it is on the path of every step. Why something is not good is
// told in Buffers.cpp, off that path.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_BUFFERS_H
#define TTC_BUFFERS_H

#include "model/Model.h"

namespace ttc {

/// Whether a caller's tensor is what the model wants. With a sequence the first
/// size is `steps`.
inline bool fits(const ttc_tensor &tensor, const TensorLayout &layout,
                 bool sequence, int64_t steps, int64_t batch) {
  const ttc_tensor_spec &spec = *layout.spec;
  const int64_t *shape = tensor.shape;
  if (tensor.dtype != spec.dtype || tensor.rank != spec.rank + sequence)
    return false;
  if (tensor.rank == 0)
    return true;
  if (!shape || (sequence && *shape++ != steps))
    return false;
  int32_t i = 0;
  if (layout.batched()) {
    if (shape[0] != batch)
      return false;
    i = 1;
  }
  for (; i < spec.rank; ++i)
    if (shape[i] != spec.shape[i])
      return false;
  return true;
}

inline bool overlap(const void *a, uint64_t aBytes, const void *b,
                    uint64_t bBytes) {
  uintptr_t aStart = reinterpret_cast<uintptr_t>(a);
  uintptr_t bStart = reinterpret_cast<uintptr_t>(b);
  // A difference below zero wraps to one that no buffer is as long as.
  return (aStart - bStart < bBytes && aBytes) ||
         (bStart - aStart < aBytes && bBytes);
}

/// The first of `count` integers that is not below `limit`, or is negative;
/// `count` if there is none.
template <typename Integer>
size_t findBeyond(const void *data, size_t count, int64_t limit) {
  const Integer *values = static_cast<const Integer *>(data);
  for (size_t i = 0; i < count; ++i)
    // A negative number is, without its sign, beyond every limit.
    if (static_cast<uint64_t>(values[i]) >= static_cast<uint64_t>(limit))
      return i;
  return count;
}

/// As above, of an input that has a limit.
inline size_t findBeyond(const TensorLayout &layout, const void *data,
                         size_t count) {
  return layout.spec->dtype == TTC_DTYPE_I32
             ? findBeyond<int32_t>(data, count, layout.limit)
             : findBeyond<int64_t>(data, count, layout.limit);
}

/// Whether every buffer is there, aligned to its element, no output shares
/// memory with another buffer, and every input is within its limit, which is
/// left open where the host cannot read it.
template <bool OnHost>
inline bool buffersAreGood(const ttc_model &model, const void *const *inputs,
                           void *const *outputs, int64_t batch,
                           uint64_t steps) {
  const size_t numInputs = model.inputs.size();
  const size_t numOutputs = model.outputs.size();
  for (size_t i = 0; i < numInputs; ++i) {
    const TensorLayout &layout = model.inputs[i];
    uintptr_t address = reinterpret_cast<uintptr_t>(inputs[i]);
    if ((!address && model.inputs[i].bytesAt(batch)) ||
        (address & (layout.alignment - 1)))
      return false;
    if (OnHost && layout.limit) {
      size_t count = model.inputs[i].bytesAt(batch) * steps / layout.alignment;
      if (findBeyond(layout, inputs[i], count) != count)
        return false;
    }
  }
  for (size_t o = 0; o < numOutputs; ++o) {
    uintptr_t address = reinterpret_cast<uintptr_t>(outputs[o]);
    uint64_t bytes = model.outputs[o].bytesAt(batch) * steps;
    if ((!address && bytes) || (address & (model.outputs[o].alignment - 1)))
      return false;
    for (size_t i = 0; i < numInputs; ++i)
      if (overlap(inputs[i], model.inputs[i].bytesAt(batch) * steps, outputs[o],
                  bytes))
        return false;
    for (size_t p = 0; p < o; ++p)
      if (overlap(outputs[p], model.outputs[p].bytesAt(batch) * steps,
                  outputs[o], bytes))
        return false;
  }
  return true;
}

/// Why the tensors of a step are refused, which is known to be the case.
Status explainTensors(const ttc_model &model, const ttc_tensor *inputs,
                      const ttc_tensor *outputs, bool sequence, int64_t steps,
                      int64_t batch);

/// Why the buffers are not good, which is known to be the case.
Status explainBuffers(const ttc_model &model, const void *const *inputs,
                      void *const *outputs, uint64_t steps, int64_t batch,
                      bool onHost = true);

} // namespace ttc

#endif // TTC_BUFFERS_H
