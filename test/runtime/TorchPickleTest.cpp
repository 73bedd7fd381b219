//===- TorchPickleTest.cpp - Which pickles are refused? -------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TorchFixtures.h"

#include <chrono>
#include <functional>
#include <set>

namespace {

/// A state dict that also has these instructions' value.
std::string beside(const std::string &value) {
  return pickle(dict({text("w"), tensor(), text("beside"), value}));
}

/// Refuses `value` beside a tensor.
void refusesBeside(const std::string &value, const char *cause) {
  CAPTURE(value.substr(0, 100));
  refusesPickle(beside(value), cause);
}

std::string put(uint32_t index) { return "r" + bytesOf(index); }
std::string get(uint32_t index) { return "j" + bytesOf(index); }

double seconds(const std::function<void()> &body) {
  auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

} // namespace

TEST_CASE("P23 instructions that no tensor needs") {
  // All that a pickle of torch.save consists of; every other byte is refused.
  const std::set<unsigned char> known = {
      0x80, '.', 'N',  0x88, 0x89, 'K', 'M', 'J', 0x8a, 'G', 'X',
      '(',  ')', 0x85, 0x86, 0x87, 't', ']', 'a', 'e',  '}', 's',
      'u',  'h', 'j',  'q',  'r',  'c', 'Q', 'R', 'b'};
  for (int code = 0; code < 256; ++code) {
    if (known.count(static_cast<unsigned char>(code)))
      continue;
    CAPTURE(code);
    std::string hostile = "\x80\x02" + std::string(1, static_cast<char>(code)) +
                          std::string(16, '\0') + ".";
    refusesPickle(hostile, "ForbiddenOpcode");
    refusesBeside(std::string(1, static_cast<char>(code)), "ForbiddenOpcode");
  }
  // The sentence says where, and of a later protocol how to save.
  ttc::TorchHeader header;
  ttc::Status status =
      parse(torchArchive(std::string("\x80\x04\x95", 3)).bytes(), header);
  CHECK(status.message().find("FRAME") != std::string::npos);
  CHECK(status.message().find("at byte 2") != std::string::npos);
  CHECK(status.message().find("pickle_protocol=2") != std::string::npos);
  status = parse(torchArchive(std::string("\x80\x02o", 3)).bytes(), header);
  CHECK(status.message().find("OBJ") != std::string::npos);
}

TEST_CASE("P24 a global outside the table") {
  const std::pair<const char *, const char *> names[] = {
      {"os", "system"},
      {"posix", "system"},
      {"nt", "system"},
      {"subprocess", "Popen"},
      {"builtins", "eval"},
      {"builtins", "exec"},
      {"builtins", "getattr"},
      {"__builtin__", "eval"},
      {"__builtin__", "apply"},
      {"torch.hub", "load"},
      {"torch", "load"},
      {"torch.serialization", "load"},
      {"torch._utils", "_rebuild_tensor_v2.__globals__"},
      {"torch._utils._rebuild_tensor_v2", "__globals__"},
      {"torch._utils", "_rebuild_tensor_v4"},
      {"torch._utils", "_rebuild_tensor_v"},
      {"torch._utils", "_rebuild_tensor_v22"},
      {"torch._utils ", "_rebuild_tensor_v2"},
      {"torch", "float"},
      {"torch", "float32\r"},
      {"torch", ""},
      {"", "FloatStorage"},
      {"", ""},
      {"collections", "OrderedDict.update"},
      {"collections", "namedtuple"},
      {"copy_reg", "_reconstructor"},
      {"copyreg", "_reconstructor"},
      {"torch.nn.modules.linear", "Linear"},
      {"numpy.core.multiarray", "scalar"},
      {"runpy", "run_path"},
      {"_codecs", "decode"},
      {"torch.jit._pickle", "build_intlist"}};
  for (const auto &[module, function] : names)
    refusesBeside(name(module, function), "ForbiddenGlobal");
  ttc::TorchHeader header;
  ttc::Status status =
      parse(torchArchive(beside(name("os", "system"))).bytes(), header);
  CHECK(status.message().find("'os.system'") != std::string::npos);
  CHECK(status.message().find("state_dict()") != std::string::npos);
  refusesBeside("c" + std::string(513, 'm') + "\nname\n", "CorruptPickle");
  refusesBeside("cos\n" + std::string(1000, 'n') + "\n", "CorruptPickle");
}

TEST_CASE("P25 calls of what is no function") {
  std::string noArguments = ")";
  refusesBeside(call(tensor(), noArguments), "ForbiddenReduce");
  refusesBeside(call(name("torch", "float32"), noArguments), "ForbiddenReduce");
  refusesBeside(call(name("torch", "FloatStorage"), tuple({number(5)})),
                "ForbiddenReduce");
  refusesBeside(call(name("torch", "Tensor"), noArguments), "ForbiddenReduce");
  refusesBeside(call(name("torch", "per_tensor_affine"), noArguments),
                "ForbiddenReduce");
  refusesBeside(call(storage("0", 6), noArguments), "ForbiddenReduce");
  refusesBeside(call(text("os.system"), tuple({text("true")})),
                "ForbiddenReduce");
  refusesBeside(call(number(1), noArguments), "ForbiddenReduce");
  refusesBeside(call(list({}), noArguments), "ForbiddenReduce");
  refusesBeside(call(name("collections", "OrderedDict"),
                     tuple({list({tuple({text("a"), number(1)})})})),
                "ForbiddenReduce");
  // Without a tuple of arguments.
  refusesBeside(call(name("collections", "OrderedDict"), list({})),
                "ForbiddenReduce");
  refusesBeside(call(name("torch", "Size"), text("x")), "ForbiddenReduce");
  // With the wrong ones.
  std::string good = tensorArguments(storage("0", 6), 0, {6}, {1});
  const char *wrong[] = {"_rebuild_tensor", "_rebuild_tensor_v3",
                         "_rebuild_parameter", "_rebuild_parameter_with_state"};
  for (const char *function : wrong)
    refusesBeside(call(name("torch._utils", function), good),
                  "ForbiddenReduce");
  refusesBeside(call(name("torch._utils", "_rebuild_tensor_v2"), ")"),
                "ForbiddenReduce");
  refusesBeside(call(name("torch._utils", "_rebuild_tensor_v2"),
                     numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10})),
                "ForbiddenReduce");
  refusesBeside(call(name("torch._utils", "_rebuild_parameter"),
                     tuple({storage("0", 6), "\x88", orderedDict()})),
                "ForbiddenReduce");
  auto fromType = [&](const std::string &function, const std::string &type) {
    return call(name("torch._tensor", "_rebuild_from_type_v2"),
                tuple({function, type, good, dict({})}));
  };
  refusesBeside(call(name("torch._tensor", "_rebuild_from_type_v2"),
                     tuple({name("torch._utils", "_rebuild_tensor_v2"),
                            name("torch", "Tensor"),
                            numbers({1, 2, 3, 4, 5, 6, 7, 8, 9}), dict({})})),
                "ForbiddenReduce");
  refusesBeside(fromType(name("torch._tensor", "_rebuild_from_type_v2"),
                         name("torch", "Tensor")),
                "ForbiddenReduce");
  refusesBeside(fromType(name("torch", "Size"), name("torch", "Tensor")),
                "ForbiddenReduce");
  refusesBeside(fromType(name("torch._utils", "_rebuild_tensor_v2"),
                         name("torch", "Size")),
                "ForbiddenReduce");
  refusesBeside(fromType(text("_rebuild_tensor_v2"), name("torch", "Tensor")),
                "ForbiddenReduce");
}

TEST_CASE("P26 attributes of what has none") {
  for (const std::string &object :
       {tensor(), storage("0", 6), list({}), dict({}), tuple({}), number(1),
        text("x"), std::string("N"), name("torch", "Tensor"),
        name("torch", "float32")})
    refusesBeside(object + dict({text("a"), number(1)}) + "b",
                  "ForbiddenBuild");
  refusesBeside(orderedDict() + tuple({dict({}), dict({})}) + "b",
                "ForbiddenBuild");
  // A state dict's versions.
  acceptsValue(orderedDict() +
               dict({text("_metadata"), dict({text("version"), number(2)})}) +
               "b");
}

TEST_CASE("P27 elements for what takes none") {
  for (const std::string &target :
       {tensor(), tuple({}), number(1), text("x"), list({}), std::string("N"),
        name("torch", "float32")}) {
    refusesBeside(target + text("k") + number(1) + "s", "TypeError");
    refusesBeside(target + "(" + text("k") + number(1) + "u", "TypeError");
  }
  for (const std::string &target :
       {tensor(), tuple({}), number(1), text("x"), dict({}), orderedDict()}) {
    refusesBeside(target + number(1) + "a", "TypeError");
    refusesBeside(target + "(" + number(1) + "e", "TypeError");
  }
  refusesBeside("}(" + text("k") + "u", "TypeError");
  refusesBeside("}(" + text("k") + number(1) + text("l") + "u", "TypeError");
  refusesBeside("}" + list({}) + number(1) + "s", "TypeError");
  refusesBeside("}" + dict({}) + number(1) + "s", "TypeError");
}

TEST_CASE("P28 a stack that does not add up") {
  const std::string start = "\x80\x02";
  for (const char *body :
       {".",      "(.",       "}}.",         "N(.",      "(N.",
        "t.",     "e.",       "u.",          "a.",       "s.",
        "b.",     "R.",       "Q.",          "\x85.",    "\x86.",
        "\x87.",  "N\x86.",   "NN\x87.",     "(\x85.",   "N(N\x86.",
        "]NN.",   "Na.",      "}Ns.",        "(Na.",     "(NNs.",
        "(e.",    "(NNu.",    "(NR.",        "(Q.",      "(b.",
        "(q\1.",  "q\1.",     "}(",          "}",        "",
        "}.N",    "}..",      "X",           "X\4",      "K",
        "M\1",    "J\1\1\1",  "\x8a",        "\x8a\4\1", "G1234567",
        "h",      "j\1\1\1",  "q",           "r\1\1\1",  "c",
        "ctorch", "ctorch\n", "ctorch\nSize"}) {
    CAPTURE(std::string(body));
    refusesPickle(start + body, "CorruptPickle");
  }
  refusesPickle("\x80", "CorruptPickle");
  refusesPickle("\x80\x06}.", "CorruptPickle");
  refusesPickle("}\x80\x02.", "CorruptPickle");
  // Every truncation of a good one.
  std::string whole = pickle(dict({text("w"), tensor()}));
  for (size_t size = 1; size < whole.size(); ++size)
    refusesPickle(whole.substr(0, size), "CorruptPickle");
}

TEST_CASE("P29 memo entries that are not there") {
  refusesBeside(std::string("h\0", 2), "CorruptPickle");
  refusesBeside("h\xff", "CorruptPickle");
  refusesBeside(get(UINT32_MAX), "CorruptPickle");
  refusesBeside("Nq\5h\6", "CorruptPickle");
  // A large index costs no more than a small one.
  acceptsValue("N" + put(UINT32_MAX));
  acceptsValue("]" + put(UINT32_MAX) + get(UINT32_MAX) + "\x86");
  // In order, as picklers number them, and set again.
  const std::string zero(1, '\0');
  acceptsValue("](Nq" + zero + "Nq\1K\7q\2q\1h\1" + get(2) + "h" + zero + "e");
  refusesBeside("](Nq" + zero + "h\1e", "CorruptPickle");
  // What is set again counts.
  std::string twice = dict({text("w"), std::string("N") + put(7), text("v"),
                            tensor() + put(7), text("u"), get(7)});
  CHECK(acceptsTorch(torchArchive(pickle(twice)).bytes()).tensors.size() == 2);
  std::string scattered = "](";
  for (uint32_t i = 0; i <= 100'000; ++i)
    scattered += "N" + put(7 * i + 100);
  refusesBeside(scattered + "e", "BudgetExceeded");
}

TEST_CASE("P30 texts that are longer than the pickle") {
  for (uint32_t length : {100u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu})
    refusesPickle("\x80\x02X" + bytesOf(length) + "abc.", "CorruptPickle");
  for (const char *wrong : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82"})
    refusesBeside(text(wrong), "CorruptPickle");
  acceptsValue(text(""));
  acceptsValue(text(std::string("a\0\n\xf0\x9f\x98\x80", 7)));
}

TEST_CASE("P31 integers that are too long") {
  for (int size : {9, 10, 255})
    refusesBeside("\x8a" + std::string(1, static_cast<char>(size)) +
                      std::string(255, '\1'),
                  "CorruptPickle");
  acceptsValue(std::string("\x8a\0", 2));
  acceptsValue("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f");
  acceptsValue("\x8a\x01\x80");
  // A negative one is none of a tensor's sizes.
  auto sized = [](const std::string &size) {
    return call(
        name("torch._utils", "_rebuild_tensor"),
        tuple({storage("0", 6), number(0), tuple({size}), numbers({1})}));
  };
  refusesValue(sized("\x8a\x01\xff"), "BadTensorMeta");
  refusesValue(sized("\x8a\x08" + std::string(7, '\0') + "\x80"),
               "BadTensorMeta");
  CHECK(acceptsTorch(
            torchArchive(pickle(dict({text("w"), sized("\x8a\x01\x06")})))
                .bytes())
            .tensors.size() == 1);
}

TEST_CASE("P32 values that are nested without end") {
  auto nested = [](size_t levels, const char *open, const char *close) {
    std::string value;
    for (size_t i = 0; i < levels; ++i)
      value += open;
    value += "N";
    for (size_t i = 0; i < levels; ++i)
      value += close;
    return value;
  };
  // One level is that of the state dict.
  for (const auto &[open, close] :
       {std::pair<const char *, const char *>{"(", "t"},
        {"](", "e"},
        {"", "\x85"}}) {
    acceptsValue(nested(99, open, close));
    refusesBeside(nested(100, open, close), "DepthLimit");
    refusesBeside(nested(400'000, open, close), "DepthLimit");
  }
  // Deep in one place, not so deep in another.
  std::string deep = "N" + std::string(60, '\x85');
  auto deeper = [&](size_t levels) {
    return "](" + deep + "q\1h\1" + std::string(levels, '\x85') + "e";
  };
  acceptsValue(deeper(38));
  refusesBeside(deeper(39), "DepthLimit");
  // Through the memo, from the inside to the outside.
  std::string chain = "])q\1";
  for (int i = 0; i < 1'000'000; ++i)
    chain += "\x85";
  refusesBeside(chain + "a", "DepthLimit");
  refusesBeside("]q\1h\1a", "Cycle");
  refusesBeside("}q\1" + text("k") + "h\1s", "Cycle");
  refusesBeside("]q\1](h\1ea", "Cycle");
  refusesBeside("]q\1h\1\x85\x85\x85\x85"
                "a",
                "Cycle");
  refusesPickle("\x80\x02}q\1" + text("w") + "h\1s.", "Cycle");
}

TEST_CASE("P33 values that double") {
  std::string laughs = "](";
  laughs += "N\x85q\1";
  for (int i = 0; i < 28; ++i)
    laughs += "h\1h\1\x86q\1";
  double time = 0;
  time = seconds([&] { refusesBeside(laughs + "e", "BudgetExceeded"); });
  CHECK(time < 1);
  std::string few = "](N\x85q\1";
  for (int i = 0; i < 20; ++i)
    few += "h\1h\1\x86q\1";
  acceptsValue(few + "e");
}

TEST_CASE("P34 as many instructions as fit") {
  // No pickle of more than 64 MiB is read. Instructions that leave nothing
  // behind fill it, in linear time.
  std::string puts = "\x80\x02}";
  while (puts.size() < (size_t(64) << 20) - 2)
    puts += "q\1";
  double time =
      seconds([&] { acceptsTorch(torchArchive(puts + ".").bytes()); });
  CHECK(time < 30);
  std::string nothings = "\x80\x02]";
  while (nothings.size() < (size_t(64) << 20) - 2)
    nothings += "(e";
  refusesPickle(nothings + ".", "BudgetExceeded");
  // Of what others leave there can be too much: on the stack,
  std::string gets = "\x80\x02}q\1";
  while (gets.size() < (size_t(8) << 20))
    gets += "h\1";
  refusesPickle(gets + ".", "BudgetExceeded");
  // containers,
  std::string containers = "\x80\x02N";
  containers.append(size_t(8) << 20, '\x85');
  refusesPickle(containers + ".", "BudgetExceeded");
  std::string attributes = "\x80\x02" + orderedDict();
  while (attributes.size() < (size_t(16) << 20))
    attributes += "}b";
  refusesPickle(attributes + ".", "BudgetExceeded");
  // elements,
  std::string elements = "\x80\x02]";
  while (elements.size() < (size_t(32) << 20))
    elements += "Na";
  refusesPickle(elements + ".", "BudgetExceeded");
  // and tensors of the same arguments.
  for (size_t rank : {0u, 64u}) {
    std::string sizes = numbers(std::vector<int64_t>(rank, 1));
    std::string tensors =
        "\x80\x02]" + name("torch._utils", "_rebuild_tensor") + "q\1" +
        tuple({storage("0", 6), number(0), sizes, sizes}) + "q\2Ra";
    while (tensors.size() < (size_t(6) << 20) + (1 << 17))
      tensors += "h\1h\2Ra";
    refusesPickle(tensors + ".", "BudgetExceeded");
  }
}

TEST_CASE("P35 storages that are not named as torch.save names them") {
  std::string type = name("torch", "FloatStorage");
  auto named = [&](const std::vector<std::string> &parts) {
    return tuple(parts) + "Q";
  };
  auto refusesName = [&](const std::string &id) {
    refusesBeside(id, "BadPersistentId");
  };
  refusesName("NQ");
  refusesName(number(1) + "Q");
  refusesName(text("0") + "Q");
  refusesName(list({text("storage"), type, text("0"), text("cpu"), number(6)}) +
              "Q");
  refusesName(named({}));
  refusesName(named({text("storage"), type, text("0"), text("cpu")}));
  refusesName(
      named({text("storage"), type, text("0"), text("cpu"), number(6), "N"}));
  refusesName(named({text("module"), type, text("0"), text("cpu"), number(6)}));
  refusesName(named({text("storage"), name("torch", "float32"), text("0"),
                     text("cpu"), number(6)}));
  refusesName(named({text("storage"), text("FloatStorage"), text("0"),
                     text("cpu"), number(6)}));
  refusesName(
      named({text("storage"), type, number(0), text("cpu"), number(6)}));
  refusesName(named({text("storage"), type, text("0"), "N", number(6)}));
  refusesName(
      named({text("storage"), type, text("0"), text("cpu"), text("6")}));
  refusesName(
      named({text("storage"), type, text("0"), text("cpu"), number(-1)}));
  refusesName(named({text("storage"), type, text("0"), text("cpu"), "\x88"}));
  for (std::string key :
       {"", "..", ".", "../0", "a/0", "/0", "a\\0", "0 ", "\n", "é"})
    refusesName(storage(key, 6));
  refusesName(storage(std::string("0\0", 2), 6));
  refusesName(storage(std::string(129, '0'), 6));
}

TEST_CASE("P44 keys") {
  for (const std::string &key :
       {number(1), std::string("N"), std::string("\x88"), tuple({text("w")})})
    refusesPickle(pickle(dict({key, tensor()})), "NonStringKey");
  refusesPickle(pickle(dict({text("w"), tensor(), text("w"), tensor()})),
                "DuplicateKey");
  refusesPickle(pickle(dict({text("w"), tensor(), text("w"), number(1)})),
                "DuplicateKey");
  refusesPickle(
      pickle("}" + text("w") + tensor() + "s" + text("w") + tensor() + "s"),
      "DuplicateKey");
  std::string inner = dict({text("w"), tensor()});
  refusesPickle(pickle(dict({text("model"), inner, text("model"), number(1)})),
                "DuplicateKey");
  refusesPickle(pickle(dict({text("model"),
                             dict({text("w"), tensor(), text("w"), "N"})})),
                "DuplicateKey");
  refusesPickle(pickle(dict({text(""), tensor()})), "EmptyName");
  // An optimizer's, beside a state dict, are its own concern.
  std::string optimizer =
      dict({text("state"), dict({number(0), dict({text("m"), tensor()})})});
  for (const char *key : {"state_dict", "model_state_dict", "model"}) {
    ttc::TorchHeader header = acceptsTorch(
        torchArchive(pickle(dict({text(key), inner, text("optimizer"),
                                  optimizer, number(3), number(4)})))
            .bytes());
    CHECK(header.tensors.size() == 1);
  }
  refusesPickle(pickle(optimizer), "NotStateDict");
  refusesPickle(pickle(dict({text("weights"), inner})), "NotStateDict");
  refusesPickle(pickle(dict({text("model"), inner, text("state_dict"), inner})),
                "AmbiguousStateDict");
  refusesPickle(pickle(dict({text("model"), dict({text("a"), inner})})),
                "UnexpectedValue");
  refusesPickle(beside(inner), "UnexpectedValue");
  // A tensor beside a state dict is none of it, a description beside tensors
  // is no state dict.
  for (const std::string &top :
       {dict({text("rng"), tensor(), text("model"), inner}),
        dict({text("w"), tensor(), text("model"), dict({text("depth"), "N"})}),
        dict({text("model"), dict({text("depth"), "N"}), text("state_dict"),
              inner})}) {
    ttc::TorchHeader header = acceptsTorch(torchArchive(pickle(top)).bytes());
    REQUIRE(header.tensors.size() == 1);
    CHECK(header.tensors[0].name == "w");
  }
  CHECK(acceptsTorch(
            torchArchive(pickle(dict({text("model"), dict({})}))).bytes())
            .tensors.empty());
  refusesPickle(beside(list({tuple({tensor()})})), "UnexpectedValue");
  refusesPickle(beside(storage("0", 6)), "UnexpectedValue");
  for (const std::string &top :
       {tensor(), list({tensor()}), number(1), std::string("N"), text("w")})
    refusesPickle(pickle(top), "NotStateDict");
  CHECK(acceptsTorch(torchArchive(pickle(dict({}))).bytes()).tensors.empty());
  CHECK(acceptsTorch(torchArchive(pickle(orderedDict())).bytes())
            .tensors.empty());
}

TEST_CASE("plain data beside the tensors is passed over") {
  for (const std::string &value :
       {std::string("N"), std::string("\x88"), number(-1), number(1 << 20),
        std::string("G12345678"), std::string("M\1\2"), text("epoch"), list({}),
        dict({text("a"), list({tuple({number(1)})})}),
        call(name("torch", "Size"), tuple({numbers({2, 3})})),
        call(name("torch", "device"), tuple({text("cuda"), number(0)})),
        call(name("__builtin__", "set"), tuple({list({number(1)})})),
        call(name("__builtin__", "complex"), numbers({1, 2})),
        call(name("_codecs", "encode"), tuple({text("x"), text("latin1")})),
        call(name("collections", "Counter"),
             tuple({dict({number(1), number(2)})})),
        name("torch", "float16")})
    acceptsValue(value);
}
