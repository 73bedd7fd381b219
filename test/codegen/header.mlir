// Is the header of a model whole C and C++, with its names and sizes?
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: rm -rf %t && split-file %s %t
// RUN: ttc %t/dynamic.mlir --emit=header -o %t/libnet.h && FileCheck %t/dynamic.mlir --input-file=%t/libnet.h
// RUN: ttc %t/static.mlir --emit=header | FileCheck %t/static.mlir
// RUN: ttc %t/types.mlir --emit=header -o %t/types.h && FileCheck %t/types.mlir --input-file=%t/types.h
// RUN: %clang -x c -std=c99 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -I%source/runtime/include %t/types.h
// RUN: ttc %t/names.mlir --emit=header -o %t/names.h && FileCheck %t/names.mlir --input-file=%t/names.h
// RUN: %clang -x c -std=c99 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -I%source/runtime/include %t/libnet.h
// RUN: %clang -x c++ -std=c++17 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -I%source/runtime/include %t/libnet.h
// RUN: %clang -x c -std=c99 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -I%source/runtime/include %t/names.h
// RUN: %clang -x c++ -std=c++17 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -I%source/runtime/include %t/names.h

//--- dynamic.mlir
// The guard is named after the file.
// CHECK: /* The model 'net', compiled by ttc for {{.*}}.
// CHECK: #ifndef TTC_MODEL_NET_H
// CHECK: #include <ttc/runtime.h>
// CHECK: extern const ttc_model_descriptor ttc_model_net;
// CHECK: Input spikes: f32 (batch, 3, 8). Its elements for each row of the batch.
// CHECK-NEXT: #define NET_IN_SPIKES_SIZE 24
// CHECK: Output output0: f32 (batch, 3, 2). Its elements for each row of the batch.
// CHECK-NEXT: #define NET_OUT_OUTPUT0_SIZE 6
// CHECK: /* State n.mem: f32 (batch, 3, 2). */
// CHECK: static inline ttc_status net_step(ttc_session *session, const float *in_spikes, float *out_output0, int64_t batch, ttc_error *error) {
// CHECK: return ttc_session_step_raw(session, inputs, outputs, batch, error);
// CHECK: static inline ttc_status net_run(ttc_session *session, const float *in_spikes, float *out_output0, int64_t batch, int64_t steps, ttc_error *error) {
// CHECK: return ttc_session_run_raw(session, inputs, outputs, batch, steps, error);
ttc.model @net(%x: tensor<?x3x8xf32> {ttc.name = "spikes"}) -> tensor<?x3x2xf32> {
  %0 = ttc.linear "l" (%x) : tensor<?x3x8xf32> -> tensor<?x3x2xf32>
  %1 = ttc.neuron LI "n" (%0) : tensor<?x3x2xf32>
  ttc.return %1 : tensor<?x3x2xf32>
}

//--- static.mlir
// CHECK: Input input0: f32 (2, 4). Its elements. */
// CHECK-NEXT: #define TWO_IN_INPUT0_SIZE 8
// CHECK: Input input1: f32 (). Its elements. */
// CHECK-NEXT: #define TWO_IN_INPUT1_SIZE 1
// A static model takes no batch.
// CHECK: static inline ttc_status two_step(ttc_session *session, const float *in_input0, const float *in_input1, float *out_output0, float *out_output1, ttc_error *error) {
// CHECK: return ttc_session_step_raw(session, inputs, outputs, 1, error);
ttc.model @two(%x: tensor<2x4xf32>, %y: tensor<f32>) -> (tensor<2x4xf32>, tensor<f32>) {
  ttc.return %x, %y : tensor<2x4xf32>, tensor<f32>
}

//--- types.mlir
// Each element type has its own in C; a state that is stored in 16 bits is no concern of
// the caller's, but a comment.
// CHECK: Input a: f64 (batch, 4). Its elements for each row of the batch. */
// CHECK: Input b: i64 (batch). Its elements for each row of the batch. */
// CHECK: Input c: i32 (3). Its elements. */
// CHECK: Output output0: f64 (batch, 4). Its elements for each row of the batch. */
// CHECK: /* State kept: bf16 (4). */
// CHECK: /* State stack: f64 (2, batch, 4). */
// CHECK: static inline ttc_status types_step(ttc_session *session, const double *in_a, const int64_t *in_b, const int32_t *in_c, double *out_output0, double *out_output1, double *out_output2, int64_t batch, ttc_error *error) {
ttc.state @kept : tensor<4xbf16>
ttc.state @stack : tensor<2x?x4xf64>
ttc.model @types(%a: tensor<?x4xf64> {ttc.name = "a"}, %b: tensor<?xi64> {ttc.name = "b"}, %c: tensor<3xi32> {ttc.name = "c"})
    -> (tensor<?x4xf64>, tensor<?x4xf64>, tensor<3x4xf64>) {
  %0 = ttc.embedding "b" (%b) rows(10) : tensor<?xi64> -> tensor<?x4xf64>
  %1 = ttc.embedding "c" (%c) rows(10) : tensor<3xi32> -> tensor<3x4xf64>
  ttc.write %a, @stack[1] : tensor<?x4xf64>
  ttc.return %a, %0, %1 : tensor<?x4xf64>, tensor<?x4xf64>, tensor<3x4xf64>
}

//--- names.mlir
// Words of C, names of the functions' own, one name on both sides, and a key that would
// end a comment.
// CHECK: State a{{.*}}b: f32 (4). */
// CHECK: names_step(ttc_session *session, const float *in_int, const float *in_session, const float *in_error, float *out_int, ttc_error *error)
ttc.state @"a*/b" : tensor<4xf32>
ttc.model @names(%x: tensor<4xf32> {ttc.name = "int"}, %y: tensor<4xf32> {ttc.name = "session"},
                 %z: tensor<4xf32> {ttc.name = "error"}) -> (tensor<8xf32> {ttc.name = "int"}) {
  ttc.write %x, @"a*/b" : tensor<4xf32>
  %0 = ttc.linear "l" (%y) : tensor<4xf32> -> tensor<8xf32>
  ttc.return %0 : tensor<8xf32>
}
