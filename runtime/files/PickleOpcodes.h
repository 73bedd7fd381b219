//===- PickleOpcodes.h - What is an instruction called? ---------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PICKLEOPCODES_H
#define TTC_PICKLEOPCODES_H

#include <string>

namespace ttc {

/// As Python's pickletools calls it, such as "STACK_GLOBAL"; "7" for a byte
/// that is no instruction of any protocol.
std::string pickleOpcodeName(unsigned char code);

} // namespace ttc

#endif // TTC_PICKLEOPCODES_H
