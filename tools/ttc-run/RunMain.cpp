//===- RunMain.cpp - How is a compiled model run by hand? -----------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunMain.h"

#include "Inputs.h"
#include "Results.h"
#include "ttc/runtime.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <system_error>
#include <unistd.h>

using namespace ttcrun;

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string library, weights, loadStates, saveStates, labels;
  std::string device = "cpu";
  std::vector<std::string> inputs, outputs, compare;
  std::optional<int64_t> batch;
  std::optional<int64_t> steps;
  std::optional<uint64_t> seed;
  std::optional<int64_t> threads;
  int64_t skip = 0;
  int64_t block = 0;
  Tolerance tolerance;
  std::optional<double> bench;
};

/// The first signal asks for a good end, a second one takes its usual way.
void catchSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stopRequested = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool endsWith(const std::string &text, const char *end) {
  size_t length = std::strlen(end);
  return text.size() >= length &&
         text.compare(text.size() - length, length, end) == 0;
}

/// How far the run is, for people who watch.
class Progress {
public:
  explicit Progress(int64_t total)
      : total(total), shown(::isatty(STDERR_FILENO)), next(Clock::now()) {}
  ~Progress() {
    if (printed)
      std::fprintf(stderr, "\r\033[K");
  }
  void at(int64_t step) {
    if (!shown || Clock::now() < next)
      return;
    next = Clock::now() + std::chrono::milliseconds(100);
    printed = true;
    if (total < 0)
      std::fprintf(stderr, "\rtimestep %lld", static_cast<long long>(step));
    else
      std::fprintf(stderr, "\rtimestep %lld of %lld",
                   static_cast<long long>(step), static_cast<long long>(total));
  }

private:
  int64_t total;
  bool shown, printed = false;
  Clock::time_point next;
};

//===----------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------===//

/// The batch: that of the model, of the first .npy input, or of the command
/// line.
int64_t findBatch(const ttc_model_descriptor &model, const Options &options,
                  const std::vector<NpyArray> &arrays) {
  std::optional<int64_t> batch = options.batch;
  for (uint32_t i = 0; i < model.num_inputs && !batch; ++i) {
    const ttc_tensor_spec &spec = model.inputs[i];
    if (spec.rank > 0 && spec.shape[0] == TTC_BATCH &&
        arrays[i].shape.size() == static_cast<size_t>(spec.rank) + 1)
      batch = arrays[i].shape[1];
  }
  if (!batch)
    batch = model.batch == TTC_BATCH ? 1 : model.batch;
  if (*batch < 1)
    fail("The batch is " + std::to_string(*batch) + "; it must be at least 1.");
  return *batch;
}

ttc::Model openModel(const ttc_model_descriptor *embedded,
                     const Options &options) {
  if (!embedded)
    return ttc::Model::open(options.library, options.weights);
  if (options.weights.empty())
    return ttc::Model::create(*embedded);
  ttc::Weights weights = ttc::Weights::open(options.weights);
  return ttc::Model::create(*embedded, &weights);
}

/// Buffers for up to `steps` timesteps, and the tensors that describe them.
class Buffers {
public:
  Buffers(const std::vector<Port> &ports, int64_t steps, bool sequence)
      : ports(ports), sequence(sequence) {
    for (const Port &port : ports) {
      size_t bytes = 0;
      if (__builtin_mul_overflow(port.bytes, static_cast<size_t>(steps),
                                 &bytes))
        fail("A block of " + std::to_string(steps) + " timesteps of '" +
             port.name + "' has more bytes than can be counted.");
      // Of doubles, so that they are aligned for every element.
      data.emplace_back(bytes / sizeof(double) + 1);
      shapes.push_back({steps});
      shapes.back().insert(shapes.back().end(), port.shape.begin(),
                           port.shape.end());
    }
    tensors.resize(ports.size() + 1);
    setSteps(steps);
  }
  void setSteps(int64_t steps) {
    for (size_t i = 0; i < ports.size(); ++i) {
      shapes[i][0] = steps;
      tensors[i].name = ports[i].name.c_str();
      tensors[i].dtype = ports[i].dtype;
      tensors[i].rank = static_cast<int32_t>(ports[i].shape.size()) + sequence;
      tensors[i].shape = shapes[i].data() + !sequence;
      tensors[i].data = data[i].data();
    }
  }
  unsigned char *bytes(size_t index) {
    return reinterpret_cast<unsigned char *>(data[index].data());
  }
  const unsigned char *bytes(size_t index) const {
    return reinterpret_cast<const unsigned char *>(data[index].data());
  }
  const ttc_tensor *get() const { return tensors.data(); }

private:
  const std::vector<Port> &ports;
  bool sequence;
  std::vector<std::vector<double>> data;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<ttc_tensor> tensors;
};

class Runner {
public:
  Runner(const ttc_model_descriptor *embedded, const Options &options)
      : options(options), model(openModel(embedded, options)),
        session(model, options.device) {
    const ttc_model_descriptor &descriptor = model.descriptor();
    checkCount("--input", options.inputs.size(), "input", descriptor.num_inputs,
               /*all=*/true);
    checkCount("--output", options.outputs.size(), "output",
               descriptor.num_outputs, /*all=*/false);
    checkCount("--compare", options.compare.size(), "output",
               descriptor.num_outputs, /*all=*/false);
    openInputs(descriptor);
    for (uint32_t i = 0; i < descriptor.num_outputs; ++i) {
      outputPorts.push_back(makePort(descriptor.outputs[i], batch));
      int32_t dtype = outputPorts.back().dtype;
      if (dtype != TTC_DTYPE_F32 && dtype != TTC_DTYPE_F64)
        fail("The output '" + outputPorts.back().name + "' is " +
             ttc_dtype_name(dtype) +
             "; ttc-run writes and compares F32 and F64 only.");
    }
    for (size_t i = 0; i < options.outputs.size(); ++i)
      outputs.push_back(
          std::make_unique<Output>(options.outputs[i], outputPorts[i]));
    for (size_t i = 0; i < options.compare.size(); ++i)
      comparisons.push_back(std::make_unique<Comparison>(
          options.compare[i], outputPorts[i], options.tolerance));
    if (!options.labels.empty()) {
      if (outputPorts.empty())
        fail("The model has no output to compare with --labels.");
      accuracy = std::make_unique<Accuracy>(options.labels, outputPorts[0]);
    }
    if (!options.loadStates.empty())
      session.load(options.loadStates);
    if (options.seed)
      session.seed(*options.seed);
    if (options.threads)
      session.setThreads(*options.threads);
  }

  int run() {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!inputs[i]->skip(options.skip))
        fail("The input '" + inputPorts[i].name + "' ends before timestep " +
             std::to_string(options.skip) + ", where --skip begins.");
    if (options.bench)
      return bench();
    stepAll();
    if (!options.saveStates.empty())
      session.save(options.saveStates);
    for (auto &output : outputs)
      output->finish();
    if (stopRequested)
      std::fprintf(stderr,
                   "ttc-run: stopped by a signal at timestep %lld%s%s\n",
                   static_cast<long long>(options.skip + done),
                   options.saveStates.empty() ? "" : ", states saved to ",
                   options.saveStates.c_str());
    if (accuracy)
      accuracy->finish();
    bool same = true;
    const bool stopped = stopRequested || options.steps;
    for (auto &comparison : comparisons)
      same &= comparison->finish(stopped ? -1 : options.skip + done);
    return same ? 0 : 1;
  }

private:
  static void checkCount(const char *option, size_t given, const char *kind,
                         uint32_t expected, bool all) {
    if (all ? given != expected : given > expected)
      fail(std::string(option) + " is there " + std::to_string(given) +
           " times, the model has " + std::to_string(expected) + " " + kind +
           (expected == 1 ? "." : "s."));
  }

  void openInputs(const ttc_model_descriptor &descriptor) {
    std::vector<NpyArray> arrays;
    for (const std::string &path : options.inputs)
      arrays.push_back(endsWith(path, ".npy") ? readNpy(path) : NpyArray());
    batch = findBatch(descriptor, options, arrays);
    // All ports before the first input: inputs keep references to them.
    for (uint32_t i = 0; i < descriptor.num_inputs; ++i)
      inputPorts.push_back(makePort(descriptor.inputs[i], batch));
    for (size_t i = 0; i < inputPorts.size(); ++i)
      inputs.push_back(arrays[i].path.empty()
                           ? openRawInput(options.inputs[i], inputPorts[i])
                           : openNpyInput(std::move(arrays[i]), inputPorts[i]));
  }

  /// The number of timesteps to run, or -1 if only the end of the input tells.
  int64_t plannedSteps() const {
    int64_t planned = options.steps.value_or(-1);
    for (const auto &input : inputs)
      if (input->length() >= 0) {
        int64_t left = input->length() - options.skip;
        planned = planned < 0 ? left : std::min(planned, left);
      }
    return planned;
  }

  /// Reads up to `steps` timesteps of every input; returns how many there were.
  int64_t readInputs(Buffers &buffers, int64_t steps) {
    int64_t count = steps;
    for (size_t i = 0; i < inputs.size(); ++i) {
      int64_t here = inputs[i]->read(buffers.bytes(i), steps);
      if (i && here != count && !stopRequested)
        fail("The inputs do not have the same number of timesteps: '" +
             inputPorts[i].name + "' " +
             (here < count ? "ends before '" : "goes on after '") +
             inputPorts[0].name + "'.");
      count = i ? std::min(count, here) : here;
    }
    return count;
  }

  void stepAll() {
    const bool sequence = options.block > 0;
    const int64_t most = sequence ? options.block : 1;
    Buffers in(inputPorts, most, sequence), out(outputPorts, most, sequence);
    const int64_t planned = plannedSteps();
    if (inputs.empty() && planned < 0)
      fail("The model has no input to end with: say --steps.");
    Progress progress(planned);
    while (!stopRequested && (planned < 0 || done < planned)) {
      int64_t wanted = planned < 0 ? most : std::min(most, planned - done);
      int64_t count = readInputs(in, wanted);
      if (count == 0)
        break;
      if (sequence) {
        in.setSteps(count);
        out.setSteps(count);
        session.run(in.get(), out.get());
      } else {
        session.step(in.get(), out.get());
      }
      use(out, count);
      done += count;
      progress.at(done);
    }
  }

  void use(const Buffers &out, int64_t count) {
    for (size_t i = 0; i < outputs.size(); ++i)
      outputs[i]->steps(out.bytes(i), count);
    for (int64_t t = 0; t < count; ++t) {
      for (size_t i = 0; i < comparisons.size(); ++i)
        comparisons[i]->step(out.bytes(i) +
                                 static_cast<size_t>(t) * outputPorts[i].bytes,
                             options.skip + done + t);
      if (accuracy)
        accuracy->step(out.bytes(0) +
                       static_cast<size_t>(t) * outputPorts[0].bytes);
    }
  }

  /// Goes through the input again and again, from memory, for the given time.
  int bench() {
    const int64_t planned = plannedSteps();
    if (planned < 1)
      fail("--bench needs an input whose length is known: a .npy file with at "
           "least one timestep, or --steps.");
    const bool sequence = options.block > 0;
    const int64_t most = sequence ? std::min(options.block, planned) : 1;
    std::vector<Buffers> in;
    for (int64_t at = 0; at < planned; at += most) {
      int64_t count = std::min(most, planned - at);
      in.emplace_back(inputPorts, count, sequence);
      if (readInputs(in.back(), count) != count)
        fail("The input ends before timestep " +
             std::to_string(options.skip + planned) +
             ", which --steps asks "
             "for.");
    }
    Buffers out(outputPorts, most, sequence);
    std::vector<double> rounds;
    int64_t steps = 0;
    const Clock::time_point start = Clock::now();
    Clock::time_point now = start;
    const std::chrono::duration<double> limit(*options.bench);
    do {
      const Clock::time_point before = now;
      for (size_t i = 0; i < in.size(); ++i) {
        if (sequence) {
          out.setSteps(
              std::min(most, planned - static_cast<int64_t>(i) * most));
          session.run(in[i].get(), out.get());
        } else {
          session.step(in[i].get(), out.get());
        }
      }
      now = Clock::now();
      steps += planned;
      rounds.push_back(
          std::chrono::duration<double, std::micro>(now - before).count() /
          static_cast<double>(planned));
    } while (!stopRequested && now - start < limit);
    std::sort(rounds.begin(), rounds.end());
    double seconds = std::chrono::duration<double>(now - start).count();
    std::printf("bench: %.6g steps per second (%lld steps in %.3f s at batch "
                "%lld); microseconds a step over rounds of %lld: median %.4g, "
                "min %.4g\n",
                static_cast<double>(steps) / seconds,
                static_cast<long long>(steps), seconds,
                static_cast<long long>(batch), static_cast<long long>(planned),
                rounds[rounds.size() / 2], rounds.front());
    return 0;
  }

  const Options &options;
  ttc::Model model;
  ttc::Session session;
  int64_t batch = 1;
  int64_t done = 0;
  std::vector<Port> inputPorts, outputPorts;
  std::vector<std::unique_ptr<Input>> inputs;
  std::vector<std::unique_ptr<Output>> outputs;
  std::vector<std::unique_ptr<Comparison>> comparisons;
  std::unique_ptr<Accuracy> accuracy;
};

void describe(CLI::App &app, Options &options, bool embedded) {
  app.description(embedded ? "Runs the model that is inside over an input."
                           : "Runs a compiled model over an input.");
  app.set_version_flag("--version", std::string("ttc ") + ttc_version());
  if (!embedded)
    app.add_option("model", options.library, "the model, a shared library")
        ->required();
  app.add_option("--weights", options.weights,
                 "weights: .safetensors, what torch.save wrote, or the "
                 ".index.json of shards; override those compiled in");
  app.add_option("--input", options.inputs,
                 "timesteps of one input, in order of the model's inputs: .npy "
                 "(timesteps first; of the input's type, or of one whose "
                 "values it holds), else numbers without a header; - for "
                 "standard input")
      ->allow_extra_args(false);
  app.add_option("--output", options.outputs,
                 "where to write one output: .npy, or - for numbers without a "
                 "header to standard output")
      ->allow_extra_args(false);
  app.add_option("--batch", options.batch,
                 "the batch of inputs without a header (default 1)");
  app.add_option("--device", options.device,
                 "where to run: cpu (default), or cuda:0 and so on, for which "
                 "the model must have been compiled");
  app.add_option("--load-states", options.loadStates,
                 "begin with the states of this file");
  app.add_option("--save-states", options.saveStates,
                 "write the states to this file at the end");
  app.add_option("--seed", options.seed,
                 "seed of the model's random numbers (default: that of the "
                 "loaded states, else 0)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--threads", options.threads,
                 "how many threads make a timestep together (default 1), at "
                 "most as many as the model was compiled for");
  app.add_option("--steps", options.steps, "stop after so many timesteps")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--skip", options.skip,
                 "begin at this timestep of the input (default 0)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--block", options.block,
                 "run in blocks of so many timesteps, not step by step")
      ->check(CLI::PositiveNumber);
  app.add_option("--compare", options.compare,
                 "compare one output with this .npy file, timestep by timestep "
                 "of the input; exit code 1 if they differ")
      ->allow_extra_args(false);
  app.add_option("--rtol", options.tolerance.rtol,
                 "relative tolerance of --compare (default 1e-4)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--atol", options.tolerance.atol,
                 "absolute tolerance of --compare (default 1e-5)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--exact", options.tolerance.exact, "compare bits");
  app.add_option("--labels", options.labels,
                 "print the accuracy against these labels (.npy): the class is "
                 "the largest element, along the last axis, of the first "
                 "output's sum over time");
  app.add_option("--bench", options.bench,
                 "go through the input for so many seconds (default 1) and "
                 "print steps per second; writes nothing")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::NonNegativeNumber);
}

} // namespace

extern "C" int ttcRunMain(const ttc_model_descriptor *embedded, int argc,
                          char **argv) {
  try {
    Options options;
    CLI::App app;
    describe(app, options, embedded != nullptr);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
      // The library's own codes are many; ours are 0 and 1.
      return app.exit(error) == 0 ? 0 : 1;
    }
    catchSignals();
    int code = Runner(embedded, options).run();
    if (std::fflush(stdout) != 0)
      fail("Cannot write to standard output: " +
           std::generic_category().message(errno) + ".");
    return code;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ttc-run: error: %s\n", error.what());
    return 1;
  }
}
