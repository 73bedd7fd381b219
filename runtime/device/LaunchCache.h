//===- LaunchCache.h - Which launches are worth recording? ------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a session launches again and again, with the same arguments, the driver
// can do as one graph, without looking at each part anew. It is recorded when
// it comes for the third time; the last few are kept.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_LAUNCHCACHE_H
#define TTC_LAUNCHCACHE_H

#include "device/CudaDevice.h"

#include <array>
#include <functional>
#include <vector>

namespace ttc {

class LaunchCache {
public:
  /// What is launched: its arguments and all else that it depends on.
  using Key = std::vector<uint64_t>;

  /// Launches in `stream`: the graph of that key, if there is one, or else by
  /// `launch`, which is given the stream to launch in. Within the device's
  /// context. Returns the driver's error.
  int run(const CudaLaunches &driver, const Key &key, CudaStream stream,
          const std::function<int(CudaStream)> &launch);
  /// Forgets all: their arguments are gone.
  void clear(const CudaLaunches &driver);

  /// How many graphs there are, for tests.
  size_t count() const;

private:
  struct Entry {
    Key key;
    unsigned seen = 0;
    CudaGraphExec graph = nullptr;
  };
  Entry &find(const CudaLaunches &driver, const Key &key);

  std::array<Entry, 4> entries;
  size_t next = 0;      ///< to be replaced
  bool refused = false; ///< the driver could not record, and is not asked again
};

} // namespace ttc

#endif // TTC_LAUNCHCACHE_H
