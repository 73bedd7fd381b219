//===- DiskModel.h - What may a power cut leave of a save? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A disk that promises as little as it may: data that was not synced can be
// lost, cut short, zeroed, or there sector by sector; a name that was given or
// taken away since the directory was synced can be as it was, each on its own;
// syncing a file says nothing of its name. What is written while the model
// lives is recorded, and then every cut at every moment is played back.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DISKMODEL_H
#define TTC_DISKMODEL_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// What of the writer's care reaches the disk: a crippled writer leaves
/// something out.
struct DiskHears {
  bool fileSyncs = true;
  bool directorySyncs = true;
};

class DiskModel {
public:
  /// Name and content of what is there after a cut, temporary files left out.
  using Files = std::map<std::string, std::string>;

  /// Records what goes through systemCalls, which does it as well.
  explicit DiskModel(DiskHears hears = DiskHears());
  ~DiskModel();
  DiskModel(const DiskModel &) = delete;
  DiskModel &operator=(const DiskModel &) = delete;

  /// The writer has been told that its timestep is safe.
  void acknowledge(uint64_t timestep);

  /// Calls back for every different state that a cut can leave, with the last
  /// timestep that had been acknowledged by then. Returns how many cuts there
  /// are, most of which leave what another leaves.
  uint64_t
  eachCut(const std::function<void(const Files &, uint64_t)> &left) const;

private:
  static constexpr size_t noFile = static_cast<size_t>(-1);
  struct Recorder;
  /// The directory's entry `name` now leads to a file, or to none.
  struct Entry {
    std::string name;
    size_t file; ///< noFile where the name is taken away
  };
  /// What happened, in order.
  struct Event {
    enum Kind { Names, Truncate, Write, Sync, SyncDirectory, Acknowledge };
    explicit Event(Kind kind, size_t file = noFile) : kind(kind), file(file) {}
    Kind kind;
    size_t file;
    std::vector<Entry> entries; ///< those that change together
    uint64_t number = 0;        ///< where a write begins; what is acknowledged
    std::string data;
  };
  struct Disk;

  DiskHears hears;
  std::vector<Event> events;
  size_t files = 0;
};

#endif // TTC_DISKMODEL_H
