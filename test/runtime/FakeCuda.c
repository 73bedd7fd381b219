//===- FakeCuda.c - How does a driver fail? -------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct FakeCuda FakeCuda;
#include "FakeCuda.h"

#define EXPORT __attribute__((visibility("default")))
#define INVALID_VALUE 1
#define INVALID_CONTEXT 201

/// No address of the host has this bit.
static const unsigned long long deviceBit = 1ull << 62;

EXPORT FakeCuda ttc_fake_cuda = {2, 0, 0, 0, 0, 0, 0, 0};
static FakeCuda *const fake = &ttc_fake_cuda;
static int contexts[2];

static int enter(const char *function) {
  ++fake->calls;
  return fake->failing && strcmp(fake->failing, function) == 0 ? fake->error
                                                               : 0;
}

/// Of the functions that need a current context.
static int enterContext(const char *function) {
  int error = enter(function);
  return error ? error : fake->depth == 1 ? 0 : INVALID_CONTEXT;
}

EXPORT int cuInit(unsigned flags) {
  return flags ? INVALID_VALUE : enter("cuInit");
}

EXPORT int cuDeviceGetCount(int *count) {
  *count = fake->devices;
  return enter("cuDeviceGetCount");
}

EXPORT int cuDeviceGet(int *device, int ordinal) {
  int error = enter("cuDeviceGet");
  if (error || ordinal < 0 || ordinal >= fake->devices)
    return error ? error : INVALID_VALUE;
  // A device is no ordinal.
  *device = 100 + ordinal;
  fake->ordinal = ordinal;
  return 0;
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  int error = enter("cuDevicePrimaryCtxRetain");
  if (error)
    return error;
  *context = &contexts[device - 100];
  ++fake->retained;
  return 0;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  (void)device;
  --fake->retained;
  return enter("cuDevicePrimaryCtxRelease");
}

EXPORT int cuCtxPushCurrent_v2(void *context) {
  int error = enter("cuCtxPushCurrent");
  if (error || !context)
    return error ? error : INVALID_CONTEXT;
  ++fake->depth;
  return 0;
}

EXPORT int cuCtxPopCurrent_v2(void **context) {
  *context = &contexts[0];
  --fake->depth;
  return enter("cuCtxPopCurrent");
}

EXPORT int cuMemAlloc_v2(unsigned long long *address, size_t size) {
  int error = enterContext("cuMemAlloc");
  if (error || !size)
    return error ? error : INVALID_VALUE;
  *address = (unsigned long long)(uintptr_t)aligned_alloc(256, (size + 255) /
                                                                   256 * 256) |
             deviceBit;
  ++fake->blocks;
  return 0;
}

EXPORT int cuMemFree_v2(unsigned long long address) {
  int error = enterContext("cuMemFree");
  if (error)
    return error;
  free((void *)(uintptr_t)(address & ~deviceBit));
  --fake->blocks;
  return 0;
}

EXPORT int cuMemcpyHtoD_v2(unsigned long long to, const void *from,
                           size_t size) {
  int error = enterContext("cuMemcpyHtoD");
  if (error || !(to & deviceBit))
    return error ? error : INVALID_VALUE;
  memcpy((void *)(uintptr_t)(to & ~deviceBit), from, size);
  return 0;
}

EXPORT int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) {
  int error = enterContext("cuMemcpyDtoH");
  if (error || !(from & deviceBit))
    return error ? error : INVALID_VALUE;
  memcpy(to, (void *)(uintptr_t)(from & ~deviceBit), size);
  return 0;
}

EXPORT int cuGetErrorName(int error, const char **name) {
  *name = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : 0;
  return error == 2 ? 0 : INVALID_VALUE;
}

// A driver of long ago has no texts.
#ifndef FAKE_CUDA_IS_OLD
EXPORT int cuGetErrorString(int error, const char **text) {
  *text = error == 2 ? "out of memory" : 0;
  return error == 2 ? 0 : INVALID_VALUE;
}
#endif
