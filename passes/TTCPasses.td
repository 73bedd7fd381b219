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
      %3:2 = linalg.generic {indexing_maps = [#map, #map, #map1, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0, %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<2xf32>) outs(%2, %2 : tensor<3x2xf32>, tensor<3x2xf32>) {
      ^bb0(%in: f32, %in_0: f32, %in_1: f32, %out: f32, %out_2: f32):
        %4 = arith.mulf %in_0, %in_1 : f32
        %5 = arith.addf %4, %in : f32
        linalg.yield %5, %5 : f32, f32
      } -> (tensor<3x2xf32>, tensor<3x2xf32>)
      ttc.write %3#1, @net.0.mem : tensor<3x2xf32>
      ttc.return %3#0 : tensor<3x2xf32>
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
    inputs, the params as they are declared, the states in order of name; results are the
    outputs, then the new states. An attribute of each says which it is.

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

def FuseTimestep : TTC_Pass<"ttc-fuse-timestep"> {
  let summary = "Gather each layer into one loop nest";
  let description = [{
    A product with a matrix and the elementwise operations that follow it, the update of the
    membrane, the firing, the reset, become one `ttc.nest`: its accumulators can stay in
    registers from the product to the last operation, and each state is read and written
    once. Any spelling of a product or of an elementwise operation is understood, a user's
    as well as ours. Nests stay apart where one needs all of the other (two products), where
    a parameter does not lie along the product's rows or columns, and where one depends on
    parameters only, so that prepare-weights can hoist it. What is neither elementwise, nor
    a product, a reduction or a change of shape is an error.

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
      %0:2 = ttc.nest "" product(%arg0, %arg1 : tensor<4xf32>, tensor<2x4xf32>) operands(%arg2, %arg3 : tensor<2xf32>, tensor<2xf32>) maps [#map, #map] -> tensor<2xf32>, tensor<2xf32> {
      ^bb0(%arg4: f32, %arg5: f32, %arg6: f32):
        %1 = arith.addf %arg4, %arg5 : f32
        %2 = arith.addf %arg6, %1 : f32
        %3 = math.tanh %2 : f32
        ttc.yield %2, %3 : f32, f32
      }
      return %0#1, %0#0 : tensor<2xf32>, tensor<2xf32>
    }
    ```
  }];
}

def PrepareWeights : TTC_Pass<"ttc-prepare-weights"> {
  let summary = "Compute what depends on the weights alone once, not every timestep";
  let description = [{
    Moves the nests whose operands are all known when weights are loaded, such as 1 - beta,
    into a function of their own, `<model>.prepare`, from the params to the values that a
    step needs. The step takes these prepared values in the place of the params.

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
    for every batch, since the rows of a batch are rounded up. The size of the block becomes
    an attribute of the module.

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

#endif // TTC_PASSES_TD
