//===- Pickle.cpp - How is a pickle read without running it? --------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/Pickle.h"

#include "files/PickleOpcodes.h"
#include "files/SafetensorsReader.h"

#include <array>
#include <cstring>
#include <map>

namespace ttc {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t mostOperations = 64'000'000;
constexpr size_t mostOnStack = 1'000'000;
/// A pickler numbers what it memoizes from 0; what comes out of order is rare.
constexpr size_t mostOutOfOrder = 100'000;
constexpr size_t longestName = 512;

class Machine {
public:
  Machine(const std::string &path, std::string_view pickle,
          PickleReader &reader, PickleGraph &graph)
      : path(path), pickle(pickle), reader(reader), graph(graph) {}

  Status run(PickleValue &result);

private:
  /// What follows an instruction's byte.
  enum class Operand : uint8_t {
    None,
    Byte,
    Half,
    Word,
    SignedWord,
    Double,
    Text,  ///< its length in four bytes, UTF-8
    Long,  ///< its length in a byte, two's complement
    Lines, ///< two of them
  };
  struct Instruction {
    Operand operand = Operand::None;
    /// Null for what is never read.
    Status (Machine::*perform)() = nullptr;
  };
  static const std::array<Instruction, 256> table;
  static std::array<Instruction, 256> makeTable();

  std::string where() const {
    return "at byte " + std::to_string(operationAt) + " of its pickle";
  }
  Status fail(const char *cause, const std::string &what) const {
    return badFile(path, cause, what + " " + where());
  }
  Status corrupt(const std::string &what) const {
    return fail("CorruptPickle", what);
  }
  Status beyondBudget() const {
    return fail("BudgetExceeded", "more values than are read in one file are");
  }

  Status readOperand(Operand operand);
  Status takeBytes(uint64_t size, const char *&bytes);
  Status takeLine(std::string_view &line);

  Status push(const PickleValue &value);
  Status pop(PickleValue &value);
  /// The topmost value, which stays.
  Status top(PickleValue &value) const;
  /// Where the values after the last mark begin.
  Status findMark(size_t &begin) const;
  Status makeOf(Kind kind, size_t begin);
  Status set(size_t begin, size_t under);

  // The instructions.
  Status proto();
  Status none() { return push({}); }
  Status newTrue() { return push({Kind::Bool, 0, 1}); }
  Status newFalse() { return push({Kind::Bool, 0, 0}); }
  Status integer() { return push({Kind::Integer, 0, number}); }
  Status floating() { return push({Kind::Float, 0, 0}); }
  Status text() { return push({Kind::Text, length, number}); }
  Status mark();
  Status emptyTuple() { return makeOf(Kind::Tuple, stack.size()); }
  Status emptyList() { return makeOf(Kind::List, stack.size()); }
  Status emptyDict() { return makeOf(Kind::Dict, stack.size()); }
  template <size_t Size> Status shortTuple();
  Status tuple();
  Status append();
  Status appends();
  Status setItem();
  Status setItems();
  Status get();
  Status put();
  Status global();
  Status persistentId();
  Status reduce();
  Status build();
  Status stop();

  const std::string &path;
  std::string_view pickle;
  PickleReader &reader;
  PickleGraph &graph;

  uint64_t at = 0;
  uint64_t operationAt = 0;
  int64_t protocol = 2;
  bool stopped = false;
  std::vector<PickleValue> stack;
  std::vector<PickleValue> memo;
  std::map<uint32_t, PickleValue> memoOutOfOrder;

  // The operand of the present instruction.
  int64_t number = 0;
  uint32_t length = 0;
  std::string_view lines[2];
};

std::array<Machine::Instruction, 256> Machine::makeTable() {
  std::array<Instruction, 256> result;
  auto read = [&](unsigned char code, Status (Machine::*perform)(),
                  Operand operand = Operand::None) {
    result[code] = {operand, perform};
  };
  read(0x80, &Machine::proto, Operand::Byte);
  read('.', &Machine::stop);
  read('N', &Machine::none);
  read(0x88, &Machine::newTrue);
  read(0x89, &Machine::newFalse);
  read('K', &Machine::integer, Operand::Byte);
  read('M', &Machine::integer, Operand::Half);
  read('J', &Machine::integer, Operand::SignedWord);
  read(0x8a, &Machine::integer, Operand::Long);
  read('G', &Machine::floating, Operand::Double);
  read('X', &Machine::text, Operand::Text);
  read('(', &Machine::mark);
  read(')', &Machine::emptyTuple);
  read(0x85, &Machine::shortTuple<1>);
  read(0x86, &Machine::shortTuple<2>);
  read(0x87, &Machine::shortTuple<3>);
  read('t', &Machine::tuple);
  read(']', &Machine::emptyList);
  read('a', &Machine::append);
  read('e', &Machine::appends);
  read('}', &Machine::emptyDict);
  read('s', &Machine::setItem);
  read('u', &Machine::setItems);
  read('h', &Machine::get, Operand::Byte);
  read('j', &Machine::get, Operand::Word);
  read('q', &Machine::put, Operand::Byte);
  read('r', &Machine::put, Operand::Word);
  read('c', &Machine::global, Operand::Lines);
  read('Q', &Machine::persistentId);
  read('R', &Machine::reduce);
  read('b', &Machine::build);
  return result;
}

const std::array<Machine::Instruction, 256> Machine::table = makeTable();

Status Machine::run(PickleValue &result) {
  for (uint64_t operations = 0; !stopped; ++operations) {
    operationAt = at;
    if (at == pickle.size())
      return corrupt("the pickle ends without a STOP");
    if (operations == mostOperations)
      return fail("BudgetExceeded", "more instructions than are read follow");
    unsigned char code = static_cast<unsigned char>(pickle[at]);
    const Instruction &instruction = table[code];
    if (!instruction.perform)
      return fail("ForbiddenOpcode",
                  "the instruction " + pickleOpcodeName(code) +
                      (protocol == 2
                           ? " is none that torch.save writes for tensors: "
                             "save model.state_dict(); it stands"
                           : " is none of pickle protocol 2: save it with "
                             "torch.save's default, pickle_protocol=2; it "
                             "stands"));
    ++at;
    Status status = readOperand(instruction.operand);
    if (!status.failed())
      status = (this->*instruction.perform)();
    if (status.failed())
      return status;
  }
  result = stack.back();
  return Status::success();
}

Status Machine::takeBytes(uint64_t size, const char *&bytes) {
  if (size > pickle.size() - at)
    return corrupt("the pickle ends within the instruction");
  bytes = pickle.data() + at;
  at += size;
  return Status::success();
}

Status Machine::takeLine(std::string_view &line) {
  std::string_view rest = pickle.substr(at, longestName + 1);
  size_t end = rest.find('\n');
  if (end == std::string_view::npos)
    return corrupt(rest.size() > longestName
                       ? "a name is longer than 512 bytes"
                       : "the pickle ends within the instruction");
  line = rest.substr(0, end);
  at += end + 1;
  return Status::success();
}

Status Machine::readOperand(Operand operand) {
  const char *bytes = nullptr;
  auto load = [&](auto value) -> Status {
    Status status = takeBytes(sizeof(value), bytes);
    if (status.failed())
      return status;
    std::memcpy(&value, bytes, sizeof(value));
    number = static_cast<int64_t>(value);
    return status;
  };
  Status status = Status::success();
  switch (operand) {
  case Operand::None:
    return status;
  case Operand::Byte:
    return load(uint8_t());
  case Operand::Half:
    return load(uint16_t());
  case Operand::Word:
    return load(uint32_t());
  case Operand::SignedWord:
    return load(int32_t());
  case Operand::Double:
    return takeBytes(8, bytes);
  case Operand::Text: {
    status = load(uint32_t());
    if (status.failed())
      return status;
    uint64_t begin = at;
    length = static_cast<uint32_t>(number);
    number = static_cast<int64_t>(begin);
    status = takeBytes(length, bytes);
    if (!status.failed() && !isUtf8({bytes, length}))
      return corrupt("there is a text that is not UTF-8");
    return status;
  }
  case Operand::Long: {
    status = load(uint8_t());
    if (status.failed())
      return status;
    size_t size = static_cast<size_t>(number);
    if (size > 8)
      return corrupt("there is an integer of " + std::to_string(size) +
                     " bytes, of which 8 are read at most,");
    status = takeBytes(size, bytes);
    if (status.failed())
      return status;
    // The sign is that of the last byte.
    bool negative = size > 0 && (bytes[size - 1] & 0x80);
    uint64_t value = negative ? UINT64_MAX : 0;
    std::memcpy(&value, bytes, size);
    number = static_cast<int64_t>(value);
    return status;
  }
  case Operand::Lines:
    status = takeLine(lines[0]);
    return status.failed() ? status : takeLine(lines[1]);
  }
  return status;
}

Status Machine::push(const PickleValue &value) {
  if (stack.size() == mostOnStack)
    return beyondBudget();
  stack.push_back(value);
  return Status::success();
}

Status Machine::top(PickleValue &value) const {
  if (stack.empty() || stack.back().is(Kind::Mark))
    return corrupt("a value is missing on the stack");
  value = stack.back();
  return Status::success();
}

Status Machine::pop(PickleValue &value) {
  Status status = top(value);
  if (!status.failed())
    stack.pop_back();
  return status;
}

Status Machine::findMark(size_t &begin) const {
  for (begin = stack.size(); begin > 0; --begin)
    if (stack[begin - 1].is(Kind::Mark))
      return Status::success();
  return corrupt("a MARK is missing on the stack");
}

/// A container of the values from `begin`, which it replaces.
Status Machine::makeOf(Kind kind, size_t begin) {
  PickleValue made;
  if (!graph.make(kind, made) ||
      !graph.append(made, stack.data() + begin, stack.size() - begin))
    return beyondBudget();
  stack.resize(begin);
  return push(made);
}

Status Machine::proto() {
  if (operationAt != 0)
    return corrupt("a second PROTO stands");
  if (number > 5)
    return corrupt("the pickle protocol " + std::to_string(number) +
                   " does not exist; it stands");
  protocol = number;
  return Status::success();
}

Status Machine::mark() { return push({Kind::Mark, 0, 0}); }

template <size_t Size> Status Machine::shortTuple() {
  for (size_t i = 1; i <= Size; ++i)
    if (stack.size() < i || stack[stack.size() - i].is(Kind::Mark))
      return corrupt("a value is missing on the stack");
  return makeOf(Kind::Tuple, stack.size() - Size);
}

Status Machine::tuple() {
  size_t begin = 0;
  Status status = findMark(begin);
  if (status.failed())
    return status;
  status = makeOf(Kind::Tuple, begin);
  if (status.failed())
    return status;
  stack.erase(stack.end() - 2); // the mark, under the tuple
  return status;
}

/// Gives the values from `begin` to the container that is right below them, or
/// below the mark that is `under` them.
Status Machine::set(size_t begin, size_t under) {
  if (begin < under + 1 || stack[begin - under - 1].is(Kind::Mark))
    return corrupt("a value is missing on the stack");
  const PickleValue container = stack[begin - under - 1];
  size_t count = stack.size() - begin;
  bool pairs = pickle[operationAt] == 's' || pickle[operationAt] == 'u';
  if (!container.is(pairs ? Kind::Dict : Kind::List))
    return fail("TypeError", std::string("elements are added to ") +
                                 describeKind(container.kind) + ", not to a " +
                                 (pairs ? "dict," : "list,"));
  if (pairs && count % 2 != 0)
    return fail("TypeError", "a key without a value is added to a dict");
  for (size_t i = begin; pairs && i < stack.size(); i += 2)
    if (stack[i].is(Kind::List) || stack[i].is(Kind::Dict))
      return fail("TypeError", std::string("the key of a dict is ") +
                                   describeKind(stack[i].kind));
  if (!graph.append(container, stack.data() + begin, count))
    return beyondBudget();
  stack.resize(begin - under);
  return Status::success();
}

Status Machine::append() {
  PickleValue value;
  Status status = top(value);
  return status.failed() ? status : set(stack.size() - 1, 0);
}

Status Machine::appends() {
  size_t begin = 0;
  Status status = findMark(begin);
  return status.failed() ? status : set(begin, 1);
}

Status Machine::setItem() {
  for (size_t i = 1; i <= 2; ++i)
    if (stack.size() < i || stack[stack.size() - i].is(Kind::Mark))
      return corrupt("a value is missing on the stack");
  return set(stack.size() - 2, 0);
}

Status Machine::setItems() { return appends(); }

Status Machine::get() {
  uint32_t index = static_cast<uint32_t>(number);
  if (index < memo.size())
    return push(memo[index]);
  auto found = memoOutOfOrder.find(index);
  if (found == memoOutOfOrder.end())
    return corrupt("entry " + std::to_string(index) +
                   " of the memo is read before it is set");
  return push(found->second);
}

Status Machine::put() {
  PickleValue value;
  Status status = top(value);
  if (status.failed())
    return status;
  uint32_t index = static_cast<uint32_t>(number);
  if (index < memo.size())
    memo[index] = value;
  else if (index == memo.size())
    memo.push_back(value);
  else if (memoOutOfOrder.size() < mostOutOfOrder)
    memoOutOfOrder[index] = value;
  else
    return beyondBudget();
  return Status::success();
}

Status Machine::global() {
  PickleValue result;
  Status status = reader.name(lines[0], lines[1], where(), result);
  return status.failed() ? status : push(result);
}

Status Machine::persistentId() {
  PickleValue id, result;
  Status status = pop(id);
  if (!status.failed())
    status = reader.persistent(id, where(), result);
  return status.failed() ? status : push(result);
}

Status Machine::reduce() {
  PickleValue arguments, function, result;
  Status status = pop(arguments);
  if (!status.failed())
    status = pop(function);
  if (status.failed())
    return status;
  if (!function.is(Kind::Global))
    return fail("ForbiddenReduce",
                std::string(describeKind(function.kind)) + " is called");
  if (!arguments.is(Kind::Tuple))
    return fail("ForbiddenReduce", std::string("a call is made with ") +
                                       describeKind(arguments.kind) +
                                       " for a tuple of arguments");
  status = reader.call(function, arguments, where(), result);
  return status.failed() ? status : push(result);
}

/// Sets the attributes of an OrderedDict, such as a state dict's _metadata:
/// they say nothing of tensors, and are forgotten.
Status Machine::build() {
  PickleValue state, object;
  Status status = pop(state);
  if (!status.failed())
    status = top(object);
  if (status.failed())
    return status;
  if (!object.is(Kind::Dict) || !graph.isOrdered(object) ||
      !state.is(Kind::Dict))
    return fail("ForbiddenBuild",
                std::string(describeKind(object.kind)) + " is given " +
                    describeKind(state.kind) +
                    " of attributes, which only an OrderedDict can have,");
  return status;
}

Status Machine::stop() {
  if (stack.size() != 1 || stack.back().is(Kind::Mark))
    return corrupt("the pickle stops with " + std::to_string(stack.size()) +
                   " values on its stack, one is expected,");
  if (at != pickle.size())
    return corrupt(std::to_string(pickle.size() - at) +
                   " bytes follow after the STOP");
  stopped = true;
  return Status::success();
}

} // namespace

Status readPickle(const std::string &path, std::string_view pickle,
                  PickleReader &reader, PickleGraph &graph,
                  PickleValue &result) {
  return Machine(path, pickle, reader, graph).run(result);
}

} // namespace ttc
