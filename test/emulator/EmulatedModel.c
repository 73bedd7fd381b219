//===- EmulatedModel.c - What does a compiled model for GPUs look like? ---===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library to be loaded, as `ttc --target=cpu,nvptx --gpu-arch=emulated` makes
// them: the model of FakeModel.c, and its kernels from FakeKernels.c as an
// image for the emulator.
//
//===----------------------------------------------------------------------===//

#include "FakeModel.h"

asm(".section .rodata\n"
    ".balign 64\n"
    "ttc_image: .incbin \"" FAKE_IMAGE "\"\n"
    "ttc_image_end: .byte 0\n"
    ".text\n");
extern const char ttc_image[], ttc_image_end[];

static ttc_device_image image;
static ttc_device_code code;

__attribute__((visibility("default"))) ttc_model_descriptor ttc_model;

/// The size of an image is no constant to a compiler of C.
__attribute__((constructor)) static void makeDescriptor(void) {
  image.architecture = "emulated";
  image.data = ttc_image;
  image.size = (uint64_t)(ttc_image_end - ttc_image);
  code.prepared_size = ttc_model_fake.prepared_size;
  code.prepare = ttc_model_fake.prepare;
  code.scratch_size = ttc_model_fake.scratch_size;
  code.threads.per_batch = FAKE_NEURONS;
  code.block_threads = 32;
  code.rows_are_independent = 1;
  code.tile_rows = 1;
  code.num_images = 1;
  code.images = &image;
  ttc_model = ttc_model_fake;
  ttc_model.device = &code;
}
