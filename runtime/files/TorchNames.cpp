//===- TorchNames.cpp - Which names may a torch pickle have? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/TorchNames.h"

#include "ttc/runtime.h"

namespace ttc {
namespace {

using Role = TorchName::Role;

// As in the table of Dtype.cpp, of which these are no references: a table that
// is constant needs no order of initialization.
constexpr DtypeInfo f32 = {"F32", 32, TTC_DTYPE_F32};
constexpr DtypeInfo f64 = {"F64", 64, TTC_DTYPE_F64};
constexpr DtypeInfo f16 = {"F16", 16, TTC_DTYPE_F16};
constexpr DtypeInfo bf16 = {"BF16", 16, TTC_DTYPE_BF16};
constexpr DtypeInfo i32 = {"I32", 32, TTC_DTYPE_I32};
constexpr DtypeInfo i64 = {"I64", 64, TTC_DTYPE_I64};
constexpr DtypeInfo u8 = {"U8", 8, TTC_DTYPE_U8};
constexpr DtypeInfo boolean = {"BOOL", 8, TTC_DTYPE_BOOL};
constexpr DtypeInfo i8 = {"I8", 8, 0};
constexpr DtypeInfo i16 = {"I16", 16, 0};
constexpr DtypeInfo u16 = {"U16", 16, 0};
constexpr DtypeInfo u32 = {"U32", 32, 0};
constexpr DtypeInfo u64 = {"U64", 64, 0};
constexpr DtypeInfo c64 = {"C64", 64, 0};
constexpr DtypeInfo f8e4m3 = {"F8_E4M3", 8, 0};
constexpr DtypeInfo f8e5m2 = {"F8_E5M2", 8, 0};
constexpr DtypeInfo f8e8m0 = {"F8_E8M0", 8, 0};
constexpr DtypeInfo f8e4m3fnuz = {"F8_E4M3FNUZ", 8, 0};
constexpr DtypeInfo f8e5m2fnuz = {"F8_E5M2FNUZ", 8, 0};
// Those that a safetensors file cannot name, as PyTorch does.
constexpr DtypeInfo complex128 = {"complex128", 128, 0};
constexpr DtypeInfo complex32 = {"complex32", 32, 0};
constexpr DtypeInfo float4 = {"float4_e2m1fn_x2", 8, 0};
constexpr DtypeInfo bits8 = {"bits8", 8, 0};
constexpr DtypeInfo bits16 = {"bits16", 16, 0};
constexpr DtypeInfo bits1x8 = {"bits1x8", 8, 0};
constexpr DtypeInfo bits2x4 = {"bits2x4", 8, 0};
constexpr DtypeInfo bits4x2 = {"bits4x2", 8, 0};
constexpr DtypeInfo qint8 = {"qint8", 8, 0};
constexpr DtypeInfo quint8 = {"quint8", 8, 0};
constexpr DtypeInfo qint32 = {"qint32", 32, 0};
constexpr DtypeInfo quint4x2 = {"quint4x2", 8, 0};
constexpr DtypeInfo quint2x4 = {"quint2x4", 8, 0};

} // namespace

const TorchName torchNames[] = {
    {"torch._utils", "_rebuild_tensor_v2", Role::RebuildV2},
    {"torch._utils", "_rebuild_tensor_v3", Role::RebuildV3},
    {"torch._utils", "_rebuild_tensor", Role::Rebuild},
    {"torch._utils", "_rebuild_parameter", Role::Parameter},
    {"torch._utils", "_rebuild_parameter_with_state", Role::Parameter},
    {"torch._tensor", "_rebuild_from_type_v2", Role::FromType},
    {"torch", "Tensor", Role::TensorClass},
    {"torch.nn.parameter", "Parameter", Role::TensorClass},
    {"torch.nn.parameter", "Buffer", Role::TensorClass},

    {"collections", "OrderedDict", Role::OrderedDict},
    {"collections", "Counter", Role::Data},
    {"torch", "Size", Role::Data},
    {"torch", "device", Role::Data},
    {"torch.serialization", "_get_layout", Role::Data},
    {"_codecs", "encode", Role::Data},
    {"__builtin__", "set", Role::Data},
    {"__builtin__", "frozenset", Role::Data},
    {"__builtin__", "complex", Role::Data},
    {"__builtin__", "bytearray", Role::Data},
    {"builtins", "set", Role::Data},
    {"builtins", "frozenset", Role::Data},
    {"builtins", "complex", Role::Data},
    {"builtins", "bytearray", Role::Data},

    {"torch", "FloatStorage", Role::Storage, &f32},
    {"torch", "DoubleStorage", Role::Storage, &f64},
    {"torch", "HalfStorage", Role::Storage, &f16},
    {"torch", "BFloat16Storage", Role::Storage, &bf16},
    {"torch", "IntStorage", Role::Storage, &i32},
    {"torch", "LongStorage", Role::Storage, &i64},
    {"torch", "ByteStorage", Role::Storage, &u8},
    {"torch", "BoolStorage", Role::Storage, &boolean},
    {"torch", "CharStorage", Role::Storage, &i8},
    {"torch", "ShortStorage", Role::Storage, &i16},
    {"torch", "ComplexFloatStorage", Role::Storage, &c64},
    {"torch", "ComplexDoubleStorage", Role::Storage, &complex128},
    {"torch", "QInt8Storage", Role::Storage, &qint8},
    {"torch", "QUInt8Storage", Role::Storage, &quint8},
    {"torch", "QInt32Storage", Role::Storage, &qint32},
    {"torch", "QUInt4x2Storage", Role::Storage, &quint4x2},
    {"torch", "QUInt2x4Storage", Role::Storage, &quint2x4},
    {"torch.storage", "UntypedStorage", Role::Storage},

    {"torch", "float32", Role::Dtype, &f32},
    {"torch", "float64", Role::Dtype, &f64},
    {"torch", "float16", Role::Dtype, &f16},
    {"torch", "bfloat16", Role::Dtype, &bf16},
    {"torch", "int32", Role::Dtype, &i32},
    {"torch", "int64", Role::Dtype, &i64},
    {"torch", "uint8", Role::Dtype, &u8},
    {"torch", "bool", Role::Dtype, &boolean},
    {"torch", "int8", Role::Dtype, &i8},
    {"torch", "int16", Role::Dtype, &i16},
    {"torch", "uint16", Role::Dtype, &u16},
    {"torch", "uint32", Role::Dtype, &u32},
    {"torch", "uint64", Role::Dtype, &u64},
    {"torch", "complex64", Role::Dtype, &c64},
    {"torch", "complex128", Role::Dtype, &complex128},
    {"torch", "complex32", Role::Dtype, &complex32},
    {"torch", "float8_e4m3fn", Role::Dtype, &f8e4m3},
    {"torch", "float8_e5m2", Role::Dtype, &f8e5m2},
    {"torch", "float8_e8m0fnu", Role::Dtype, &f8e8m0},
    {"torch", "float8_e4m3fnuz", Role::Dtype, &f8e4m3fnuz},
    {"torch", "float8_e5m2fnuz", Role::Dtype, &f8e5m2fnuz},
    {"torch", "float4_e2m1fn_x2", Role::Dtype, &float4},
    {"torch", "bits8", Role::Dtype, &bits8},
    {"torch", "bits16", Role::Dtype, &bits16},
    {"torch", "bits1x8", Role::Dtype, &bits1x8},
    {"torch", "bits2x4", Role::Dtype, &bits2x4},
    {"torch", "bits4x2", Role::Dtype, &bits4x2},
    {"torch", "qint8", Role::Dtype, &qint8},
    {"torch", "quint8", Role::Dtype, &quint8},
    {"torch", "qint32", Role::Dtype, &qint32},
    {"torch", "quint4x2", Role::Dtype, &quint4x2},
    {"torch", "quint2x4", Role::Dtype, &quint2x4},

    {"torch", "per_tensor_affine", Role::Constant},
    {"torch", "per_tensor_symmetric", Role::Constant},
    {"torch", "per_channel_affine", Role::Constant},
    {"torch", "per_channel_symmetric", Role::Constant},
    {"torch", "per_channel_affine_float_qparams", Role::Constant},

    {"torch._utils", "_rebuild_qtensor", Role::Unsupported, nullptr,
     "a quantised tensor"},
    {"torch._utils", "_rebuild_sparse_tensor", Role::Unsupported, nullptr,
     "a sparse tensor"},
    {"torch._utils", "_rebuild_nested_tensor", Role::Unsupported, nullptr,
     "a nested tensor"},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", Role::Unsupported,
     nullptr, "a tensor on the meta device, which has no data"},
    {"torch._utils", "_rebuild_wrapper_subclass", Role::Unsupported, nullptr,
     "a subclass of torch.Tensor"},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", Role::Unsupported,
     nullptr, "a tensor of a device that saves through NumPy"},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor",
     Role::Unsupported, nullptr,
     "a tensor of a device that saves through another tensor"},
};

const size_t numTorchNames = sizeof(torchNames) / sizeof(torchNames[0]);

} // namespace ttc
