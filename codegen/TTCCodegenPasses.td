include "mlir/Pass/PassBase.td"

def ScheduleCPU : Pass<"ttc-schedule-cpu", "::mlir::ModuleOp"> {
  let summary = "Turn nests into loops over vectors, tensors into memory";
  let description = [{
    Emits each nest as the loops that keep its accumulators in registers (the shape
    is that of docs/schedule.md), lays the prepared weights out in panels, and gives
    both functions their entry: bare pointers to inputs, outputs, prepared weights,
    states and scratch, and the batch. `ttc.schedule` says by which numbers all this was
    laid out, as the option takes them.

    With several workers each function has a second form, of which every worker of a
    team calls its part: what its first nest computes is divided by rows or columns,
    then all wait for each other, and so on. No element's order of summation changes.
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", "16", "f32 elements of a vector register">,
    Option<"registers", "registers", "int64_t", "32", "vector registers">,
    Option<"fma", "fma", "bool", "true", "whether there is a fused multiply-add">,
    Option<"pairs", "pairs", "bool", "false",
           "whether pairs of bf16 are multiplied and added to a sum of f32 at once">,
    Option<"matrices", "matrices", "bool", "false",
           "whether matrices of bf16 are, too, by AMX">,
    Option<"workers", "workers", "int64_t", "1",
           "how many threads may share a timestep">,
    Option<"scheduleText", "schedule", "std::string", "",
           "key=value,key=value: what is chosen otherwise than by the vector unit "
           "(docs/schedule.md)">
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def ScheduleGPU : Pass<"ttc-schedule-gpu", "::mlir::ModuleOp"> {
  let summary = "Turn nests into what the threads of a GPU do";
  let description = [{
    The functions of a timestep have the form that workers of a team share
    (schedule-cpu), where a worker is a thread of a GPU: neighbours take neighbouring
    elements. Of a product each computes four neighbouring columns, for a tile of rows,
    or, where there are few rows, a part of the sums, which neighbours then add.
    Pairs of bf16, and on demand f32 rounded to tf32, are multiplied by the matrix units
    of a warp, which sums four columns of some rows in each of its threads.
    prepare stays what a CPU runs, but leaves a matrix as one panel. The first
    options are those of that CPU.
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", "16", "f32 elements of a vector register">,
    Option<"registers", "registers", "int64_t", "32", "vector registers">,
    Option<"fma", "fma", "bool", "true", "whether there is a fused multiply-add">,
    Option<"tf32", "tf32", "bool", "false",
           "whether products of f32 are multiplied in tf32, which GPUs have">
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def ApproximateMath : Pass<"ttc-approximate-math", "::mlir::ModuleOp"> {
  let summary = "Compute exp, tanh and the like by polynomials, inline";
  let description = [{
    Functions of f32 on vectors become MLIR's polynomials: no call is left in a timestep
    of f32. Functions of f64, and the few of f32 that have no polynomial, are calls of
    libm. Conversions from and to bf16 become integer arithmetic, ties to even, where
    there is no instruction for them.
    Without a fused multiply-add, one is a product and a sum: a call would cost a
    hundred times as much. exp ends in a product with a power of two, which AVX-512 has
    an instruction for; elsewhere the power is made of its exponent.
  }];
  let options = [
    Option<"fma", "fma", "bool", "true", "whether there is a fused multiply-add">,
    Option<"scale", "scale", "bool", "false",
           "whether AVX-512 scales by powers of two">,
    Option<"pairs", "pairs", "bool", "false",
           "whether AVX-512 BF16 rounds to bf16">
  ];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}
