//===- DeviceSession.h - What has a session on a GPU? -----------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Its states, scratch memory and what blocks wait by, all on the device, and
// the stream that everything it does there is ordered by: a step returns when
// it is launched, if its buffers are the device's, and what reads or writes the
// states afterwards is ordered behind it.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_DEVICESESSION_H
#define TTC_DEVICESESSION_H

#include "device/DeviceModel.h"
#include "device/LaunchCache.h"
#include "support/Memory.h"

struct ttc_session;

namespace ttc {

/// Where the buffers of a step lie.
enum class BufferPlace { Host, Device };

class DeviceSession {
public:
  explicit DeviceSession(DeviceModel &on) : on(on) {}
  ~DeviceSession();
  DeviceSession(const DeviceSession &) = delete;
  DeviceSession &operator=(const DeviceSession &) = delete;
  /// Once, before anything else.
  Status open();

  const std::string &deviceName() const { return on.device->name(); }
  DeviceModel &deviceModel() const { return on; }
  unsigned char *states() const { return statesBlock.get(); }

  /// Goes on in a stream of the caller's, behind what was ordered so far.
  Status setStream(CudaStream next);
  /// Goes on behind what another session has ordered so far, in its stream if
  /// that is the caller's.
  Status follow(const DeviceSession &other);
  /// Returns when all that was ordered is done.
  Status synchronize() const;

  /// Makes room for new states, which begin as a copy of `from`, anywhere, or
  /// as zeros where that is null. What was there stays if it fails.
  Status replaceStates(const std::string &what, uint64_t size,
                       const void *from);
  Status zeroStates(uint64_t size) { return fill(states(), size); }
  /// Ordered behind the steps; `copy` returns when it is done. Both addresses
  /// may be of the host or of the device.
  Status copy(void *to, const void *from, uint64_t size) const;
  Status fill(unsigned char *data, uint64_t size) const;

  /// Says what a pointer is of, such as "the input 'x'", where a sentence needs
  /// it.
  using Describe = std::function<std::string()>;
  /// Tells where a pointer lies; that of another device is refused.
  Status findPlace(const void *pointer, const Describe &who,
                   BufferPlace &place) const;

  /// Finds room for the steps of a batch; must come before those.
  Status getReady(const ttc_session &session, int64_t batch);
  /// Steps on buffers that are known to be good. `sequence` says which of the
  /// two kernels makes them.
  Status makeSteps(const ttc_session &session, const void *const *inputs,
                   void *const *outputs, BufferPlace place, int64_t batch,
                   int64_t steps, bool sequence);

  /// The generator in the states is no longer that of the session.
  bool generatorIsOld = true;

private:
  /// A kernel's grid for the present batch, and what its blocks wait by.
  struct Grid {
    LaunchGeometry geometry = {};
    DeviceBlock barriers;
  };
  /// Where the buffers of the host pass through: on the device, and, if they
  /// are small, beside it in memory of the host that the device reads itself.
  struct Passage {
    DeviceBlock device;
    void *pinned = nullptr;
    uint64_t bytes = 0, pinnedBytes = 0;
  };

  /// Makes a stream wait for what was ordered in another.
  int order(CudaStream before, CudaStream next) const;
  CudaStream stream() const { return hasGivenStream ? givenStream : ownStream; }
  /// Whether the caller records what is launched there.
  bool isCapturing(CudaStream stream) const;

  Status prepareGrid(const Kernel &kernel, int64_t batch, Grid &grid);
  Status preparePassage(const ttc_session &session, uint64_t bytes);
  Status writeGenerator(const ttc_session &session);

  Status makeHostSteps(const ttc_session &session, const void *const *inputs,
                       void *const *outputs, int64_t batch, int64_t steps,
                       bool sequence);
  /// Launches on buffers of the device, copying through the passage first and
  /// afterwards where `inBytes` and `outBytes` are not 0.
  int launch(const ttc_session &session, const void *const *inputs,
             void *const *outputs, int64_t batch, int64_t steps, bool sequence,
             uint64_t inBytes, uint64_t outBytes);
  int launchKernel(const Kernel &kernel, const Grid &grid, CudaStream where);

  DeviceModel &on;
  CudaStream ownStream = nullptr, givenStream = nullptr;
  bool hasGivenStream = false;
  CudaEvent event = nullptr;
  DeviceBlock statesBlock, scratch;
  uint64_t scratchBytes = 0;
  int64_t readyBatch = 0; ///< for which grids and scratch memory are ready
  Grid stepGrid, runGrid;
  Passage passage;
  /// The kernel's arguments, and the addresses of those, then a null pointer,
  /// by which a driver that knows no signatures counts them.
  std::vector<uint64_t> arguments;
  std::vector<void *> parameters;
  LaunchCache launches;
};

} // namespace ttc

#endif // TTC_DEVICESESSION_H
