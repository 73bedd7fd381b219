//===- ServiceTest.cpp - Do the examples of a service keep their word? ----===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fixtures.h"

#include <cstdlib>
#include <sys/wait.h>

namespace {

struct Run {
  int code;
  std::string out, err;
};

/// The weights of the fake model, and a folder for its states.
class ServiceFolder {
public:
  ServiceFolder() {
    std::vector<Tensor> tensors = fakeWeights();
    std::vector<ttc_tensor> table = views(tensors);
    ttc_weights *weights = nullptr;
    REQUIRE(ttc_weights_from_tensors(table.data(), table.size(), &weights,
                                     nullptr) == TTC_OK);
    REQUIRE(ttc_weights_save(weights, (directory / "w.safetensors").c_str(),
                             nullptr) == TTC_OK);
    ttc_weights_close(weights);
  }

  Run run(const std::string &program, const std::string &arguments) const {
    std::string command = "'" + program + "' " + arguments + " > '" +
                          directory / "out" + "' 2> '" + directory / "err" +
                          "'";
    int status = std::system(command.c_str());
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), readBytes(directory / "out"),
            readBytes(directory / "err")};
  }
  Run serve(const std::string &program, const std::string &numbers,
            const std::string &library = FAKE_LIBRARY) const {
    return run(program, "'" + library + "' '" + directory / "w.safetensors" +
                            "' '" + directory / "states" + "' " + numbers);
  }
  std::string states(const std::string &name) const {
    return directory / "states/" + name;
  }

private:
  TemporaryDirectory directory;
};

bool mentions(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("A stream that was evicted is what it would have been") {
  for (const char *program : {SERVICE_C, SERVICE_CPP}) {
    CAPTURE(program);
    ServiceFolder at;
    Run run = at.serve(program, "400 360 600");
    CAPTURE(run.out);
    CAPTURE(run.err);
    CHECK(run.code == 0);
    CHECK(mentions(run.out, "streams:              400, 3"));
    CHECK(mentions(run.out, "32 of states"));
    CHECK(mentions(run.out, "bit for bit the same"));
    CHECK(!mentions(run.out, "evictions:            0,"));
    CHECK(!mentions(run.out, "and 0 came back"));
    // The one that was compared, after its last eviction.
    CHECK(ttc_states_verify(at.states("0.safetensors").c_str(), nullptr) ==
          TTC_OK);
  }
}

TEST_CASE("A service that cannot go on says why") {
  for (const char *program : {SERVICE_C, SERVICE_CPP}) {
    CAPTURE(program);
    ServiceFolder at;
    Run run = at.run(program, "");
    CHECK(run.code == 1);
    CHECK(mentions(run.err, "usage: "));
    run = at.serve(program, "400", "./libnone.so");
    CHECK(run.code == 1);
    CHECK(mentions(run.err, "[NotFound]"));
    run = at.serve(program, "400", MIXED_LIBRARY);
    CHECK(run.code == 1);
    CHECK(run.out.empty());
  }
}
