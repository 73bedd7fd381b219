//===- Damage.cpp - Is a damaged states file ever accepted? ---------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Damage.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace {

/// A session that loads the file when it is whole, and that a damaged one must
/// leave as it is.
class Target {
public:
  Target(const std::string &whole, int givenFlags) : flags(givenFlags) {
    writeBytes(path, whole);
    REQUIRE(ttc_session_load(fake.session, path.c_str(), flags, nullptr) ==
            TTC_OK);
    begin();
  }

  void offer(const std::string &bytes, DamageFindings &findings) {
    writeBytes(path, bytes);
    ++findings.tried;
    ttc_status status =
        ttc_session_load(fake.session, path.c_str(), flags, nullptr);
    if (status == TTC_OK || fake.states() != before ||
        ttc_session_timestep(fake.session) != timestep) {
      ++findings.accepted;
      begin();
    }
  }

private:
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  const int flags;
  FakeSession fake;
  std::vector<float> before;
  uint64_t timestep = 0;

  /// Other states than those of the file, of the same batch.
  void begin() {
    fake.step(ttc_session_batch(fake.session), 7);
    before = fake.states();
    timestep = ttc_session_timestep(fake.session);
  }
};

} // namespace

DamageFindings damageEverywhere(const std::string &bytes, int flags) {
  Target target(bytes, flags);
  DamageFindings findings;
  std::string damaged = bytes;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      damaged[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      target.offer(damaged, findings);
      damaged[at] = bytes[at];
    }
  for (size_t size = 0; size < bytes.size(); ++size)
    target.offer(bytes.substr(0, size), findings);
  return findings;
}

DamageFindings damageAtRandom(const std::string &bytes, uint64_t count) {
  Target target(bytes, TTC_LOAD_STRICT);
  DamageFindings findings;
  std::mt19937_64 random(20240229);
  auto below = [&](size_t limit) {
    return static_cast<size_t>(random() % limit);
  };
  while (findings.tried < count) {
    std::string damaged = bytes;
    for (size_t times = 1 + below(3); times; --times) {
      size_t size = 1 + below(std::min<size_t>(512, damaged.size()));
      size_t from = below(damaged.size() - size + 1);
      size_t to = below(damaged.size() - size + 1);
      switch (below(7)) {
      case 0:
        damaged[from] = static_cast<char>(damaged[from] ^ (1 << below(8)));
        break;
      case 1:
        for (size_t i = 0; i < size; ++i)
          damaged[from + i] = static_cast<char>(random());
        break;
      case 2:
        std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(from), size,
                    '\0');
        break;
      case 3:
        damaged.replace(to, size, std::string(damaged, from, size));
        break;
      case 4:
        damaged.erase(from, size);
        break;
      case 5:
        damaged.insert(to, damaged.substr(from, size));
        break;
      default:
        damaged.resize(from);
        break;
      }
      if (damaged.empty())
        break;
    }
    if (damaged != bytes)
      target.offer(damaged, findings);
  }
  return findings;
}

std::string statesOf4096Bytes() {
  TemporaryDirectory directory;
  std::string path = directory / "s.safetensors";
  constexpr size_t wanted = 4096, rowBytes = 2 * FAKE_NEURONS * sizeof(float);
  for (int64_t batch = 1;; ++batch) {
    FakeSession fake;
    fake.step(batch, 0);
    REQUIRE(ttc_session_save(fake.session, path.c_str(), nullptr) == TTC_OK);
    std::string bytes = readBytes(path);
    REQUIRE(bytes.size() <= wanted);
    if (bytes.size() == wanted)
      return bytes;
    // The header's size changes little with the batch.
    batch += static_cast<int64_t>((wanted - bytes.size()) / rowBytes) - 1;
  }
}
