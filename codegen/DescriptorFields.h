//===- DescriptorFields.h -------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which of the constants that a model's descriptor is made of is which of its
// fields: for what is changed when other code is added to the model.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_CODEGEN_DESCRIPTORFIELDS_H
#define TTC_CODEGEN_DESCRIPTORFIELDS_H

#include "ttc/model.h"

#include <cstddef>

/// The fields of a ttc_model_descriptor, in its order.
#define TTC_DESCRIPTOR_FIELDS(FIELD)                                           \
  FIELD(abi_version)                                                           \
  FIELD(descriptor_size)                                                       \
  FIELD(name)                                                                  \
  FIELD(schema_fingerprint)                                                    \
  FIELD(model_fingerprint)                                                     \
  FIELD(target_triple)                                                         \
  FIELD(cpu_features)                                                          \
  FIELD(batch)                                                                 \
  FIELD(num_inputs)                                                            \
  FIELD(num_outputs)                                                           \
  FIELD(num_params)                                                            \
  FIELD(num_states)                                                            \
  FIELD(inputs)                                                                \
  FIELD(outputs)                                                               \
  FIELD(params)                                                                \
  FIELD(states)                                                                \
  FIELD(prepared_size)                                                         \
  FIELD(states_size)                                                           \
  FIELD(scratch_size)                                                          \
  FIELD(prepared)                                                              \
  FIELD(prepared_checksum)                                                     \
  FIELD(prepare)                                                               \
  FIELD(step)                                                                  \
  FIELD(run)                                                                   \
  FIELD(input_limits)                                                          \
  FIELD(has_generator)                                                         \
  FIELD(reserved)                                                              \
  FIELD(alternative)                                                           \
  FIELD(max_workers)                                                           \
  FIELD(reserved2)                                                             \
  FIELD(shared_step)                                                           \
  FIELD(shared_run)                                                            \
  FIELD(device)

namespace ttc {

namespace DescriptorField {
enum Position : unsigned {
#define TTC_POSITION(field) field,
  TTC_DESCRIPTOR_FIELDS(TTC_POSITION)
#undef TTC_POSITION
      count
};
} // namespace DescriptorField

/// Whether those are all fields, one behind the other without padding.
constexpr bool areFieldsOfDescriptor() {
  size_t end = 0;
  bool isNext = true;
#define TTC_NEXT(field)                                                        \
  isNext &= offsetof(ttc_model_descriptor, field) == end;                      \
  end += sizeof(ttc_model_descriptor::field);
  TTC_DESCRIPTOR_FIELDS(TTC_NEXT)
#undef TTC_NEXT
  return isNext && end == sizeof(ttc_model_descriptor);
}
static_assert(areFieldsOfDescriptor(),
              "ttc_model_descriptor has other fields than are listed here");

} // namespace ttc

#endif // TTC_CODEGEN_DESCRIPTORFIELDS_H
