//===- QuietStepTest.cpp - Does a step call anybody? ----------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After the first step of a session no allocation is reached from a step, which
// is counted, and no system call is made, for which the kernel would kill the
// process: in strict seccomp mode only read, write and exit are left.
//
//===----------------------------------------------------------------------===//

#include "AnyModel.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOOKS_OF_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HOOKS_OF_SANITIZER
#endif
#if defined(HOOKS_OF_SANITIZER)
#include <sanitizer/allocator_interface.h>
#endif

namespace {
volatile uint64_t allocatorCalls = 0;
}

#if defined(HOOKS_OF_SANITIZER)

namespace {
[[maybe_unused]] const int hooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void *, size_t) { allocatorCalls = allocatorCalls + 1; },
    [](const volatile void *) { allocatorCalls = allocatorCalls + 1; });
} // namespace

#else

// The C library's own, under the names that it has for this purpose.
extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

void *malloc(size_t size) {
  allocatorCalls = allocatorCalls + 1;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  allocatorCalls = allocatorCalls + 1;
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  allocatorCalls = allocatorCalls + 1;
  return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  allocatorCalls = allocatorCalls + 1;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  allocatorCalls = allocatorCalls + 1;
  *block = __libc_memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}
void free(void *block) {
  allocatorCalls = allocatorCalls + 1;
  __libc_free(block);
}
}

#endif

namespace {

constexpr int rounds = 1000;

/// Runs `body` in a child that may do nothing but read, write and exit; whether
/// it came to its end and was content.
template <typename Body> bool withoutSystem(Body &&body) {
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    bool content = body();
    // exit_group, which _exit calls, is not allowed.
    ::syscall(SYS_exit, content ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST_CASE("What this test would see") {
  uint64_t before = allocatorCalls;
  void *volatile block = std::malloc(10);
  std::free(block);
  CHECK(allocatorCalls == before + 2);
  CHECK(withoutSystem([] { return true; }));
  CHECK_FALSE(withoutSystem([] { return ::syscall(SYS_getpid) > 0; }));
}

TEST_CASE("No step after the first allocates or calls the system") {
  TemporaryDirectory directory;
  for (const std::string &library : testModels(directory)) {
    CAPTURE(library);
    AnyModel model(library);
    ttc_session *session = model.newSession();
    model.step(session, 0);
    REQUIRE(model.stepAgain(session));

    uint64_t before = allocatorCalls;
    bool good = true;
    for (int round = 0; round < rounds; ++round)
      good = model.stepAgain(session) && good;
    CHECK(allocatorCalls == before);
    CHECK(good);
    CHECK(withoutSystem([&] {
      bool content = true;
      for (int round = 0; round < rounds; ++round)
        content = model.stepAgain(session) && content;
      return content;
    }));
    ttc_session_close(session);
  }
}
