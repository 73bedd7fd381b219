//===- TTC.td -------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a program can say, in reading order.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_TD
#define TTC_TD

include "dialect/TTCDialect.td"
include "dialect/TTCAttrs.td"
include "dialect/TTCInterfaces.td"
include "dialect/TTCModelOps.td"
include "dialect/TTCParamOps.td"
include "dialect/TTCStateOps.td"
include "dialect/TTCNeuronOps.td"
include "dialect/TTCAdaptiveNeuronOps.td"
include "dialect/TTCRecurrentOps.td"
include "dialect/TTCStateSpaceOps.td"
include "dialect/TTCLinearOps.td"
include "dialect/TTCConvolutionOps.td"
include "dialect/TTCPoolingOps.td"
include "dialect/TTCNormalizationOps.td"
include "dialect/TTCActivationOps.td"
include "dialect/TTCElementwiseOps.td"
include "dialect/TTCReductionOps.td"
include "dialect/TTCShapeOps.td"
include "dialect/TTCNestOps.td"

#endif // TTC_TD
