//===- DeviceImages.cpp - Which code runs on this GPU? --------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/DeviceImages.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace ttc {
namespace {

/// An image's architecture, taken apart.
struct Architecture {
  ComputeCapability capability;
  char suffix; ///< 'a', 'f' or 0
};

bool parse(std::string_view name, Architecture &architecture) {
  if (name == "emulated") {
    architecture = {{0, 0}, 0};
    return true;
  }
  constexpr std::string_view prefix = "sm_";
  if (name.substr(0, prefix.size()) != prefix)
    return false;
  name.remove_prefix(prefix.size());
  int number = 0;
  auto [stop, error] =
      std::from_chars(name.data(), name.data() + name.size(), number);
  std::string_view suffix =
      name.substr(static_cast<size_t>(stop - name.data()));
  if (error != std::errc() || number < 10 || suffix.size() > 1 ||
      (suffix != "" && suffix != "a" && suffix != "f"))
    return false;
  architecture = {{number / 10, number % 10},
                  suffix.empty() ? '\0' : suffix[0]};
  return true;
}

int compare(const ComputeCapability &a, const ComputeCapability &b) {
  return a.major != b.major ? a.major - b.major : a.minor - b.minor;
}

bool runs(const ttc_device_image &image, const ComputeCapability &on) {
  Architecture made;
  if (!image.architecture || !parse(image.architecture, made))
    return false;
  const int older = compare(made.capability, on);
  const bool family = made.capability.major == on.major && older <= 0;
  if (made.suffix == 'a' || on.major == 0)
    return older == 0;
  if (made.suffix == 'f' || !image.is_ptx)
    return family;
  // The emulated one is older than all.
  return made.capability.major > 0 && older <= 0;
}

/// Whether `a` is better than `b`; both run. Among equals, the first in the
/// table.
bool isBetter(const ttc_device_image *a, const ttc_device_image *b) {
  if (a->is_ptx != b->is_ptx)
    return !a->is_ptx;
  Architecture first, second;
  parse(a->architecture, first);
  parse(b->architecture, second);
  const int newer = compare(first.capability, second.capability);
  if (newer != 0)
    return newer > 0;
  const bool special = first.suffix != 0, otherSpecial = second.suffix != 0;
  return special != otherSpecial ? special : a < b;
}

} // namespace

std::vector<const ttc_device_image *>
imagesFor(const ttc_device_code &code, const ComputeCapability &capability) {
  std::vector<const ttc_device_image *> images;
  for (uint32_t i = 0; i < code.num_images; ++i)
    if (runs(code.images[i], capability))
      images.push_back(&code.images[i]);
  std::sort(images.begin(), images.end(), isBetter);
  return images;
}

bool hasClusters(const ttc_device_image &image) {
  Architecture made;
  return parse(image.architecture, made) &&
         (made.capability.major == 0 || made.capability.major >= 9);
}

std::string describeImages(const ttc_device_code &code) {
  std::string text;
  for (uint32_t i = 0; i < code.num_images; ++i) {
    if (i)
      text += i + 1 == code.num_images ? " and " : ", ";
    text += code.images[i].is_ptx ? "PTX for " : "machine code for ";
    text += code.images[i].architecture;
  }
  return text.empty() ? "no image at all" : text;
}

} // namespace ttc
