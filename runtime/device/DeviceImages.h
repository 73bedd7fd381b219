//===- DeviceImages.h - Which code runs on this GPU? ------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model carries several images, of which machine code (a cubin) runs on its
// own generation of GPUs alone, and PTX, which the driver compiles, on every
// newer one as well. An architecture with a letter behind it uses what only
// that one (a) or only its family (f) has.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICEIMAGES_H
#define TTC_DEVICEIMAGES_H

#include "ttc/model.h"

#include <string>
#include <vector>

namespace ttc {

/// 9 and 0 of a GPU for which sm_90 is compiled. That of an emulated GPU, which
/// runs images of the architecture "emulated", is 0.0.
struct ComputeCapability {
  int major;
  int minor;
};

/// The images that can run there, the best first: machine code before PTX, what
/// was made for that GPU before what was made for an older one.
std::vector<const ttc_device_image *>
imagesFor(const ttc_device_code &code, const ComputeCapability &capability);

/// Whether its kernels can wait as a cluster: those of sm_90 and later can, on
/// whatever GPU, and those of an emulated one.
bool hasClusters(const ttc_device_image &image);

/// "PTX for sm_80 and machine code for sm_90a".
std::string describeImages(const ttc_device_code &code);

} // namespace ttc

#endif // TTC_DEVICEIMAGES_H
