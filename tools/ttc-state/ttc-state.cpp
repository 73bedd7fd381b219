//===- ttc-state.cpp - What is in a file of states or weights? ------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Diff.h"
#include "Show.h"
#include "Verify.h"

#include "ttc/runtime.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace ttcstate;

/// The exit code of a command that could not do what it should; 1 is an answer.
static constexpr int failure = 2;

int main(int argc, char **argv) {
  try {
    CLI::App app("Looks into files of states and weights (.safetensors, .pt, "
                 ".index.json), and converts weights.");
    app.set_version_flag("--version", std::string("ttc ") + ttc_version());
    app.require_subcommand(1);
    std::string file, other, key, model;
    bool raw = false, json = false;
    Tolerance tolerance;

    CLI::App *listing = app.add_subcommand(
        "list", "one line a tensor: key, dtype, shape, bytes; and their sum");
    listing->add_option("file", file, "the file")->required();
    CLI::App *showing = app.add_subcommand(
        "show", "metadata, and each tensor's range, mean and first values");
    showing->add_option("file", file, "the file")->required();
    showing->add_option("key", key, "this tensor only");
    CLI::App *differing = app.add_subcommand(
        "diff", "what differs between two files; exit code 1 if anything does");
    differing->add_option("a", file, "one file")->required();
    differing->add_option("b", other, "the other")->required();
    differing
        ->add_option("--rtol", tolerance.relative,
                     "relative tolerance (default: bits)")
        ->check(CLI::NonNegativeNumber);
    differing
        ->add_option("--atol", tolerance.absolute,
                     "absolute tolerance (default: bits)")
        ->check(CLI::NonNegativeNumber);
    CLI::App *verifying = app.add_subcommand(
        "verify", "whether every checksum of a file is right; exit code 1 if "
                  "one is not, or there is none");
    verifying->add_option("file", file, "the file")->required();

    for (CLI::App *each : {listing, showing, differing})
      each->add_flag("--json", json, "the answer as JSON, on one line");

    CLI::App *converting = app.add_subcommand(
        "convert", "weights with their constrained parameters in another form; "
                   "prints what is lost");
    CLI::Option_group *forms = converting->add_option_group("form");
    forms->add_flag("--raw", raw, "as they are trained: raw_beta");
    forms->add_flag("--compiled", "as the model uses them: beta");
    forms->require_option(1);
    converting
        ->add_option("--model", model,
                     "the model, a shared library: it knows the parameters")
        ->required();
    converting->add_option("in", file, "the weights")->required();
    converting->add_option("out", other, "where to write them")->required();

    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
      return app.exit(error) == 0 ? 0 : failure;
    }
    int code = listing->parsed()     ? list(file, json)
               : showing->parsed()   ? show(file, key, json)
               : differing->parsed() ? diff(file, other, tolerance, json)
               : verifying->parsed() ? verify(file)
                                     : convert(raw ? Form::Raw : Form::Compiled,
                                               model, file, other);
    if (std::fflush(stdout) != 0)
      throw std::runtime_error("Cannot write to standard output.");
    return code;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ttc-state: error: %s\n", error.what());
    return failure;
  }
}
