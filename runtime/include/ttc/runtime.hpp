//===- runtime.hpp - Run a compiled model, from C++ -------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin face of runtime.h: objects close themselves, a failure is a
// ttc::Error. Everything is said there; nothing is done here but calling it.
//
//   ttc::Model model = ttc::Model::open("./libnet.so", "net.safetensors");
//   ttc::Session session(model);
//   session.step(input, output);
//
//===----------------------------------------------------------------------===//

#ifndef TTC_RUNTIME_HPP
#define TTC_RUNTIME_HPP

#include "ttc/runtime.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ttc {

/// What went wrong, as a sentence.
class Error : public std::runtime_error {
public:
  explicit Error(const ttc_error &error)
      : std::runtime_error(error.message), code_(error.code) {}
  ttc_status code() const { return code_; }

private:
  ttc_status code_;
};

namespace detail {
template <typename Call> void check(Call &&call) {
  ttc_error error;
  if (call(&error) != TTC_OK)
    throw Error(error);
}
/// As check, of a call that may have something to say when it succeeds.
template <typename Call> void check(std::string *note, Call &&call) {
  ttc_error error;
  if (call(&error) != TTC_OK)
    throw Error(error);
  if (note)
    *note = error.message;
}
} // namespace detail

/// Where a session's random numbers come from.
struct Generator {
  uint64_t seed;
  uint64_t position;
};

/// What a session needs: bytes of its own, and of memory that those which step
/// at the same time need each.
struct SessionBytes {
  uint64_t states;
  uint64_t scratch;
};

/// Named tensors, from a file or lent by the caller. Moves, does not copy.
class Weights {
public:
  /// `flags` are TTC_WEIGHTS_...; `note` receives what is odd about the files,
  /// or nothing.
  static Weights open(const std::string &path, int flags = 0,
                      std::string *note = nullptr) {
    ttc_weights *weights = nullptr;
    detail::check(note, [&](ttc_error *error) {
      return ttc_weights_open_with(path.c_str(), flags, &weights, error);
    });
    return Weights(weights);
  }
  /// The data must outlive the weights.
  static Weights fromTensors(const std::vector<ttc_tensor> &tensors) {
    ttc_weights *weights = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_weights_from_tensors(tensors.data(), tensors.size(), &weights,
                                      error);
    });
    return Weights(weights);
  }

  size_t count() const { return ttc_weights_count(get()); }
  /// Valid as long as the weights are.
  ttc_tensor at(size_t index) const {
    ttc_tensor tensor;
    detail::check([&](ttc_error *error) {
      return ttc_weights_at(get(), index, &tensor, error);
    });
    return tensor;
  }
  ttc_tensor find(const std::string &name) const {
    ttc_tensor tensor;
    detail::check([&](ttc_error *error) {
      return ttc_weights_find(get(), name.c_str(), &tensor, error);
    });
    return tensor;
  }
  /// A copy on "cpu", "cuda:0" and so on, or "meta".
  Weights place(const std::string &device) const {
    ttc_weights *placed = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_weights_place(get(), device.c_str(), &placed, error);
    });
    return Weights(placed);
  }
  std::string device() const { return ttc_weights_device(get()); }
  void save(const std::string &path) const {
    detail::check([&](ttc_error *error) {
      return ttc_weights_save(get(), path.c_str(), error);
    });
  }
  const ttc_weights *get() const { return weights.get(); }

private:
  struct Close {
    void operator()(ttc_weights *weights) const { ttc_weights_close(weights); }
  };
  explicit Weights(ttc_weights *weights) : weights(weights) {}
  std::unique_ptr<ttc_weights, Close> weights;
};

/// The code and the prepared weights. Moves, does not copy.
class Model {
public:
  /// From a shared library; without `weightsPath`, with those that were
  /// compiled in.
  static Model open(const std::string &libraryPath,
                    const std::string &weightsPath = std::string()) {
    ttc_model *model = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_model_open(libraryPath.c_str(),
                            weightsPath.empty() ? nullptr : weightsPath.c_str(),
                            &model, error);
    });
    return Model(model);
  }
  static Model open(const std::string &libraryPath, const Weights &weights,
                    bool strict = true) {
    ttc_model *model = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_model_open_with(libraryPath.c_str(), weights.get(), strict,
                                 &model, error);
    });
    return Model(model);
  }
  /// From a descriptor that is linked into the program.
  static Model create(const ttc_model_descriptor &descriptor,
                      const Weights *weights = nullptr, bool strict = true) {
    ttc_model *model = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_model_create(&descriptor, weights ? weights->get() : nullptr,
                              strict, &model, error);
    });
    return Model(model);
  }

  const ttc_model_descriptor &descriptor() const {
    return *ttc_model_get_descriptor(get());
  }
  SessionBytes sessionBytes(int64_t batch) const {
    SessionBytes bytes;
    detail::check([&](ttc_error *error) {
      return ttc_model_session_bytes(get(), batch, &bytes.states,
                                     &bytes.scratch, error);
    });
    return bytes;
  }
  /// The most bytes of states, or of scratch memory, a session; 0 for any.
  void setBudget(uint64_t bytes) {
    detail::check([&](ttc_error *error) {
      return ttc_model_set_budget(get(), bytes, error);
    });
  }
  ttc_model *get() const { return model.get(); }

private:
  struct Close {
    void operator()(ttc_model *model) const { ttc_model_close(model); }
  };
  explicit Model(ttc_model *model) : model(model) {}
  std::unique_ptr<ttc_model, Close> model;
};

/// One stream through a model. It keeps the model alive. Moves, does not copy.
class Session {
public:
  explicit Session(const Model &model) {
    ttc_session *created = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_session_create(model.get(), &created, error);
    });
    session.reset(created);
  }
  /// On "cpu", or on "cuda:0" and so on.
  Session(const Model &model, const std::string &device) {
    ttc_session *created = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_session_create_on(model.get(), device.c_str(), &created,
                                   error);
    });
    session.reset(created);
  }
  /// Another session with the same states, independent from then on.
  Session fork() const {
    ttc_session *created = nullptr;
    detail::check([&](ttc_error *error) {
      return ttc_session_fork(get(), &created, error);
    });
    return Session(created);
  }

  /// A model with one input and one output.
  void step(const ttc_tensor &input, const ttc_tensor &output) {
    step(&input, &output);
  }
  void step(const ttc_tensor *inputs, const ttc_tensor *outputs) {
    detail::check([&](ttc_error *error) {
      return ttc_session_step(get(), inputs, outputs, error);
    });
  }
  void run(const ttc_tensor &input, const ttc_tensor &output) {
    run(&input, &output);
  }
  void run(const ttc_tensor *inputs, const ttc_tensor *outputs) {
    detail::check([&](ttc_error *error) {
      return ttc_session_run(get(), inputs, outputs, error);
    });
  }

  /// How many threads may make a step together; 1 until this call.
  void setThreads(int64_t threads) {
    detail::check([&](ttc_error *error) {
      return ttc_session_set_threads(get(), threads, error);
    });
  }
  int64_t threads() const { return ttc_session_threads(get()); }
  std::string device() const { return ttc_session_device(get()); }
  /// Orders all that comes in a CUstream of the caller's.
  void setStream(void *stream) {
    detail::check([&](ttc_error *error) {
      return ttc_session_set_stream(get(), stream, error);
    });
  }
  /// Returns when all steps are done.
  void synchronize() {
    detail::check([&](ttc_error *error) {
      return ttc_session_synchronize(get(), error);
    });
  }

  void zero() {
    detail::check(
        [&](ttc_error *error) { return ttc_session_zero(get(), error); });
  }
  /// One state.
  void zero(const std::string &name) {
    detail::check([&](ttc_error *error) {
      return ttc_session_zero_state(get(), name.c_str(), error);
    });
  }
  /// The rows of the batch whose mark is not 0.
  void zeroRows(const std::vector<uint8_t> &rows) {
    detail::check([&](ttc_error *error) {
      return ttc_session_zero_rows(get(), rows.data(), rows.size(), error);
    });
  }
  void detach() {
    detail::check(
        [&](ttc_error *error) { return ttc_session_detach(get(), error); });
  }
  /// Begins other random numbers, from position 0.
  void seed(uint64_t seed) { setGenerator({seed, 0}); }
  void setGenerator(const Generator &generator) {
    detail::check([&](ttc_error *error) {
      return ttc_session_set_generator(get(), generator.seed,
                                       generator.position, error);
    });
  }
  Generator generator() const {
    Generator generator;
    detail::check([&](ttc_error *error) {
      return ttc_session_generator(get(), &generator.seed, &generator.position,
                                   error);
    });
    return generator;
  }
  uint64_t timestep() const { return ttc_session_timestep(get()); }
  int64_t batch() const { return ttc_session_batch(get()); }
  /// A view, valid until the next step.
  ttc_tensor state(size_t index) const {
    ttc_tensor tensor;
    detail::check([&](ttc_error *error) {
      return ttc_session_state(get(), index, &tensor, error);
    });
    return tensor;
  }
  /// A copy, to room of exactly its bytes.
  void state(const std::string &name, void *data, size_t bytes) const {
    detail::check([&](ttc_error *error) {
      return ttc_session_get_state(get(), name.c_str(), data, bytes, error);
    });
  }
  void setState(const ttc_tensor &tensor, std::string *note = nullptr) {
    detail::check(note, [&](ttc_error *error) {
      return ttc_session_set_state(get(), &tensor, error);
    });
  }
  void setStates(const std::vector<ttc_tensor> &tensors, uint64_t timestep,
                 int flags = TTC_LOAD_STRICT, std::string *note = nullptr) {
    detail::check(note, [&](ttc_error *error) {
      return ttc_session_set_states(get(), tensors.data(), tensors.size(),
                                    flags, timestep, error);
    });
  }
  void save(const std::string &path) {
    detail::check([&](ttc_error *error) {
      return ttc_session_save(get(), path.c_str(), error);
    });
  }
  /// `note` receives sentences on what could not be verified or is odd, or
  /// none.
  void load(const std::string &path, int flags = TTC_LOAD_STRICT,
            std::string *note = nullptr) {
    detail::check(note, [&](ttc_error *error) {
      return ttc_session_load(get(), path.c_str(), flags, error);
    });
  }
  /// Returns the generation that was taken: 0 the newest, 1 the one before.
  int loadLatest(const std::string &path, int flags = TTC_LOAD_STRICT,
                 std::string *note = nullptr) {
    int generation = 0;
    detail::check(note, [&](ttc_error *error) {
      return ttc_session_load_latest(get(), path.c_str(), flags, &generation,
                                     error);
    });
    return generation;
  }
  ttc_session *get() const { return session.get(); }

private:
  explicit Session(ttc_session *session) : session(session) {}
  struct Close {
    void operator()(ttc_session *session) const { ttc_session_close(session); }
  };
  std::unique_ptr<ttc_session, Close> session;
};

} // namespace ttc

#endif // TTC_RUNTIME_HPP
