//===- StateShapes.cpp - Which shapes do states have now? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "model/StateShapes.h"

#include "model/Model.h"

namespace ttc {

void StateShapes::describe(const std::vector<TensorLayout> &layouts) {
  states = &layouts;
  size_t sizes = 0;
  for (const TensorLayout &layout : layouts) {
    begins.push_back(sizes);
    sizes += static_cast<size_t>(layout.spec->rank);
  }
}

StateShapes::Share StateShapes::take(int64_t batch) {
  std::lock_guard<std::mutex> lock(mutex);
  auto at = batches.find(batch);
  if (at == batches.end()) {
    std::vector<int64_t> sizes;
    for (const TensorLayout &layout : *states) {
      const ttc_tensor_spec &spec = *layout.spec;
      sizes.insert(sizes.end(), spec.shape, spec.shape + spec.rank);
      if (layout.batched())
        sizes[sizes.size() - static_cast<size_t>(spec.rank - layout.batchDim)] =
            batch;
    }
    at = batches.emplace(batch, Batch{this, batch, 0, std::move(sizes)}).first;
  }
  ++at->second.users;
  return Share(at->second);
}

void StateShapes::drop(Batch &batch) {
  std::lock_guard<std::mutex> lock(mutex);
  if (--batch.users == 0)
    batches.erase(int64_t(batch.batch));
}

size_t StateShapes::count() const {
  std::lock_guard<std::mutex> lock(mutex);
  return batches.size();
}

} // namespace ttc
