//===- DeviceSession.cpp - What has a session on a GPU? -------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/DeviceSession.h"

#include "model/Model.h"

namespace ttc {

DeviceSession::~DeviceSession() {
  const CudaLaunches &driver = on.driver;
  on.device->within([&] {
    // Nothing is given back that a launch may still need.
    driver.streamSynchronize(stream());
    launches.clear(driver);
    if (passage.pinned)
      driver.hostFree(passage.pinned);
    if (event)
      driver.eventDestroy(event);
    if (ownStream)
      driver.streamDestroy(ownStream);
    return 0;
  });
}

Status DeviceSession::open() {
  int error = on.device->within([&] {
    // Not one that passes the default stream by: what a caller does there
    // stays in order.
    int result = on.driver.streamCreate(&ownStream, 0);
    if (!result)
      result = on.driver.eventCreate(&event, cuda::eventDisableTiming);
    return result;
  });
  return error ? on.failed("create a session", error) : Status::success();
}

bool DeviceSession::isCapturing(CudaStream stream) const {
  int status = 0;
  return on.driver.streamIsCapturing &&
         on.driver.streamIsCapturing(stream, &status) == 0 && status != 0;
}

int DeviceSession::order(CudaStream before, CudaStream next) const {
  return on.device->within([&] {
    // What a caller records may not wait for what is not recorded.
    if (isCapturing(next))
      return 0;
    int error = on.driver.eventRecord(event, before);
    return error ? error : on.driver.streamWaitEvent(next, event, 0);
  });
}

Status DeviceSession::setStream(CudaStream next) {
  if (hasGivenStream && givenStream == next)
    return Status::success();
  if (int error = order(stream(), next))
    return on.failed("change the stream of a session", error);
  givenStream = next;
  hasGivenStream = true;
  return Status::success();
}

Status DeviceSession::follow(const DeviceSession &other) {
  hasGivenStream = other.hasGivenStream;
  givenStream = other.givenStream;
  int error = hasGivenStream ? 0 : order(other.stream(), stream());
  return error ? on.failed("fork a session", error) : Status::success();
}

Status DeviceSession::synchronize() const {
  int error =
      on.device->within([&] { return on.driver.streamSynchronize(stream()); });
  return error ? on.failed("finish the steps", error) : Status::success();
}

Status DeviceSession::replaceStates(const std::string &what, uint64_t size,
                                    const void *from) {
  DeviceBlock made;
  Status status = made.allocate(on.device, what, size);
  if (!status.failed())
    status = from ? copy(made.get(), from, size) : fill(made.get(), size);
  if (status.failed())
    return status;
  // The graphs know the old address, and launches may still use it.
  status = synchronize();
  if (status.failed())
    return status;
  on.device->within([&] {
    launches.clear(on.driver);
    return 0;
  });
  statesBlock = std::move(made);
  return status;
}

Status DeviceSession::copy(void *to, const void *from, uint64_t size) const {
  if (!size)
    return Status::success();
  int error = on.device->within([&] {
    int result =
        on.driver.copy(cudaAddress(to), cudaAddress(from), size, stream());
    return result ? result : on.driver.streamSynchronize(stream());
  });
  return error ? on.failed("copy " + std::to_string(size) +
                               " bytes of the states",
                           error)
               : Status::success();
}

Status DeviceSession::fill(unsigned char *data, uint64_t size) const {
  if (!size)
    return Status::success();
  int error = on.device->within(
      [&] { return on.driver.fill(cudaAddress(data), 0, size, stream()); });
  return error ? on.failed("zero the states", error) : Status::success();
}

Status DeviceSession::findPlace(const void *pointer, const Describe &who,
                                BufferPlace &place) const {
  unsigned type = 0;
  int ordinal = 0;
  int error = on.device->within([&] {
    const CudaAddress address = cudaAddress(pointer);
    int result =
        on.driver.pointerGetAttribute(&type, cuda::pointerMemoryType, address);
    if (result == 0 && type != cuda::memoryTypeHost)
      result = on.driver.pointerGetAttribute(
          &ordinal, cuda::pointerDeviceOrdinal, address);
    return result;
  });
  // What the driver does not know is plain memory of the host.
  place = error || type == cuda::memoryTypeHost ? BufferPlace::Host
                                                : BufferPlace::Device;
  if (error && error != cuda::errorInvalidValue)
    return on.failed("find out where " + who() + " lies", error);
  if (place == BufferPlace::Host || ordinal == on.device->number)
    return Status::success();
  const std::string where = "cuda:" + std::to_string(ordinal);
  return {TTC_ERROR_ARGUMENT, "OtherDevice",
          "The memory of " + who() + " is on " + where + ", the session on " +
              deviceName() + ": copy it there, or create the session on '" +
              where + "'."};
}

} // namespace ttc
