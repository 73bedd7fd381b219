//===- runtime.h ----------------------------------------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three kinds of object, as with a book, its readers and a bookmark:
//
//   ttc_weights   named tensors, read from a file or lent by the caller
//   ttc_model     the code and the prepared weights: immutable, shared by any
//                 number of threads and sessions
//   ttc_session   one stream through a model: its states. One thread at a time;
//                 a second entry gets TTC_ERROR_BUSY, never undefined behaviour
//
// Every function that can fail returns a status and takes an optional
// `ttc_error` of the caller's, which receives a sentence. On failure nothing
// has changed and every out parameter is left as it was. Nothing here prints,
// aborts, exits or throws.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_RUNTIME_H
#define TTC_RUNTIME_H

#include "ttc/model.h"

#include <stddef.h>

#if defined(_WIN32)
#define TTC_API
#else
#define TTC_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ttc_status {
  TTC_OK = 0,
  TTC_ERROR_ARGUMENT = 1, ///< a null pointer, or a flag that does not exist
  TTC_ERROR_IO = 2, ///< the system refused: the message carries its reason
  TTC_ERROR_NOT_FOUND = 3, ///< there is no such file, and no error hides one
  TTC_ERROR_FORMAT = 4,    ///< the file is not what it should be
  TTC_ERROR_CHECKSUM = 5,  ///< the file's bytes are not those that were written
  TTC_ERROR_MISSING = 6,   ///< a key, or several, that should be there
  TTC_ERROR_UNEXPECTED = 7,   ///< a key, or several, that should not
  TTC_ERROR_SHAPE = 8,        ///< rank, size or batch
  TTC_ERROR_DTYPE = 9,        ///< element type
  TTC_ERROR_FINGERPRINT = 10, ///< the states of another model
  TTC_ERROR_VERSION = 11,     ///< made by another version of ttc
  TTC_ERROR_TARGET = 12,  ///< this CPU cannot run the code, or no such device
  TTC_ERROR_BUSY = 13,    ///< the session is in use by another thread
  TTC_ERROR_MEMORY = 14,  ///< an allocation failed, or a size overflows
  TTC_ERROR_OVERLAP = 15, ///< an input and an output share memory
  TTC_ERROR_VALUE = 16,   ///< an integer input, or a number of threads, beyond
                          ///< its limit
  TTC_ERROR_DEVICE = 17 ///< a GPU or its driver failed: the message carries its
                        ///< reason, and says where the device is lost
} ttc_status;

/// Filled by a call that fails, if given. Needs no initialisation and no
/// release. The calls that load or set states or open weights fill it when they
/// succeed as well: TTC_OK, and sentences on what was not verified or is odd,
/// or none.
typedef struct ttc_error {
  ttc_status code;
  char message[1024]; ///< one sentence, cut with "..." if it is longer
} ttc_error;

/// A tensor that somebody else owns: dense and row-major.
typedef struct ttc_tensor {
  const char *name; ///< may be null for inputs and outputs
  int32_t dtype;    ///< TTC_DTYPE_...
  int32_t rank;
  const int64_t *shape;
  void *data; ///< inputs and weights are only read through it
} ttc_tensor;

typedef struct ttc_weights ttc_weights;
typedef struct ttc_model ttc_model;
typedef struct ttc_session ttc_session;

/// "0.1.0", and the name of a status, such as "checksum".
TTC_API const char *ttc_version(void);
TTC_API const char *ttc_status_name(ttc_status status);
/// "F32" and so on, as safetensors spells them; null for an unknown number.
TTC_API const char *ttc_dtype_name(int32_t dtype);
/// Bytes an element; 0 for an unknown number.
TTC_API size_t ttc_dtype_size(int32_t dtype);

//===----------------------------------------------------------------------===//
// Weights (and any other file of named tensors)
//===----------------------------------------------------------------------===//

enum {
  /// Names, dtypes and shapes alone: no page of data is touched, and no file
  /// stays open. The tensors' data pointers are null.
  TTC_WEIGHTS_META = 1,
  /// Read into memory instead of mapped: whatever becomes of the file
  /// afterwards, even a truncation, does no harm.
  TTC_WEIGHTS_COPY = 2,
  /// Compare the data with the checksums that the file has of it, too: those of
  /// a zip archive's members.
  TTC_WEIGHTS_VERIFY = 4,
  /// Of a sharded checkpoint, pass over tensors that the index does not name,
  /// or
  /// that a second shard has too, and allow shards of both formats.
  TTC_WEIGHTS_LENIENT = 8
};

/// Opens a file of tensors and checks all that describes them. Its content says
/// which kind it is, and its name must not deny that: a .safetensors file; the
/// zip archive that torch.save writes (.pt, .pth, .bin), of which the data is
/// read and nothing is executed; or the .index.json of a sharded checkpoint,
/// whose shards lie beside it. The file is mapped, and the data read page by
/// page on demand: it may be renamed or replaced meanwhile, not truncated. When
/// it succeeds, `error` gets what there is to say of an index besides, in
/// sentences, or in none.
TTC_API ttc_status ttc_weights_open(const char *path, ttc_weights **out,
                                    ttc_error *error);
/// As ttc_weights_open, with TTC_WEIGHTS_ flags.
TTC_API ttc_status ttc_weights_open_with(const char *path, int flags,
                                         ttc_weights **out, ttc_error *error);
/// Copies the table, not the data: that must outlive the weights.
TTC_API ttc_status ttc_weights_from_tensors(const ttc_tensor *tensors,
                                            size_t count, ttc_weights **out,
                                            ttc_error *error);
TTC_API void ttc_weights_close(ttc_weights *weights); ///< null is fine

TTC_API size_t ttc_weights_count(const ttc_weights *weights);
/// Tensor `index` in order of name; valid until the weights are closed. A dtype
/// that ttc does not compute with has the number 0; its name is given by
/// ttc_weights_dtype.
TTC_API ttc_status ttc_weights_at(const ttc_weights *weights, size_t index,
                                  ttc_tensor *out, ttc_error *error);
TTC_API const char *ttc_weights_dtype(const ttc_weights *weights, size_t index);
/// Of tensor `index`, without looking at its data: its name, or null if there
/// is none of that index; and the bytes of its data.
TTC_API const char *ttc_weights_name(const ttc_weights *weights, size_t index);
TTC_API uint64_t ttc_weights_bytes(const ttc_weights *weights, size_t index);
/// The tensor of that name; of a large file, only its own pages are touched.
TTC_API ttc_status ttc_weights_find(const ttc_weights *weights,
                                    const char *name, ttc_tensor *out,
                                    ttc_error *error);
/// A copy of the weights on a device, whose pointers the tensors then have:
/// "cpu"; "cuda:0" and so on, through the driver that the machine has; or
/// "meta", without any data. The copy needs neither file nor `weights` any
/// more. Models are made of weights on the cpu.
TTC_API ttc_status ttc_weights_place(const ttc_weights *weights,
                                     const char *device, ttc_weights **out,
                                     ttc_error *error);
/// "cpu", "cuda:0" or "meta".
TTC_API const char *ttc_weights_device(const ttc_weights *weights);
/// The number of pairs in the file's `__metadata__`, and each in order of key.
TTC_API size_t ttc_weights_metadata_count(const ttc_weights *weights);
TTC_API ttc_status ttc_weights_metadata_at(const ttc_weights *weights,
                                           size_t index, const char **key,
                                           const char **value,
                                           ttc_error *error);
/// Writes the tensors, without metadata, to a .safetensors file, as states are
/// written: a crash leaves the old file or the new one, whole, and the old one
/// is kept as `<path>.prev`. A path that ends as those of other kinds of files
/// do, such as ".pt", is refused.
TTC_API ttc_status ttc_weights_save(const ttc_weights *weights,
                                    const char *path, ttc_error *error);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// From a descriptor that is linked into the program. `weights` may be null if
/// the model was compiled with weights; weights that are given override those.
/// They are copied into prepared form: they can be closed after the call. Each
/// parameter may be there raw or effective, and in a float type narrower than
/// the model's. Unless `strict` is 0, keys that the model does not have are an
/// error; a missing one always is.
TTC_API ttc_status ttc_model_create(const ttc_model_descriptor *descriptor,
                                    const ttc_weights *weights, int strict,
                                    ttc_model **out, ttc_error *error);
/// From a shared library. `weights_path` may be null, as above.
TTC_API ttc_status ttc_model_open(const char *library_path,
                                  const char *weights_path, ttc_model **out,
                                  ttc_error *error);
/// As ttc_model_open, with weights that are in memory or already open.
TTC_API ttc_status ttc_model_open_with(const char *library_path,
                                       const ttc_weights *weights, int strict,
                                       ttc_model **out, ttc_error *error);
/// A model lives until it and every session of it are closed, in any order.
TTC_API void ttc_model_close(ttc_model *model);
TTC_API const ttc_model_descriptor *
ttc_model_get_descriptor(const ttc_model *model);
/// The weights in the form that the step reads, `prepared_size` bytes of the
/// descriptor, and their CRC-32C. They live as long as the model does.
TTC_API const void *ttc_model_prepared(const ttc_model *model);
TTC_API uint32_t ttc_model_prepared_checksum(const ttc_model *model);
/// What a session of that batch needs, known before its first step: the bytes
/// of its states, which it owns, and of scratch memory, which belongs to the
/// model: one block for each thread that steps at the same time, whatever the
/// number of sessions. On a GPU the states are the same, and each session has
/// scratch memory of its own, whose size is in ttc_device_code; that is what a
/// model for GPUs alone tells.
TTC_API ttc_status ttc_model_session_bytes(const ttc_model *model,
                                           int64_t batch, uint64_t *states,
                                           uint64_t *scratch, ttc_error *error);
/// From now on, states or scratch memory of one session of more than `bytes`
/// are refused, before anything is allocated, on the CPU as on a GPU. 0 for no
/// budget; until this call it is the machine's memory, not the GPU's.
TTC_API ttc_status ttc_model_set_budget(ttc_model *model, uint64_t bytes,
                                        ttc_error *error);

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

/// No state exists yet: the first step sizes them by its batch and zeroes them.
/// Apart from its states a session has less than 256 bytes.
TTC_API ttc_status ttc_session_create(ttc_model *model, ttc_session **out,
                                      ttc_error *error);
/// As ttc_session_create, on a device: "cpu"; or "cuda:0" and so on ("cuda" is
/// "cuda:0"), where the model was compiled for GPUs. The states lie there, and
/// so do the weights, which the sessions of one device share. A step takes
/// buffers of the host, which are copied there and back, or of the device,
/// which are not copied; never some of each. On buffers of the host it returns
/// when it is done, on buffers of the device when it is launched. Whether
/// integers on the device are below their limit is not checked: that is the
/// caller's part.
///
/// Calls that set, get, zero, fork, save and load states do what they do on the
/// CPU, with buffers of the host or of the device, ordered behind the steps;
/// the files are the same. A failure of the device in the middle of a step
/// leaves states that are worth nothing.
TTC_API ttc_status ttc_session_create_on(ttc_model *model, const char *device,
                                         ttc_session **out, ttc_error *error);
/// "cpu" or "cuda:0".
TTC_API const char *ttc_session_device(const ttc_session *session);
/// From now on everything is ordered in this CUstream of the caller's (null is
/// the driver's default stream), behind what was ordered before, unless the
/// caller records it. The stream must live until the session is closed or gets
/// another. Without this call a session has a stream of its own, which waits
/// for the default stream, and that for it.
TTC_API ttc_status ttc_session_set_stream(ttc_session *session, void *stream,
                                          ttc_error *error);
/// Returns when all steps are done: at once, on the CPU.
TTC_API ttc_status ttc_session_synchronize(ttc_session *session,
                                           ttc_error *error);
/// A second session of the same model, on the same device, with the same
/// states, generator, timestep and number of threads, and independent from then
/// on.
TTC_API ttc_status ttc_session_fork(const ttc_session *session,
                                    ttc_session **out, ttc_error *error);
TTC_API void ttc_session_close(ttc_session *session);

/// One timestep. `inputs` and `outputs` have the model's counts; every rank,
/// size and dtype is checked, and the batch must be that of the states if there
/// are any.
///
/// A step allocates where the states come into being; where more threads step
/// at the same time than ever before, or a block of scratch memory meets a
/// larger batch than any before it; and, on tensors, where the model has more
/// than 32 inputs or outputs; and, in a forked child, where threads that are
/// to help are made anew. Otherwise it neither allocates nor locks.
TTC_API ttc_status ttc_session_step(ttc_session *session,
                                    const ttc_tensor *inputs,
                                    const ttc_tensor *outputs,
                                    ttc_error *error);
/// T timesteps: every input and output has one more axis, T, in front. The same
/// bits as T calls of ttc_session_step. T = 0 does nothing.
TTC_API ttc_status ttc_session_run(ttc_session *session,
                                   const ttc_tensor *inputs,
                                   const ttc_tensor *outputs, ttc_error *error);
/// One timestep on bare pointers, for callers that know the shapes (the typed
/// functions of generated headers): only the batch and the pointers are
/// checked.
TTC_API ttc_status ttc_session_step_raw(ttc_session *session,
                                        const void *const *inputs,
                                        void *const *outputs, int64_t batch,
                                        ttc_error *error);
TTC_API ttc_status ttc_session_run_raw(ttc_session *session,
                                       const void *const *inputs,
                                       void *const *outputs, int64_t batch,
                                       int64_t steps, ttc_error *error);

/// From now on a step of this session, and a run, may be made by so many
/// threads together: the one that calls, and others that the process keeps for
/// all sessions. A session has 1 until this call, and so has a model that was
/// not compiled for more (`ttc --threads=N`): TTC_ERROR_VALUE for a number
/// above that, or below 1; TTC_ERROR_IO where the system refuses a thread.
///
/// The bits are the same whatever the number. A call is made by the calling
/// thread alone where that is sooner, which the session finds out by trying
/// both, or the others are not to be had: while they make a step of another
/// session; while they sleep and the last call of
/// this session took less time than waking them does; and for a while after
/// the system had put one of them aside. On a GPU the number changes nothing.
TTC_API ttc_status ttc_session_set_threads(ttc_session *session,
                                           int64_t threads, ttc_error *error);
/// What was set; 1 for a null session.
TTC_API int64_t ttc_session_threads(const ttc_session *session);

/// Back to no states. The next step may bring another batch. The generator of
/// random numbers goes on where it is.
TTC_API ttc_status ttc_session_zero(ttc_session *session, ttc_error *error);
/// Zeroes one state; batch, timestep and the other states stay. No effect on
/// states that do not exist yet. A key is a state's name or an alias of it;
/// TTC_ERROR_MISSING for one that the model does not have.
TTC_API ttc_status ttc_session_zero_state(ttc_session *session,
                                          const char *name, ttc_error *error);
/// Zeroes the rows i of the batch for which rows[i] is not 0, in every state
/// (those with layers in front of the batch too), so that another stream can
/// begin there. `count` must be the batch. States without a batch stay, as do
/// timestep and generator; no effect on states that do not exist yet.
TTC_API ttc_status ttc_session_zero_rows(ttc_session *session,
                                         const uint8_t *rows, size_t count,
                                         ttc_error *error);
/// Cuts the states off from the steps that led to them, as training does
/// between pieces of a sequence. No effect: a session does not train.
TTC_API ttc_status ttc_session_detach(ttc_session *session, ttc_error *error);

/// The generator of a session's random numbers: the same seed, position, states
/// and inputs give the same bits. A new session has seed 0. Seeding sets the
/// position, the number of steps made with the seed, to 0. A model that draws
/// no random numbers keeps a seed and uses it for nothing.
TTC_API ttc_status ttc_session_seed(ttc_session *session, uint64_t seed,
                                    ttc_error *error);
TTC_API ttc_status ttc_session_set_generator(ttc_session *session,
                                             uint64_t seed, uint64_t position,
                                             ttc_error *error);
TTC_API ttc_status ttc_session_generator(const ttc_session *session,
                                         uint64_t *seed, uint64_t *position,
                                         ttc_error *error);
/// Timesteps since the states were last zeroed, kept through save and load.
TTC_API uint64_t ttc_session_timestep(const ttc_session *session);
/// The batch of the states; -1 while there are none.
TTC_API int64_t ttc_session_batch(const ttc_session *session);

/// State `index`, in the order of the descriptor, as it is now: a view, valid
/// until the next call that takes the session (but these). `out->data` is null
/// while the states do not exist, and an address of the device on a device.
TTC_API ttc_status ttc_session_state(const ttc_session *session, size_t index,
                                     ttc_tensor *out, ttc_error *error);
/// Copies one state, by key, to `data`, which has room for exactly its bytes.
/// TTC_ERROR_MISSING for a key that the model does not have, and while the
/// states do not exist.
TTC_API ttc_status ttc_session_get_state(const ttc_session *session,
                                         const char *name, void *data,
                                         size_t bytes, ttc_error *error);
/// Replaces one state, by key, by a copy of `tensor`, checked as
/// ttc_session_set_states checks it. Where no states exist yet, the others
/// become zero, at its batch. The timestep stays.
TTC_API ttc_status ttc_session_set_state(ttc_session *session,
                                         const ttc_tensor *tensor,
                                         ttc_error *error);

enum {
  TTC_LOAD_STRICT = 0,
  /// Keys that are missing keep their present value (zero if there is none);
  /// keys that are unknown are passed over.
  TTC_LOAD_LENIENT = 1,
  /// Take the states of a model with the same state table but another
  /// fingerprint.
  TTC_LOAD_OTHER_MODEL = 2,
  /// Take a file that carries no checksums or fingerprints (made by others).
  TTC_LOAD_UNVERIFIED = 4,
  /// Refuse states with elements that are NaN or infinite, which are otherwise
  /// accepted and counted in the `ttc_error`.
  TTC_LOAD_REFUSE_NONFINITE = 8
};

/// Replaces the states by copies of `tensors`, all or nothing. Strictly, either
/// every state is there or, for the states that do not exist yet, none (count
/// 0). The reference's aliases (`net._modules[1].mem`) are understood; they
/// must agree to the bit. `timestep` becomes the session's.
TTC_API ttc_status ttc_session_set_states(ttc_session *session,
                                          const ttc_tensor *tensors,
                                          size_t count, int flags,
                                          uint64_t timestep, ttc_error *error);

/// Writes the states to a file: a crash at any moment leaves the old file or
/// the new one, whole. The generation before is kept as `<path>.prev`.
TTC_API ttc_status ttc_session_save(ttc_session *session, const char *path,
                                    ttc_error *error);
/// Reads a states file, verifies it against its checksums and this model, then
/// replaces the states: all or nothing.
TTC_API ttc_status ttc_session_load(ttc_session *session, const char *path,
                                    int flags, ttc_error *error);
/// As ttc_session_load; if the file does not verify or is not there, takes
/// `<path>.prev`. `*generation` becomes 0 for the newest, 1 for the one before.
/// TTC_ERROR_NOT_FOUND only if neither exists.
TTC_API ttc_status ttc_session_load_latest(ttc_session *session,
                                           const char *path, int flags,
                                           int *generation, ttc_error *error);

/// Verifies a states file against its own checksums, without a model.
/// TTC_ERROR_CHECKSUM also for a file that carries none.
TTC_API ttc_status ttc_states_verify(const char *path, ttc_error *error);

#ifdef __cplusplus
}
#endif

#endif // TTC_RUNTIME_H
