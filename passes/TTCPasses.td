//===- TTCPasses.td ----------------------------------------------*- tablegen -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each pass does, why, and an example: scripts/check_doc_examples.py holds every
// After to what the pass makes of its Before.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PASSES_TD
#define TTC_PASSES_TD

include "mlir/Pass/PassBase.td"

class TTC_Pass<string name> : Pass<name, "::mlir::ModuleOp">;

def SpecializeBatch : TTC_Pass<"ttc-specialize-batch"> {
  let summary = "Fix the size of the batch";
  let description = [{
    A model whose leading size is dynamic runs with any batch. Where the batch is known,
    one number in the place of every `?` lets the schedule unroll over it, and drops the
    arithmetic on sizes. The states keep their names: a file of states fits both models.

    Before (`batch=8`):

    ```mlir
    ttc.state @last : tensor<?x4xf32>
    ttc.model @delay(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = ttc.read @last : tensor<?x4xf32>
      ttc.write %x, @last : tensor<?x4xf32>
      ttc.return %0 : tensor<?x4xf32>
    }
    ```

    After:

    ```mlir
    ttc.state @last : tensor<8x4xf32>
    ttc.model @delay(%arg0: tensor<8x4xf32>) -> tensor<8x4xf32> {
      %0 = ttc.read @last : tensor<8x4xf32>
      ttc.write %arg0, @last : tensor<8x4xf32>
      ttc.return %0 : tensor<8x4xf32>
    }
    ```
  }];
  let options = [Option<"batch", "batch", "int64_t", "1",
                        "the size that the leading dimensions get, from 1">];
}

def DeclareResources : TTC_Pass<"ttc-declare-resources"> {
  let summary = "Declare the parameters and states that layers own, by name";
  let description = [{
    A layer names its path and nothing else. What it owns follows from its kind: this pass
    asks every layer and declares the answer beside the model, parameters in their raw form,
    so that whoever loads weights or saves states has a list of keys, and later passes have
    symbols to refer to. What is declared already stays as it is, in either form, if the
    type agrees. A layer that is used twice has one set of resources; two different layers
    under one path are an error.

    Before:

    ```mlir
    ttc.model @net(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
      %0 = ttc.linear "net.0" (%x) : tensor<?x4xf32> -> tensor<?x2xf32>
      %1 = ttc.neuron LIB "net.1" (%0) : tensor<?x2xf32>
      ttc.return %1 : tensor<?x2xf32>
    }
    ```

    After:

    ```mlir
    ttc.param @net.0.bias : tensor<2xf32>
    ttc.param @net.0.weight : tensor<2x4xf32>
    ttc.param @net.1.raw_beta : tensor<2xf32> constrained(sigmoid)
    ttc.param @net.1.raw_bias : tensor<2xf32> constrained(arcsinh)
    ttc.param @net.1.raw_threshold : tensor<2xf32> constrained(softplus)
    ttc.state @net.1.mem : tensor<?x2xf32>
    ttc.model @net(%arg0: tensor<?x4xf32>) -> tensor<?x2xf32> {
      %0 = ttc.linear "net.0" (%arg0) : tensor<?x4xf32> -> tensor<?x2xf32>
      %1 = ttc.neuron LIB "net.1" (%0) : tensor<?x2xf32>
      ttc.return %1 : tensor<?x2xf32>
    }
    ```
  }];
}

def CompileParams : TTC_Pass<"ttc-compile-params"> {
  let summary = "Declare parameters by the values that layers use";
  let description = [{
    TTcompile of the reference: a parameter in its raw form, which a layer would send
    through its activation at every timestep, becomes one that is activated once, when
    weights are loaded. Layers ask for a parameter by its short name and see no difference,
    so this runs while they are whole. The weights may still bring either form.

    Before:

    ```mlir
    ttc.param @"net.0.weight" : tensor<2x4xf32>
    ttc.param @"net.1.raw_beta" : tensor<2xf32> constrained(sigmoid)
    ```

    After:

    ```mlir
    ttc.param @net.0.weight : tensor<2x4xf32>
    ttc.param @net.1.beta : tensor<2xf32> activated(sigmoid)
    ```
  }];
}

def DecompileParams : TTC_Pass<"ttc-decompile-params"> {
  let summary = "Declare parameters by the values that training moves";
  let description = [{
    TTdecompile of the reference, the inverse of compile-params: layers that are expanded
    after it activate their parameters within the timestep, where a gradient can pass
    through.

    Before:

    ```mlir
    ttc.param @"net.0.weight" : tensor<2x4xf32>
    ttc.param @"net.1.beta" : tensor<2xf32> activated(sigmoid)
    ```

    After:

    ```mlir
    ttc.param @net.0.weight : tensor<2x4xf32>
    ttc.param @net.1.raw_beta : tensor<2xf32> constrained(sigmoid)
    ```
  }];
}

def NarrowStorage : TTC_Pass<"ttc-narrow-storage"> {
  let summary = "Keep states in 16 bits, and packed weights in 16 or 8";
  let description = [{
    States are declared with 16 bits an element, and converted where they are read and
    written; weights are packed so, or as whole numbers of 8 bits with a scale for each
    output feature. Arithmetic, inputs, outputs and the weights file stay as they are. bf16
    has the range of f32 and 8 bits of precision: a state that changes by less than 1/256
    of itself in a timestep stands still. f16 has 11 bits and ends at 65504. `f32` leaves
    states, or weights, as they are.

    Before:

    ```mlir
    ttc.state @sum : tensor<4xf32>
    ttc.model @integrate(%x: tensor<4xf32>) -> tensor<4xf32> {
      %old = ttc.read @sum : tensor<4xf32>
      %new = arith.addf %old, %x : tensor<4xf32>
      ttc.write %new, @sum : tensor<4xf32>
      ttc.return %new : tensor<4xf32>
    }
    ```

    After:

    ```mlir
    module attributes {ttc.packed_storage = bf16} {
      ttc.state @sum : tensor<4xbf16>
      ttc.model @integrate(%arg0: tensor<4xf32>) -> tensor<4xf32> {
        %0 = ttc.read @sum : tensor<4xbf16>
        %1 = arith.extf %0 : tensor<4xbf16> to tensor<4xf32>
        %2 = arith.addf %1, %arg0 : tensor<4xf32>
        %3 = arith.truncf %2 : tensor<4xf32> to tensor<4xbf16>
        ttc.write %3, @sum : tensor<4xbf16>
        ttc.return %2 : tensor<4xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"states", "states", "std::string", "\"bf16\"", "f32, bf16 or f16">,
    Option<"weights", "weights", "std::string", "\"bf16\"",
           "f32, bf16, f16 or int8">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandLayers : TTC_Pass<"ttc-expand-layers"> {
  let summary = "Replace layers by reads, ordinary operations and writes";
  let description = [{
    Every layer says through its interface what it computes, once, in operations of linalg,
    arith and math on whole tensors. From here on a layer of the dialect and one that a user
    wrote with reads and writes are the same thing, and passes need to know neither. Reads
    and writes keep the order of the layers, so that a layer that is used twice steps twice.
    The operations of a layer carry its path as the name of their location.

    Before:

    ```mlir
    ttc.param @"net.0.beta" : tensor<2xf32> activated(sigmoid)
    ttc.state @"net.0.mem" : tensor<3x2xf32>
    ttc.model @net(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
      %0 = ttc.neuron LI "net.0" (%x) : tensor<3x2xf32>
      ttc.return %0 : tensor<3x2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0, d1) -> (d0, d1)>
    #map1 = affine_map<(d0, d1) -> (d1)>
    ttc.param @net.0.beta : tensor<2xf32> activated(sigmoid)
    ttc.state @net.0.mem : tensor<3x2xf32>
    ttc.model @net(%arg0: tensor<3x2xf32>) -> tensor<3x2xf32> {
      %0 = ttc.read @net.0.mem : tensor<3x2xf32>
      %1 = ttc.param_value @net.0.beta : tensor<2xf32>
      %2 = tensor.empty() : tensor<3x2xf32>
      %3 = tensor.empty() : tensor<3x2xf32>
      %4:2 = linalg.generic {indexing_maps = [#map, #map, #map1, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0, %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<2xf32>) outs(%2, %3 : tensor<3x2xf32>, tensor<3x2xf32>) {
      ^bb0(%in: f32, %in_0: f32, %in_1: f32, %out: f32, %out_2: f32):
        %5 = arith.mulf %in_0, %in_1 : f32
        %6 = arith.addf %5, %in : f32
        linalg.yield %6, %6 : f32, f32
      } -> (tensor<3x2xf32>, tensor<3x2xf32>)
      ttc.write %4#1, @net.0.mem : tensor<3x2xf32>
      ttc.return %4#0 : tensor<3x2xf32>
    }
    ```
  }];
}

def ThreadStates : TTC_Pass<"ttc-thread-states"> {
  let summary = "Turn the model into a pure function, states in and out";
  let description = [{
    Replaces every read by the value that it would see, and returns what the last write of
    each state left. No effect remains, so that everything behind is free to reorder, and a
    state is an argument like any other: many sessions can share the code. Arguments are the
    inputs, the params as they are declared, the states in order of name, a stack of states
    place by place; results are the outputs, then the new states. An attribute of each says
    which it is.

    Before:

    ```mlir
    ttc.param @gain : tensor<4xf32>
    ttc.state @sum : tensor<4xf32>
    ttc.model @integrate(%x: tensor<4xf32>) -> tensor<4xf32> {
      %old = ttc.read @sum : tensor<4xf32>
      %gain = ttc.param_value @gain : tensor<4xf32>
      %scaled = arith.mulf %x, %gain : tensor<4xf32>
      %new = arith.addf %old, %scaled : tensor<4xf32>
      ttc.write %new, @sum : tensor<4xf32>
      ttc.return %old : tensor<4xf32>
    }
    ```

    After:

    ```mlir
    ttc.param @gain : tensor<4xf32>
    ttc.state @sum : tensor<4xf32>
    func.func @integrate(%arg0: tensor<4xf32> {ttc.input = "input0"}, %arg1: tensor<4xf32> {ttc.param = @gain}, %arg2: tensor<4xf32> {ttc.state = @sum}) -> (tensor<4xf32> {ttc.output = "output0"}, tensor<4xf32> {ttc.state = @sum}) {
      %0 = arith.mulf %arg0, %arg1 : tensor<4xf32>
      %1 = arith.addf %arg2, %0 : tensor<4xf32>
      return %arg2, %1 : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def ConvertToNests : TTC_Pass<"ttc-convert-to-nests"> {
  let summary = "Bring every spelling of arithmetic to nests and reductions";
  let description = [{
    A timestep may be written with any operations of linalg, tensor, arith and math. Here
    they become the few that the code generators know: `ttc.nest` for what is elementwise,
    in whatever order it reads, and for a product with a matrix of weights; `ttc.reduce` for
    sums and extremes over a window, a convolution or a product of two activations among
    them; `ttc.assemble` for concatenations and paddings. A slice, a transposition or a
    broadcast becomes the map through which its user reads. What is none of these is an
    error.

    Before:

    ```mlir
    func.func @net(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
                   %b: tensor<2xf32> {ttc.param = @b}, %mem: tensor<2xf32> {ttc.state = @mem})
        -> (tensor<2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @mem}) {
      %current = linalg.contract
          indexing_maps = [affine_map<(n, k) -> (k)>, affine_map<(n, k) -> (n, k)>, affine_map<(n, k) -> (n)>]
          ins(%x, %w : tensor<4xf32>, tensor<2x4xf32>) outs(%b : tensor<2xf32>) -> tensor<2xf32>
      %new = arith.addf %mem, %current : tensor<2xf32>
      %y = math.tanh %new : tensor<2xf32>
      return %y, %new : tensor<2xf32>, tensor<2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net(%arg0: tensor<4xf32> {ttc.input = "x"}, %arg1: tensor<2x4xf32> {ttc.param = @w}, %arg2: tensor<2xf32> {ttc.param = @b}, %arg3: tensor<2xf32> {ttc.state = @mem}) -> (tensor<2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @mem}) {
      %0 = ttc.nest "" product(%arg0 : tensor<4xf32>) weights(%arg1 : tensor<2x4xf32>) maps [] -> tensor<2xf32> {
      ^bb0(%arg4: f32):
        ttc.yield %arg4 : f32
      }
      %1 = ttc.nest "" operands(%arg2, %0 : tensor<2xf32>, tensor<2xf32>) maps [#map, #map] -> tensor<2xf32> {
      ^bb0(%arg4: f32, %arg5: f32):
        %4 = arith.addf %arg5, %arg4 : f32
        ttc.yield %4 : f32
      }
      %2 = ttc.nest "" operands(%arg3, %1 : tensor<2xf32>, tensor<2xf32>) maps [#map, #map] -> tensor<2xf32> {
      ^bb0(%arg4: f32, %arg5: f32):
        %4 = arith.addf %arg4, %arg5 : f32
        ttc.yield %4 : f32
      }
      %3 = ttc.nest "" operands(%2 : tensor<2xf32>) maps [#map] -> tensor<2xf32> {
      ^bb0(%arg4: f32):
        %4 = math.tanh %arg4 : f32
        ttc.yield %4 : f32
      }
      return %3, %2 : tensor<2xf32>, tensor<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def NarrowProducts : TTC_Pass<"ttc-narrow-products"> {
  let summary = "Multiply in bf16, and add in f32";
  let description = [{
    What a product multiplies is rounded to bf16, to nearest with ties to even: its input
    by a nest of its own, which is fused with the one that makes the input; its weights
    when they are packed, which is what an input of bf16 asks for. Products of two such
    numbers are exact in f32, in which they are summed. Where the CPU multiplies pairs of
    bf16 (AVX-512 BF16), that is twice the products an instruction, and a GPU multiplies
    them by its matrix units; elsewhere the numbers are the same, but for the order of the
    sums, and nothing is gained.

    Products of fewer than 32 inputs, or of an odd number, stay f32: they take little
    time, and cannot go in pairs.

    Before:

    ```mlir
    func.func @net(%x: tensor<?x64xf32> {ttc.input = "x"}, %w: tensor<2x64xf32> {ttc.param = @w})
        -> (tensor<?x2xf32> {ttc.output = "y"}) {
      %y = ttc.nest "net.0" product(%x : tensor<?x64xf32>) weights(%w : tensor<2x64xf32>) maps [] -> tensor<?x2xf32> {
      ^bb0(%sum: f32):
        ttc.yield %sum : f32
      }
      return %y : tensor<?x2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0, d1) -> (d0, d1)>
    func.func @net(%arg0: tensor<?x64xf32> {ttc.input = "x"}, %arg1: tensor<2x64xf32> {ttc.param = @w}) -> (tensor<?x2xf32> {ttc.output = "y"}) {
      %0 = ttc.nest "net.0" operands(%arg0 : tensor<?x64xf32>) maps [#map] -> tensor<?x64xbf16> {
      ^bb0(%arg2: f32):
        %2 = arith.truncf %arg2 : f32 to bf16
        ttc.yield %2 : bf16
      }
      %1 = ttc.nest "net.0" product(%0 : tensor<?x64xbf16>) weights(%arg1 : tensor<2x64xf32>) maps [] -> tensor<?x2xf32> {
      ^bb0(%arg2: f32):
        ttc.yield %arg2 : f32
      }
      return %1 : tensor<?x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def FuseTimestep : TTC_Pass<"ttc-fuse-timestep"> {
  let summary = "Gather each layer into one loop nest";
  let description = [{
    Products with matrices and the elementwise operations that follow them, the gates, the
    update of the membrane, the firing, the reset, become one `ttc.nest`: its accumulators
    stay close from the products to the last operation, and each state is read and written
    once. Nests stay apart where one needs whole rows of the other (two products in a row),
    where an operand does not lie along the product's rows and columns, where one depends on
    parameters only, so that prepare-weights can hoist it, and beyond 8 products (the four
    gates of an LSTM, each of two operands) or 48 operands, where registers end.

    Before:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net(%x: tensor<4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.param = @w},
                   %mem: tensor<2xf32> {ttc.state = @mem})
        -> (tensor<2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @mem}) {
      %current = ttc.nest "net.0" product(%x : tensor<4xf32>) weights(%w : tensor<2x4xf32>)
          maps [] -> tensor<2xf32> {
      ^bb0(%sum: f32):
        ttc.yield %sum : f32
      }
      %new = ttc.nest "net.1" operands(%mem, %current : tensor<2xf32>, tensor<2xf32>)
          maps [#map, #map] -> tensor<2xf32> {
      ^bb0(%m: f32, %c: f32):
        %0 = arith.addf %m, %c : f32
        ttc.yield %0 : f32
      }
      return %new, %new : tensor<2xf32>, tensor<2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net(%arg0: tensor<4xf32> {ttc.input = "x"}, %arg1: tensor<2x4xf32> {ttc.param = @w}, %arg2: tensor<2xf32> {ttc.state = @mem}) -> (tensor<2xf32> {ttc.output = "y"}, tensor<2xf32> {ttc.state = @mem}) {
      %0 = ttc.nest "net.0+net.1" product(%arg0 : tensor<4xf32>) weights(%arg1 : tensor<2x4xf32>) operands(%arg2 : tensor<2xf32>) maps [#map] -> tensor<2xf32> {
      ^bb0(%arg3: f32, %arg4: f32):
        %1 = arith.addf %arg4, %arg3 : f32
        ttc.yield %1 : f32
      }
      return %0, %0 : tensor<2xf32>, tensor<2xf32>
    }
    ```
  }];
}

def SimplifyFiring : TTC_Pass<"ttc-simplify-firing"> {
  let summary = "Fire by a comparison where a sigmoid is rounded";
  let description = [{
    A neuron with hard events rounds a sigmoid to 0 or 1: it fires where the sigmoid's argument
    is positive, and neither the exponential nor the division is needed to know that. The
    comparison is with the least argument whose sigmoid, correctly rounded, is more than 1/2:
    2^-23 in f32, 2^-52 in f64. A NaN stays one. Neurons that fire their sigmoid as it is, draw
    a random number, or round to another step than 1 keep it.

    Before:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net(%mem: tensor<2xf32> {ttc.input = "x"}) -> (tensor<2xf32> {ttc.output = "y"}) {
      %0 = ttc.nest "net.1" operands(%mem : tensor<2xf32>) maps [#map] -> tensor<2xf32> {
      ^bb0(%z: f32):
        %one = arith.constant 1.0 : f32
        %1 = arith.negf %z : f32
        %2 = math.exp %1 : f32
        %3 = arith.addf %one, %2 : f32
        %4 = arith.divf %one, %3 : f32
        %5 = ttc.quantize(round) %4 : f32
        ttc.yield %5 : f32
      }
      return %0 : tensor<2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net(%arg0: tensor<2xf32> {ttc.input = "x"}) -> (tensor<2xf32> {ttc.output = "y"}) {
      %0 = ttc.nest "net.1" operands(%arg0 : tensor<2xf32>) maps [#map] -> tensor<2xf32> {
      ^bb0(%arg1: f32):
        %cst = arith.constant 1.1920929E-7 : f32
        %1 = arith.cmpf ogt, %arg1, %cst : f32
        %2 = arith.cmpf ord, %arg1, %arg1 : f32
        %cst_0 = arith.constant 0.000000e+00 : f32
        %3 = arith.select %2, %cst_0, %arg1 : f32
        %cst_1 = arith.constant 1.000000e+00 : f32
        %4 = arith.select %1, %cst_1, %3 : f32
        %5 = ttc.quantize(round) %4 : f32
        ttc.yield %5 : f32
      }
      return %0 : tensor<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def PrepareWeights : TTC_Pass<"ttc-prepare-weights"> {
  let summary = "Compute what depends on the weights alone once, not every timestep";
  let description = [{
    Moves what needs nothing but the weights, such as 1 - beta or exp(dt A), into a function
    of their own, `<model>.prepare`, from the params to the values that a step needs. The step
    takes these prepared values in the place of the params. Dense constants go the same way.

    Before:

    ```mlir
    func.func @net(%x: tensor<2xf32> {ttc.input = "x"}, %beta: tensor<2xf32> {ttc.param = @beta})
        -> (tensor<2xf32> {ttc.output = "y"}) {
      %0 = ttc.nest "n" operands(%beta : tensor<2xf32>) maps [affine_map<(i) -> (i)>] -> tensor<2xf32> {
      ^bb0(%b: f32):
        %one = arith.constant 1.0 : f32
        %1 = arith.subf %one, %b : f32
        ttc.yield %1 : f32
      }
      %2 = ttc.nest "n" operands(%x, %0 : tensor<2xf32>, tensor<2xf32>)
          maps [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>] -> tensor<2xf32> {
      ^bb0(%a: f32, %c: f32):
        %3 = arith.mulf %a, %c : f32
        ttc.yield %3 : f32
      }
      return %2 : tensor<2xf32>
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @net.prepare(%arg0: tensor<2xf32> {ttc.param = @beta}) -> tensor<2xf32> {
      %0 = ttc.nest "n" operands(%arg0 : tensor<2xf32>) maps [#map] -> tensor<2xf32> {
      ^bb0(%arg1: f32):
        %cst = arith.constant 1.000000e+00 : f32
        %1 = arith.subf %cst, %arg1 : f32
        ttc.yield %1 : f32
      }
      return %0 : tensor<2xf32>
    }
    func.func @net(%arg0: tensor<2xf32> {ttc.input = "x"}, %arg1: tensor<2xf32> {ttc.prepared = 0 : index}) -> (tensor<2xf32> {ttc.output = "y"}) attributes {ttc.prepare = @net.prepare} {
      %0 = ttc.nest "n" operands(%arg0, %arg1 : tensor<2xf32>, tensor<2xf32>) maps [#map, #map] -> tensor<2xf32> {
      ^bb0(%arg2: f32, %arg3: f32):
        %1 = arith.mulf %arg2, %arg3 : f32
        ttc.yield %1 : f32
      }
      return %0 : tensor<2xf32>
    }
    ```
  }];
}

def PlanStates : TTC_Pass<"ttc-plan-states"> {
  let summary = "Give each state a place in a session's one block";
  let description = [{
    A session allocates one zeroed block, once. This pass places the states in it in order
    of name, those of a fixed size first: where one begins is then one multiplication and
    one addition, whatever the batch. Each begins at a multiple of 64 bytes, a cache line,
    for every batch, since the rows of a batch are rounded up. A stack of states is one,
    place behind place. States that are whole pages long are kept an eighth of a page apart,
    so that they do not meet in the low bits of their addresses. Where the model draws random
    numbers, the block begins with the generator's seed and position. The size of the block
    becomes an attribute of the module.

    Before:

    ```mlir
    ttc.state @"net.1.mem" : tensor<?x10xf32>
    ttc.state @"net.3.mem" : tensor<?x20xf32>
    ttc.state @step : tensor<1xf32>
    ```

    After:

    ```mlir
    module attributes {ttc.states_size = #ttc.bytes<64 + 192 * batch>} {
      ttc.state @net.1.mem : tensor<?x10xf32> at <64 + 0 * batch>
      ttc.state @net.3.mem : tensor<?x20xf32> at <64 + 64 * batch>
      ttc.state @step : tensor<1xf32> at <0 + 0 * batch>
    }
    ```
  }];
}

def BatchTime : TTC_Pass<"ttc-batch-time"> {
  let summary = "Compute a sequence block by block, layer by layer";
  let description = [{
    A sequence is cut into blocks of timesteps, and a block goes through stages. What no
    recurrence needs is computed for all timesteps of the block at once: a product with a
    matrix of weights then reads them once for many rows. What needs itself from one
    timestep to the next, the update of a membrane or a gate with its recurrent product,
    goes timestep by timestep, layer after layer, so that its weights stay in the nearest
    cache. A nest is split where both are in it.

    Each stage is a function like the step. `ttc.whole_block` says that it takes the block
    at once; `ttc.buffer` where in the block's buffers lies what passes from stage to stage.
    `ttc.block` is how many rows a block has at most: whole tiles, as many as the cache holds
    what passes between stages of, and no more than the option says. A batch of 4 goes a quarter
    as many timesteps at once, and one of more than half as many rows gains nothing and keeps the
    step.
    The sums are those of the step, in the same order: the bits are the same. A model that
    draws random numbers, or that passes an input through, keeps the step for its sequences.

    Before:

    ```mlir
    #map = affine_map<(d0, d1) -> (d0, d1)>
    module {
      func.func @net(%x: tensor<?x4xf32> {ttc.input = "x"}, %w: tensor<2x4xf32> {ttc.prepared = 0 : index},
                     %mem: tensor<?x2xf32> {ttc.state = @mem})
          -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @mem}) {
        %0 = ttc.nest "net.0" product(%x : tensor<?x4xf32>) weights(%w : tensor<2x4xf32>)
            operands(%mem : tensor<?x2xf32>) maps [#map] -> tensor<?x2xf32> {
        ^bb0(%sum: f32, %m: f32):
          %1 = arith.addf %m, %sum : f32
          ttc.yield %1 : f32
        }
        return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
      }
    }
    ```

    After:

    ```mlir
    #map = affine_map<(d0, d1) -> (d0, d1)>
    module attributes {ttc.block = 48 : i64, ttc.buffers_size = #ttc.bytes<384 + 0 * batch>, ttc.independent_rows} {
      func.func @net(%arg0: tensor<?x4xf32> {ttc.input = "x"}, %arg1: tensor<2x4xf32> {ttc.prepared = 0 : index}, %arg2: tensor<?x2xf32> {ttc.state = @mem}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @mem}) attributes {ttc.stages = [@net.stage0, @net.stage1]} {
        %0 = ttc.nest "net.0" product(%arg0 : tensor<?x4xf32>) weights(%arg1 : tensor<2x4xf32>) operands(%arg2 : tensor<?x2xf32>) maps [#map] -> tensor<?x2xf32> {
        ^bb0(%arg3: f32, %arg4: f32):
          %1 = arith.addf %arg4, %arg3 : f32
          ttc.yield %1 : f32
        }
        return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
      }
      func.func @net.stage0(%arg0: tensor<?x4xf32> {ttc.input = "x"}, %arg1: tensor<2x4xf32> {ttc.prepared = 0 : index}) -> (tensor<?x2xf32> {ttc.buffer = #ttc.bytes<0 + 0 * batch>, ttc.output = ""}) attributes {ttc.whole_block} {
        %0 = ttc.nest "net.0" product(%arg0 : tensor<?x4xf32>) weights(%arg1 : tensor<2x4xf32>) maps [] -> tensor<?x2xf32> {
        ^bb0(%arg2: f32):
          ttc.yield %arg2 : f32
        }
        return %0 : tensor<?x2xf32>
      }
      func.func @net.stage1(%arg0: tensor<?x2xf32> {ttc.buffer = #ttc.bytes<0 + 0 * batch>, ttc.input = ""}, %arg1: tensor<?x2xf32> {ttc.state = @mem}) -> (tensor<?x2xf32> {ttc.output = "y"}, tensor<?x2xf32> {ttc.state = @mem}) {
        %0 = ttc.nest "net.0" operands(%arg0, %arg1 : tensor<?x2xf32>, tensor<?x2xf32>) maps [#map, #map] -> tensor<?x2xf32> {
        ^bb0(%arg2: f32, %arg3: f32):
          %1 = arith.addf %arg3, %arg2 : f32
          ttc.yield %1 : f32
        }
        return %0, %0 : tensor<?x2xf32>, tensor<?x2xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "48", "the most rows of a block">,
    Option<"cache", "cache", "int64_t", "256 * 1024",
           "bytes that what passes between stages may take">,
    Option<"tile", "tile", "int64_t", "12", "rows that a product computes at once">
  ];
}

#endif // TTC_PASSES_TD
