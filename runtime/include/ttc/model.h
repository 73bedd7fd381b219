//===- model.h ------------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between generated code and whatever runs it. A compiled model is
// an object file with one exported symbol, `ttc_model_<name>`: a constant
// `ttc_model_descriptor`. A shared library exports it as `ttc_model` as well,
// so that a loader need not know the name.
//
// This header stands alone and is versioned as a schema is: the version comes
// first, fields are only ever added at the end, and a reader refuses a version
// that it does not know.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_MODEL_H
#define TTC_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TTC_ABI_VERSION 3u

/// The value of a dimension that is the batch: known at run time only.
#define TTC_BATCH (-1)

/// Every buffer that the runtime hands to generated code, but the caller's
/// inputs and outputs, starts at a multiple of this.
#define TTC_ALIGNMENT 64u

/// Element types. The numbers are part of the ABI.
enum {
  TTC_DTYPE_F32 = 1,
  TTC_DTYPE_F64 = 2,
  TTC_DTYPE_F16 = 3,
  TTC_DTYPE_BF16 = 4,
  TTC_DTYPE_I32 = 5,
  TTC_DTYPE_I64 = 6,
  TTC_DTYPE_U8 = 7,
  TTC_DTYPE_BOOL = 8
};

/// What turns a parameter's raw value into the one the layer computes with.
enum {
  TTC_ACTIVATION_IDENTITY = 0, ///< scale, rec_weight: raw is the value
  TTC_ACTIVATION_SIGMOID = 1,  ///< decays, in (0, 1)
  TTC_ACTIVATION_SOFTPLUS = 2, ///< thresholds, above 0
  TTC_ACTIVATION_ARCSINH = 3   ///< biases, any value
};

/// A number of bytes, or an offset in bytes: fixed + per_batch * batch.
typedef struct ttc_bytes {
  uint64_t fixed;
  uint64_t per_batch;
} ttc_bytes;

/// An input, an output, a parameter or a state: dense, row-major.
typedef struct ttc_tensor_spec {
  const char *name;
  int32_t dtype;
  int32_t rank;
  /// `rank` sizes. TTC_BATCH stands for the batch: once at most, and first; in
  /// a state it may also stand second, behind a fixed number of layers.
  const int64_t *shape;
} ttc_tensor_spec;

/// A parameter. `tensor.name` is the key of its effective value, such as
/// `net.1.beta`; `raw_name`, where it is not null, the key of its raw value,
/// such as `net.1.raw_beta`. Weights bring one of the two.
typedef struct ttc_param_spec {
  ttc_tensor_spec tensor;
  const char *raw_name;
  int32_t activation;
  int32_t reserved;
} ttc_param_spec;

/// A state, and where it lies in the session's block of states.
typedef struct ttc_state_spec {
  ttc_tensor_spec tensor;
  ttc_bytes offset;
} ttc_state_spec;

/// Turns weights into the form that `step` reads: activates raw parameters and
/// packs matrices. `params[i]` is the data of parameter i, dense and aligned to
/// its element; `raw[i]` is 1 if that is the raw value. `prepared` holds
/// `prepared_size` bytes. Runs once, at load.
typedef void (*ttc_prepare_fn)(const void *const *params, const uint8_t *raw,
                               void *prepared);

/// One timestep: reads inputs, updates `states` in place, writes outputs.
/// No input may overlap an output. Never allocates, locks, prints or throws.
typedef void (*ttc_step_fn)(const void *const *inputs, void *const *outputs,
                            const void *prepared, void *states, void *scratch,
                            int64_t batch);

/// `steps` timesteps. Inputs and outputs have the timestep as an outermost
/// axis. Leaves the same bits in outputs and states as `steps` calls of the
/// step.
typedef void (*ttc_run_fn)(const void *const *inputs, void *const *outputs,
                           const void *prepared, void *states, void *scratch,
                           int64_t batch, int64_t steps);

/// Threads that make a step together: each calls the shared function with its
/// own `worker`, 0 <= worker < workers.
typedef struct ttc_team {
  int64_t workers;
  /// Returns when all workers have called it: what any of them wrote before can
  /// then be read by all.
  void (*barrier)(const struct ttc_team *team, int64_t worker);
} ttc_team;

/// One timestep by a team. The same bits as the step, whatever the number of
/// workers.
typedef void (*ttc_shared_step_fn)(const void *const *inputs,
                                   void *const *outputs, const void *prepared,
                                   void *states, void *scratch, int64_t batch,
                                   const ttc_team *team, int64_t worker);

/// `steps` timesteps by a team.
typedef void (*ttc_shared_run_fn)(const void *const *inputs,
                                  void *const *outputs, const void *prepared,
                                  void *states, void *scratch, int64_t batch,
                                  int64_t steps, const ttc_team *team,
                                  int64_t worker);

/// Machine code, or PTX, for one sort of GPU.
typedef struct ttc_device_image {
  /// As NVIDIA names it, such as "sm_90". PTX also runs on what is newer.
  const char *architecture;
  /// 1 for PTX, which ends with a zero byte; 0 for a cubin.
  uint32_t is_ptx;
  uint32_t reserved;
  const void *data;
  uint64_t size;
} ttc_device_image;

/// The model for GPUs. Each image has the kernels `ttc_step` and `ttc_run`, of
/// the arguments: a pointer for each input, one for each output, prepared,
/// states, scratch, all on the device; int64_t batch, int64_t steps (of ttc_run
/// alone), uint32_t *barriers. Their layout of states is that of the CPU's.
///
/// A grid has x blocks of `block_threads` threads that make the timestep of
/// some rows of the batch together, y times for so many parts of the batch.
/// With x > 1 all blocks must run at the same time (a cooperative launch), and
/// `barriers` has 2 y numbers that are zero before the first launch and belong
/// to the kernels from then on.
///
/// With an image for sm_90 or later, or for "emulated", each x blocks may be
/// launched as a cluster instead: `barriers` is not used then. These kernels
/// take smaller blocks, too, of whole warps of 32 threads.
typedef struct ttc_device_code {
  uint64_t prepared_size;
  /// As in the descriptor: the embedded weights, prepared for a GPU, or null.
  const void *prepared;
  const char *prepared_checksum;
  /// Runs on the host, into memory of the host.
  ttc_prepare_fn prepare;
  ttc_bytes scratch_size;
  /// How many threads a timestep keeps busy.
  ttc_bytes threads;
  uint32_t block_threads;
  /// 1 if y may be more than 1: no row of the batch needs another one.
  uint32_t rows_are_independent;
  /// Parts have whole tiles of so many rows, but for the last.
  uint32_t tile_rows;
  uint32_t num_images;
  const ttc_device_image *images;
  /// Weights that ttc_run can keep in shared memory: by `kept_threads` threads,
  /// as many of each block in whole warps, with `kept_bytes` for each of them.
  /// 0 where there are none.
  uint64_t kept_bytes;
  ttc_bytes kept_threads;
  /// Where it keeps them: 0 for each part of a batch; else only if y is 1 and
  /// the batch has no more rows than this.
  uint64_t kept_batch;
} ttc_device_code;

typedef struct ttc_model_descriptor {
  uint32_t abi_version;     ///< TTC_ABI_VERSION of the compiler
  uint32_t descriptor_size; ///< sizeof(ttc_model_descriptor) of the compiler

  const char *name;
  /// SHA-256 in hexadecimal: of the sorted table of states; of the model's IR
  /// without weights and locations.
  const char *schema_fingerprint;
  const char *model_fingerprint;
  const char *target_triple;
  /// The CPU features that the code uses, as LLVM names them, separated by
  /// commas.
  const char *cpu_features;

  /// The batch that the code was compiled for, or TTC_BATCH for any.
  int64_t batch;

  uint32_t num_inputs;
  uint32_t num_outputs;
  uint32_t num_params;
  uint32_t num_states; ///< sorted by name
  const ttc_tensor_spec *inputs;
  const ttc_tensor_spec *outputs;
  const ttc_param_spec *params;
  const ttc_state_spec *states;

  uint64_t prepared_size;
  ttc_bytes states_size;
  ttc_bytes scratch_size;

  /// The prepared weights, where the model was compiled with them; else null.
  const void *prepared;
  /// CRC-32C, as eight hexadecimal digits, of the embedded prepared weights;
  /// else null.
  const char *prepared_checksum;

  ttc_prepare_fn prepare;
  ttc_step_fn step;
  ttc_run_fn run;

  /// For each input 0, or, for integers, how many values it may take: every
  /// element x has 0 <= x < limit, which is checked before a step (an
  /// embedding's rows). Null where no input has a limit.
  const int64_t *input_limits;
  /// 1 if the model draws random numbers: the first 16 bytes of the states are
  /// then the generator's seed and position, two uint64_t, and no state lies
  /// there. A step reads them and advances the position by one.
  uint32_t has_generator;
  uint32_t reserved;

  /// The same model compiled for another CPU, or null: it is taken where this
  /// machine lacks a feature of the code above. Weights, states and states
  /// files fit all of them.
  const struct ttc_model_descriptor *alternative;

  /// How many workers a team may have: 1 if there are no shared functions.
  /// `scratch_size` is enough for so many.
  uint32_t max_workers;
  uint32_t reserved2;
  ttc_shared_step_fn shared_step;
  ttc_shared_run_fn shared_run;

  /// The model for GPUs, or null. A model compiled for GPUs alone has no
  /// prepare, step and run of its own.
  const ttc_device_code *device;
} ttc_model_descriptor;

#ifdef __cplusplus
}
#endif

#endif // TTC_MODEL_H
