// A service that holds thousands of streams on one copy of the weights, from
// C++, with a thread for each share of the streams.
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// c++ -std=c++17 -O2 -pthread -Iruntime/include examples/service/service.cpp
//   -o service -Lbuild/lib -lttc_runtime
//
//   ./service ./libnet.so - states [streams [resident [steps]]]
//
// The arguments and what it prints are those of service.c. Here the streams are
// dealt out to four workers, each a thread with sessions of its own: the model
// is shared by all, a session is used by one thread at a time.

#include <ttc/runtime.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <list>
#include <map>
#include <set>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace {

constexpr int numWorkers = 4;
constexpr int64_t comparisons = 10;

/// What a stream's inputs, and the order of the streams, are made from.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// The most memory that this program has had so far.
double peakBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

/// An input or output of one row, with room for its data.
class Port {
public:
  explicit Port(const ttc_tensor_spec &spec)
      : spec(spec), shape(spec.shape, spec.shape + spec.rank) {
    if (spec.dtype != TTC_DTYPE_F32)
      throw std::invalid_argument("This program serves F32 models only.");
    std::replace(shape.begin(), shape.end(), int64_t(TTC_BATCH), int64_t(1));
    size_t count = 1;
    for (int64_t size : shape)
      count *= static_cast<size_t>(size);
    data.resize(count);
  }
  ttc_tensor tensor() {
    return {spec.name, spec.dtype, spec.rank, shape.data(), data.data()};
  }

private:
  const ttc_tensor_spec &spec;
  std::vector<int64_t> shape;

public:
  std::vector<float> data;
};

/// A share of the streams: sessions in memory, from the one that was used last
/// to the one that has been idle longest, and files of the others.
class Worker {
public:
  Worker(const ttc::Model &model, std::string folder, size_t maxResident)
      : model(model), folder(std::move(folder)), maxResident(maxResident),
        input(model.descriptor().inputs[0]),
        output(model.descriptor().outputs[0]) {}

  /// The next step of a stream; its output, until the next call.
  const std::vector<float> &serve(int64_t id) {
    step(find(id), id);
    return output.data;
  }
  /// As serve, of a session that no worker holds.
  const std::vector<float> &serve(ttc::Session &session, int64_t id) {
    step(session, id);
    return output.data;
  }
  /// From memory to its file. When this returns, no crash can lose it.
  void evict(int64_t id) {
    auto at = where.at(id);
    at->session.save(path(id));
    onDisk.insert(id);
    resident.erase(at);
    where.erase(id);
    ++evictions;
  }
  size_t numResident() const { return resident.size(); }

  int64_t evictions = 0, returns = 0, steps = 0;

private:
  struct Stream {
    int64_t id;
    ttc::Session session;
  };

  ttc::Session &find(int64_t id) {
    if (auto found = where.find(id); found != where.end()) {
      resident.splice(resident.begin(), resident, found->second);
      return found->second->session;
    }
    if (resident.size() == maxResident)
      evict(resident.back().id);
    ttc::Session session(model);
    if (onDisk.count(id)) {
      session.load(path(id));
      ++returns;
    }
    resident.push_front({id, std::move(session)});
    where[id] = resident.begin();
    return resident.front().session;
  }
  /// One in five elements of an input is an event.
  void step(ttc::Session &session, int64_t id) {
    uint64_t at = mix(static_cast<uint64_t>(id) << 32 | session.timestep());
    for (float &element : input.data)
      element = (at = mix(at)) % 5 == 0 ? 1.0f : 0.0f;
    session.step(input.tensor(), output.tensor());
    ++steps;
  }
  std::string path(int64_t id) const {
    return folder + "/" + std::to_string(id) + ".safetensors";
  }

  const ttc::Model &model;
  std::string folder;
  size_t maxResident;
  Port input, output;
  std::list<Stream> resident;
  std::map<int64_t, std::list<Stream>::iterator> where;
  std::set<int64_t> onDisk;
};

/// Runs `work` for every worker, each in a thread of its own.
template <typename Work>
void inParallel(std::vector<Worker> &workers, Work work) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> failures(workers.size());
  for (size_t i = 0; i < workers.size(); ++i)
    threads.emplace_back([&, i] {
      try {
        work(workers[i], static_cast<int64_t>(i));
      } catch (...) {
        failures[i] = std::current_exception();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::exception_ptr &failure : failures)
    if (failure)
      std::rethrow_exception(failure);
}

int64_t argument(int argc, char **argv, int index, int64_t otherwise) {
  return argc > index ? std::atoll(argv[index]) : otherwise;
}

void run(int argc, char **argv) {
  if (argc < 4)
    throw std::invalid_argument("usage: service ./libnet.so "
                                "weights.safetensors|- folder [streams "
                                "[resident [steps]]]");
  const std::string weights = argv[2], folder = argv[3];
  const int64_t numStreams = argument(argc, argv, 4, 10'000);
  const int64_t maxResident = argument(argc, argv, 5, numStreams - 100);
  const int64_t numSteps = argument(argc, argv, 6, 2 * numStreams);
  if (numStreams < 2 * numWorkers || maxResident < numWorkers || numSteps < 0)
    throw std::invalid_argument("streams, resident and steps are too few.");
  std::filesystem::create_directory(folder);

  ttc::Model model =
      ttc::Model::open(argv[1], weights == "-" ? std::string() : weights);
  const ttc_model_descriptor &descriptor = model.descriptor();
  if (descriptor.num_inputs != 1 || descriptor.num_outputs != 1)
    throw std::invalid_argument(
        "This program serves models with one input and one output.");
  std::vector<Worker> workers;
  for (int i = 0; i < numWorkers; ++i)
    workers.emplace_back(model, folder,
                         static_cast<size_t>(maxResident / numWorkers));

  // Every stream begins; stream i belongs to worker i modulo their number.
  const double memory = peakBytes();
  inParallel(workers, [&](Worker &worker, int64_t number) {
    for (int64_t id = number; id < numStreams; id += numWorkers)
      worker.serve(id);
  });
  const double grown = peakBytes() - memory;

  // Inputs arrive in any order. One stream of each worker is compared with a
  // session that goes on from the same states and is never evicted.
  const auto start = std::chrono::steady_clock::now();
  inParallel(workers, [&](Worker &worker, int64_t number) {
    const int64_t share = (numStreams - number + numWorkers - 1) / numWorkers;
    const int64_t each = numSteps / numWorkers;
    ttc::Session neverEvicted(model);
    std::vector<float> expected = worker.serve(neverEvicted, number);
    uint64_t random = static_cast<uint64_t>(number);
    for (int64_t i = 0; i < each; ++i) {
      random = mix(random);
      // Never the first one, which is compared.
      worker.serve(number +
                   numWorkers *
                       (1 + static_cast<int64_t>(
                                random % static_cast<uint64_t>(share - 1))));
      if (i % (each / comparisons + 1) != 0)
        continue;
      expected = worker.serve(neverEvicted, number);
      if (worker.serve(number) != expected)
        throw std::runtime_error(
            "The evicted stream differs from the one that was not.");
      worker.evict(number);
    }
  });
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();

  int64_t evictions = 0, returns = 0, resident = 0;
  for (const Worker &worker : workers) {
    evictions += worker.evictions;
    returns += worker.returns;
    resident += static_cast<int64_t>(worker.numResident());
  }
  std::printf("streams:              %lld, %lld of them in memory\n",
              static_cast<long long>(numStreams),
              static_cast<long long>(resident));
  std::printf("bytes a session:      %llu of states; %.0f measured, all "
              "included\n",
              static_cast<unsigned long long>(model.sessionBytes(1).states),
              grown / static_cast<double>(resident));
  std::printf("weights:              %llu bytes, once\n",
              static_cast<unsigned long long>(descriptor.prepared_size));
  std::printf("evictions:            %lld, and %lld came back\n",
              static_cast<long long>(evictions),
              static_cast<long long>(returns));
  std::printf("steps per second:     %.0f (with those), in %d threads\n",
              static_cast<double>(numSteps) / elapsed, numWorkers);
  std::printf(
      "compared:             streams between evictions, bit for bit the "
      "same\n");
}

} // namespace

int main(int argc, char **argv) {
  try {
    run(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
