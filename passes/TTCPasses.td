include "mlir/Pass/PassBase.td"

class TTC_Pass<string name> : Pass<name, "::mlir::ModuleOp">;

def SpecializeBatch : TTC_Pass<"ttc-specialize-batch"> {
  let summary = "Fix the batch";
  let options = [Option<"batch", "batch", "int64_t", "1", "the batch">];
}
def DeclareResources : TTC_Pass<"ttc-declare-resources"> { let summary = ""; }
def CompileParams : TTC_Pass<"ttc-compile-params"> { let summary = ""; }
def DecompileParams : TTC_Pass<"ttc-decompile-params"> { let summary = ""; }
def ExpandLayers : TTC_Pass<"ttc-expand-layers"> { let summary = ""; }
def ThreadStates : TTC_Pass<"ttc-thread-states"> { let summary = "";   let dependentDialects = ["::mlir::func::FuncDialect"]; }
def FuseTimestep : TTC_Pass<"ttc-fuse-timestep"> { let summary = ""; }
def PrepareWeights : TTC_Pass<"ttc-prepare-weights"> { let summary = ""; }
def PlanStates : TTC_Pass<"ttc-plan-states"> { let summary = ""; }
