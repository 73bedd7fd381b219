//===- DiskModel.cpp - What may a power cut leave of a save? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiskModel.h"

#include "support/SystemCalls.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fcntl.h>
#include <set>
#include <unistd.h>

namespace {

constexpr size_t sectorSize = 512;

std::string lastName(const std::string &path) {
  return path.substr(path.rfind('/') + 1);
}

bool isTemporary(const std::string &name) {
  return name.find(".tmp.") != std::string::npos;
}

} // namespace

//===----------------------------------------------------------------------===//
// Recording
//===----------------------------------------------------------------------===//

/// What the calls do to names and descriptors, so that they can be told apart.
struct DiskModel::Recorder {
  struct Open {
    bool directory;
    size_t file;
    uint64_t at;
  };
  DiskModel &model;
  const ttc::SystemCalls real = ttc::systemCalls;
  std::map<std::string, size_t> names;
  std::map<int, Open> open;

  explicit Recorder(DiskModel &model) : model(model) {}

  void setNames(std::vector<Entry> entries) {
    for (const Entry &entry : entries)
      if (entry.file == noFile)
        names.erase(entry.name);
      else
        names[entry.name] = entry.file;
    Event event(Event::Names);
    event.entries = std::move(entries);
    model.events.push_back(std::move(event));
  }

  static Recorder *present;

  static int openFile(const char *path, int flags, mode_t mode);
  static ssize_t write(int file, const void *bytes, size_t size);
  static int fsync(int file);
  static int close(int file);
  static int link(const char *from, const char *to);
  static int rename(const char *from, const char *to);
  static int unlink(const char *path);
};

DiskModel::Recorder *DiskModel::Recorder::present = nullptr;

int DiskModel::Recorder::openFile(const char *path, int flags, mode_t mode) {
  int number = present->real.open(path, flags, mode);
  if (number < 0)
    return number;
  if (flags & O_DIRECTORY) {
    present->open[number] = {true, noFile, 0};
  } else if (flags & (O_WRONLY | O_RDWR)) {
    std::string name = lastName(path);
    auto known = present->names.find(name);
    size_t file;
    if (known == present->names.end()) {
      file = present->model.files++;
      present->setNames({{name, file}});
    } else {
      file = known->second;
      if (flags & O_TRUNC) {
        present->model.events.emplace_back(Event::Truncate, file);
      }
    }
    present->open[number] = {false, file, 0};
  }
  return number;
}

ssize_t DiskModel::Recorder::write(int file, const void *bytes, size_t size) {
  ssize_t count = present->real.write(file, bytes, size);
  auto known = present->open.find(file);
  if (count > 0 && known != present->open.end()) {
    Event event(Event::Write, known->second.file);
    event.number = known->second.at;
    event.data.assign(static_cast<const char *>(bytes),
                      static_cast<size_t>(count));
    known->second.at += static_cast<uint64_t>(count);
    present->model.events.push_back(std::move(event));
  }
  return count;
}

int DiskModel::Recorder::fsync(int file) {
  auto known = present->open.find(file);
  REQUIRE(known != present->open.end());
  const bool directory = known->second.directory;
  if (directory ? present->model.hears.directorySyncs
                : present->model.hears.fileSyncs) {
    present->model.events.emplace_back(
        directory ? Event::SyncDirectory : Event::Sync, known->second.file);
  }
  return present->real.fsync(file);
}

int DiskModel::Recorder::close(int file) {
  present->open.erase(file);
  return present->real.close(file);
}

int DiskModel::Recorder::link(const char *from, const char *to) {
  int result = present->real.link(from, to);
  if (result == 0)
    present->setNames({{lastName(to), present->names.at(lastName(from))}});
  return result;
}

int DiskModel::Recorder::rename(const char *from, const char *to) {
  int result = present->real.rename(from, to);
  size_t file = present->names.at(lastName(from));
  auto there = present->names.find(lastName(to));
  // Two names of one file: the system does nothing.
  if (result == 0 && (there == present->names.end() || there->second != file))
    present->setNames({{lastName(to), file}, {lastName(from), noFile}});
  return result;
}

int DiskModel::Recorder::unlink(const char *path) {
  int result = present->real.unlink(path);
  if (result == 0)
    present->setNames({{lastName(path), noFile}});
  return result;
}

DiskModel::DiskModel(DiskHears hears) : hears(hears) {
  REQUIRE(Recorder::present == nullptr);
  Recorder::present = new Recorder(*this);
  ttc::systemCalls.open = Recorder::openFile;
  ttc::systemCalls.write = Recorder::write;
  ttc::systemCalls.fsync = Recorder::fsync;
  ttc::systemCalls.close = Recorder::close;
  // A test may have forbidden links before.
  if (ttc::systemCalls.link == ::link)
    ttc::systemCalls.link = Recorder::link;
  ttc::systemCalls.rename = Recorder::rename;
  ttc::systemCalls.unlink = Recorder::unlink;
}

DiskModel::~DiskModel() {
  ttc::systemCalls = Recorder::present->real;
  delete Recorder::present;
  Recorder::present = nullptr;
}

void DiskModel::acknowledge(uint64_t timestep) {
  Event event(Event::Acknowledge);
  event.number = timestep;
  events.push_back(std::move(event));
}

//===----------------------------------------------------------------------===//
// Playing back
//===----------------------------------------------------------------------===//

/// The disk at one moment: what is safe, and what is only hoped for.
struct DiskModel::Disk {
  std::vector<std::string> safe, hoped; ///< a content a file
  std::map<std::string, size_t> names;
  std::vector<std::vector<Entry>> unsyncedNames;
  uint64_t acknowledged = 0;

  explicit Disk(size_t files) : safe(files), hoped(files) {}

  void happen(const Event &event) {
    switch (event.kind) {
    case Event::Names:
      unsyncedNames.push_back(event.entries);
      break;
    case Event::Truncate:
      hoped[event.file].clear();
      break;
    case Event::Write: {
      std::string &content = hoped[event.file];
      content.resize(
          std::max<size_t>(content.size(), event.number + event.data.size()));
      content.replace(event.number, event.data.size(), event.data);
      break;
    }
    case Event::Sync:
      safe[event.file] = hoped[event.file];
      break;
    case Event::SyncDirectory:
      for (const std::vector<Entry> &entries : unsyncedNames)
        apply(entries, names);
      unsyncedNames.clear();
      break;
    case Event::Acknowledge:
      acknowledged = event.number;
      break;
    }
  }

  static void apply(const std::vector<Entry> &entries,
                    std::map<std::string, size_t> &to) {
    for (const Entry &entry : entries)
      if (entry.file == noFile)
        to.erase(entry.name);
      else
        to[entry.name] = entry.file;
  }

  /// What a file may contain after a cut now.
  std::set<std::string> contents(size_t file) const {
    const std::string &old = safe[file], &fresh = hoped[file];
    std::set<std::string> found = {old, fresh};
    if (old == fresh)
      return found;
    std::string sameSize = old;
    sameSize.resize(fresh.size());
    found.insert(std::string(fresh.size(), '\0'));
    found.insert(sameSize);
    found.insert(fresh.substr(0, fresh.size() / 2));
    for (size_t at = 0; at < fresh.size(); at += sectorSize) {
      // Up to here; all but this sector; from here.
      found.insert(fresh.substr(0, at));
      std::string hole = fresh, tail = fresh;
      hole.replace(at, sectorSize, sameSize.substr(at, sectorSize));
      tail.replace(0, at, sameSize.substr(0, at));
      found.insert(hole);
      found.insert(tail);
    }
    return found;
  }
};

uint64_t DiskModel::eachCut(
    const std::function<void(const Files &, uint64_t)> &left) const {
  std::set<std::pair<Files, uint64_t>> seen;
  Disk disk(files);
  uint64_t cuts = 0;
  auto cut = [&] {
    const size_t open = disk.unsyncedNames.size();
    REQUIRE(open < 20);
    for (size_t subset = 0; subset < size_t(1) << open; ++subset) {
      std::map<std::string, size_t> names = disk.names;
      for (size_t i = 0; i < open; ++i)
        if (subset >> i & 1)
          Disk::apply(disk.unsyncedNames[i], names);
      // One content for each name, in all combinations.
      std::vector<Files> combined = {Files()};
      for (const auto &[name, file] : names) {
        if (isTemporary(name))
          continue;
        std::vector<Files> more;
        for (const Files &before : combined)
          for (const std::string &content : disk.contents(file)) {
            more.push_back(before);
            more.back()[name] = content;
          }
        combined = std::move(more);
      }
      cuts += combined.size();
      for (const Files &files : combined)
        if (seen.emplace(files, disk.acknowledged).second)
          left(files, disk.acknowledged);
    }
  };
  cut();
  for (const Event &event : events) {
    disk.happen(event);
    cut();
  }
  return cuts;
}
