//===- TorchObjects.cpp - What do a pickle's names mean? ------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/TorchObjects.h"

#include "files/TorchNames.h"

namespace ttc {
namespace {

using Kind = PickleValue::Kind;
using Role = TorchName::Role;

/// Twice what fits in the largest pickle that is read; an arguments' tuple that
/// is used again and again would make more of them.
constexpr size_t mostTensors = 1'000'000;
constexpr size_t mostSizes = 8'000'000;

/// The most arguments that anything in the table takes.
constexpr size_t mostArguments = 8;

/// Objects are tensors (even numbers) and storages (odd ones).
PickleValue objectOf(size_t index, bool storage) {
  return {Kind::Object, 0, static_cast<int64_t>(2 * index + (storage ? 1 : 0))};
}

const TorchName &nameOf(const PickleValue &global) {
  return torchNames[static_cast<size_t>(global.number)];
}

/// A key of a storage becomes a part of a member's name.
bool isPlainKey(std::string_view key) {
  return !key.empty() && key.size() <= 128 && key != "." && key != ".." &&
         key.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-") ==
             std::string_view::npos;
}

} // namespace

const TorchTensor *TorchObjects::tensor(const PickleValue &object) const {
  return object.number % 2 == 0
             ? &tensors[static_cast<size_t>(object.number / 2)]
             : nullptr;
}

Status TorchObjects::addTensor(const TorchTensor &tensor,
                               const std::string &where, PickleValue &result) {
  if (tensors.size() == mostTensors)
    return beyondBudget(where);
  tensors.push_back(tensor);
  result = objectOf(tensors.size() - 1, false);
  return Status::success();
}

Status TorchObjects::name(std::string_view module, std::string_view name,
                          const std::string &where, PickleValue &result) {
  for (size_t i = 0; i < numTorchNames; ++i)
    if (module == torchNames[i].module && name == torchNames[i].name) {
      result = {Kind::Global, 0, static_cast<int64_t>(i)};
      return Status::success();
    }
  std::string full(module);
  full += '.';
  full += name;
  return badFile(path, "ForbiddenGlobal",
                 "it names " + quoteName(full) + " " + where +
                     ", which is neither a tensor nor plain data. Nothing in a "
                     "file is executed here. If this is a whole model, save "
                     "model.state_dict() instead; if you do not expect such a "
                     "name, the file may be an attack");
}

Status TorchObjects::persistent(const PickleValue &id, const std::string &where,
                                PickleValue &result) {
  // ('storage', class, key, location, number of elements)
  PickleValue part[5];
  size_t count = 0;
  if (!id.is(Kind::Tuple) || !graph.take(id, part, 5, count) || count != 5 ||
      !part[0].is(Kind::Text) || graph.text(part[0]) != "storage" ||
      !part[1].is(Kind::Global) || nameOf(part[1]).role != Role::Storage ||
      !part[2].is(Kind::Text) || !part[3].is(Kind::Text) ||
      !part[4].is(Kind::Integer) || part[4].number < 0)
    return fail("BadPersistentId",
                "what is stored outside of the pickle is not named by "
                "'storage', a class, a key, a location and a number of "
                "elements",
                where);
  std::string_view key = graph.text(part[2]);
  if (!isPlainKey(key))
    return fail("BadPersistentId",
                "the key of a storage is " + quoteName(key) +
                    ", which is no plain name",
                where);
  TorchStorage storage;
  storage.dtype = nameOf(part[1]).dtype;
  storage.count = static_cast<uint64_t>(part[4].number);
  std::string who = "the storage " + quoteName(key);

  auto [known, isNew] = storageOf.try_emplace(key, storages.size());
  if (!isNew) {
    const TorchStorage &before = storages[known->second];
    if (before.dtype != storage.dtype || before.count != storage.count)
      return fail("StorageConflict",
                  who + " is described twice, with different dtypes or sizes",
                  where);
    result = objectOf(known->second, true);
    return Status::success();
  }
  std::string member(root);
  member += "data/";
  member += key;
  const ZipMember *data = archive.find(member);
  if (!data)
    return fail("MissingStorage",
                who + " has no member " + quoteName(member) + " in the archive",
                where);
  uint64_t itemSize = storage.dtype ? storage.dtype->bits / 8 : 1;
  if (__builtin_mul_overflow(storage.count, itemSize, &storage.bytes) ||
      storage.bytes != data->size)
    return fail("StorageSizeMismatch",
                who + " should have " + std::to_string(storage.count) +
                    " elements of " + std::to_string(itemSize) +
                    " bytes, but its member has " + std::to_string(data->size) +
                    " bytes",
                where);
  storage.at = data->dataAt;
  result = objectOf(storages.size(), true);
  storages.push_back(storage);
  return Status::success();
}

Status TorchObjects::readSizes(const PickleValue &tuple, const char *what,
                               std::vector<int64_t> &sizes,
                               const std::string &where) {
  if (!tuple.is(Kind::Tuple))
    return fail("BadTensorMeta",
                std::string("the ") + what + " of a tensor are " +
                    describeKind(tuple.kind) + ", a tuple is expected",
                where);
  PickleValue value;
  uint32_t rank = 0;
  for (auto rest = graph.elements(tuple); rest.next(value); ++rank) {
    if (rank == maxRank)
      return fail("BadTensorMeta", "a tensor has more than 64 dimensions",
                  where);
    if (!value.is(Kind::Integer) || value.number < 0)
      return fail("BadTensorMeta",
                  std::string("one of the ") + what + " of a tensor is " +
                      (value.is(Kind::Integer) ? std::to_string(value.number)
                                               : describeKind(value.kind)) +
                      ", a number from 0 is expected",
                  where);
    if (sizes.size() == mostSizes)
      return beyondBudget(where);
    sizes.push_back(value.number);
  }
  return Status::success();
}

/// A tensor of these four arguments: a storage, and the offset, sizes and
/// strides in it. `dtype` is null if it is the storage's.
Status TorchObjects::rebuild(const PickleValue *arguments,
                             const DtypeInfo *dtype, const std::string &where,
                             PickleValue &result) {
  if (!arguments[0].is(Kind::Object) || arguments[0].number % 2 == 0)
    return fail("BadTensorMeta", "a tensor is made of no storage", where);
  const TorchStorage &storage =
      storages[static_cast<size_t>(arguments[0].number / 2)];
  if (!dtype == !storage.dtype)
    return fail("BadTensorMeta",
                dtype ? "a tensor has a dtype, and its storage has one as well"
                      : "neither a tensor nor its storage has a dtype",
                where);
  TorchTensor tensor;
  tensor.dtype = dtype ? dtype : storage.dtype;
  const uint64_t itemSize = tensor.dtype->bits / 8;
  if (!arguments[1].is(Kind::Integer) || arguments[1].number < 0)
    return fail("BadTensorMeta",
                "the offset of a tensor is no number from 0 upwards", where);
  const uint64_t offset = static_cast<uint64_t>(arguments[1].number);

  tensor.shapeAt = shapes.size();
  Status status = readSizes(arguments[2], "sizes", shapes, where);
  if (!status.failed())
    status = readSizes(arguments[3], "strides", strides, where);
  if (status.failed())
    return status;
  if (shapes.size() != strides.size())
    return fail(
        "BadTensorMeta",
        "a tensor has " + std::to_string(shapes.size() - tensor.shapeAt) +
            " sizes and " + std::to_string(strides.size() - tensor.shapeAt) +
            " strides",
        where);
  tensor.rank = static_cast<uint32_t>(shapes.size() - tensor.shapeAt);
  const int64_t *shape = shapes.data() + tensor.shapeAt;
  const int64_t *stride = strides.data() + tensor.shapeAt;
  uint64_t bits = 0;
  if (!tensorBits(shape, tensor.rank, tensor.dtype->bits, bits))
    return fail("Overflow",
                "a tensor of shape " + describeShape(shape, tensor.rank) +
                    " has more elements than can be counted",
                where);
  tensor.bytes = bits / 8;

  // The last element lies furthest: no stride is negative.
  uint64_t last = offset;
  bool counted = true;
  uint64_t dense = 1;
  for (uint32_t i = tensor.rank; i-- > 0 && tensor.bytes > 0;) {
    uint64_t steps = static_cast<uint64_t>(shape[i]) - 1;
    uint64_t distance = 0;
    counted = counted &&
              !__builtin_mul_overflow(steps, static_cast<uint64_t>(stride[i]),
                                      &distance) &&
              !__builtin_add_overflow(last, distance, &last);
    if (steps > 0 && static_cast<uint64_t>(stride[i]) != dense)
      tensor.contiguous = false;
    dense *= static_cast<uint64_t>(shape[i]); // at most `bits`
  }
  const uint64_t available = storage.bytes / itemSize;
  // An empty tensor may begin where the storage ends.
  if (!counted || (tensor.bytes > 0 ? last >= available : last > available))
    return fail("OutOfStorage",
                "a tensor of shape " + describeShape(shape, tensor.rank) +
                    ", strides " + describeShape(stride, tensor.rank) +
                    " and offset " + std::to_string(offset) +
                    " goes beyond the " + std::to_string(available) +
                    " elements of its storage",
                where);
  tensor.at = storage.at + offset * itemSize;
  return addTensor(tensor, where, result);
}

/// What follows: requires_grad, hooks, and perhaps metadata.
Status TorchObjects::checkTail(const PickleValue *arguments, size_t count,
                               const std::string &where,
                               const char *&unsupported) {
  if (!arguments[0].is(Kind::Bool))
    return fail("BadTensorMeta", "requires_grad of a tensor is no bool", where);
  if (!arguments[1].is(Kind::Dict) || graph.count(arguments[1]) != 0)
    return fail("BadTensorMeta",
                "the hooks of a tensor are no empty OrderedDict", where);
  if (count > 2 && !arguments[2].is(Kind::None)) {
    if (!arguments[2].is(Kind::Dict))
      return fail("BadTensorMeta", "the metadata of a tensor is no dict",
                  where);
    if (graph.count(arguments[2]) != 0)
      unsupported = "a tensor that is conjugated or negated when it is read "
                    "(resolve_conj() or resolve_neg() makes it plain)";
  }
  return Status::success();
}

Status TorchObjects::call(const PickleValue &global,
                          const PickleValue &arguments,
                          const std::string &where, PickleValue &result) {
  const TorchName *name = &nameOf(global);
  PickleValue part[mostArguments];
  size_t count = 0;
  auto wrong = [&] {
    return fail("ForbiddenReduce",
                std::string(name->module) + "." + name->name +
                    " is called with arguments that torch.save does not write",
                where);
  };
  switch (name->role) {
  case Role::Data:
    // The arguments stand for what would be made of them.
    result = arguments;
    return Status::success();
  case Role::Unsupported: {
    TorchTensor tensor;
    tensor.unsupported = name->what;
    return addTensor(tensor, where, result);
  }
  case Role::OrderedDict:
    if (graph.count(arguments) != 0)
      return wrong();
    return graph.make(Kind::Dict, result, true) ? Status::success()
                                                : beyondBudget(where);
  case Role::Dtype:
  case Role::Constant:
  case Role::Storage:
  case Role::TensorClass:
    return fail("ForbiddenReduce",
                std::string(name->module) + "." + name->name + " is called",
                where);
  default:
    break;
  }

  if (!graph.take(arguments, part, mostArguments, count))
    return wrong();
  if (name->role == Role::FromType) {
    // (function, class, its arguments, attributes)
    if (count != 4 || !part[0].is(Kind::Global) || !part[1].is(Kind::Global) ||
        nameOf(part[1]).role != Role::TensorClass || !part[2].is(Kind::Tuple))
      return wrong();
    name = &nameOf(part[0]);
    if (!graph.take(part[2], part, mostArguments, count))
      return wrong();
  }

  const char *unsupported = nullptr;
  const DtypeInfo *dtype = nullptr;
  Status status = Status::success();
  switch (name->role) {
  case Role::Rebuild:
    if (count != 4)
      return wrong();
    break;
  case Role::RebuildV2:
    if (count != 6 && count != 7)
      return wrong();
    status = checkTail(part + 4, count - 4, where, unsupported);
    break;
  case Role::RebuildV3:
    if ((count != 7 && count != 8) || !part[6].is(Kind::Global) ||
        nameOf(part[6]).role != Role::Dtype)
      return wrong();
    dtype = nameOf(part[6]).dtype;
    // The dtype stands before the metadata.
    part[6] = part[7];
    status = checkTail(part + 4, count - 5, where, unsupported);
    break;
  case Role::Parameter:
    // The tensor that it is made of.
    if ((count != 3 && count != 4) || !part[0].is(Kind::Object) ||
        !tensor(part[0]))
      return wrong();
    result = part[0];
    return checkTail(part + 1, 2, where, unsupported);
  default:
    return wrong();
  }
  if (status.failed())
    return status;
  status = rebuild(part, dtype, where, result);
  if (!status.failed())
    tensors.back().unsupported = unsupported;
  return status;
}

} // namespace ttc
