//===- PickleGraph.cpp - What does a pickle describe? ---------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "files/PickleGraph.h"

#include <algorithm>

namespace ttc {
namespace {

/// More than what the tensors of the largest pickle that is read can need: half
/// a million of them, with seven containers and eighteen elements each.
constexpr size_t mostNodes = 5'000'000;
constexpr size_t mostItems = 12'000'000;

constexpr uint32_t deepest = 100;
constexpr uint32_t mostExpanded = 100'000'000;

} // namespace

const char *describeKind(PickleValue::Kind kind) {
  switch (kind) {
  case PickleValue::Kind::Mark:
    return "a mark";
  case PickleValue::Kind::None:
    return "None";
  case PickleValue::Kind::Bool:
    return "a bool";
  case PickleValue::Kind::Integer:
    return "an int";
  case PickleValue::Kind::Float:
    return "a float";
  case PickleValue::Kind::Text:
    return "a str";
  case PickleValue::Kind::Global:
    return "a class, function or dtype";
  case PickleValue::Kind::Object:
    return "a tensor or storage";
  case PickleValue::Kind::Tuple:
    return "a tuple";
  case PickleValue::Kind::List:
    return "a list";
  case PickleValue::Kind::Dict:
    return "a dict";
  }
  return "a value";
}

PickleGraph::Elements::Elements(const PickleGraph &graph,
                                const PickleValue &container)
    : graph(graph), segment(graph.node(container).first) {}

bool PickleGraph::Elements::next(PickleValue &value) {
  if (segment == none)
    return false;
  const Segment &here = graph.segments[segment];
  value = graph.items[here.begin + at];
  if (++at == here.count) {
    segment = here.next;
    at = 0;
  }
  return true;
}

uint64_t PickleGraph::count(const PickleValue &container) const {
  uint64_t total = 0;
  for (uint32_t at = node(container).first; at != none; at = segments[at].next)
    total += segments[at].count;
  return total;
}

bool PickleGraph::take(const PickleValue &tuple, PickleValue *values,
                       size_t most, size_t &count) const {
  count = 0;
  PickleValue value;
  for (Elements rest = elements(tuple); rest.next(value);) {
    if (count == most)
      return false;
    values[count++] = value;
  }
  return true;
}

bool PickleGraph::isOrdered(const PickleValue &dict) const {
  return node(dict).ordered;
}

bool PickleGraph::make(PickleValue::Kind kind, PickleValue &container,
                       bool ordered) {
  if (nodes.size() == mostNodes)
    return false;
  container.kind = kind;
  container.length = 0;
  container.number = static_cast<int64_t>(nodes.size());
  nodes.emplace_back();
  nodes.back().ordered = ordered;
  return true;
}

bool PickleGraph::append(const PickleValue &container,
                         const PickleValue *values, size_t number) {
  if (number == 0)
    return true;
  if (number > mostItems - items.size() || segments.size() == mostItems)
    return false;
  Node &grown = node(container);
  uint32_t begin = static_cast<uint32_t>(items.size());
  uint32_t count = static_cast<uint32_t>(number);
  items.insert(items.end(), values, values + number);
  // What is appended right behind the container's end makes it no new part.
  if (grown.last != none &&
      segments[grown.last].begin + segments[grown.last].count == begin) {
    segments[grown.last].count += count;
    return true;
  }
  uint32_t added = static_cast<uint32_t>(segments.size());
  segments.push_back({begin, count, none});
  (grown.last == none ? grown.first : segments[grown.last].next) = added;
  grown.last = added;
  return true;
}

Status PickleGraph::check(const std::string &path, const PickleValue &root) {
  if (!root.isContainer())
    return Status::success();
  auto tooDeep = [&] {
    return badFile(path, "DepthLimit",
                   "its values are nested deeper than " +
                       std::to_string(deepest) + " levels");
  };
  struct Frame {
    PickleValue container;
    Elements rest;
  };
  std::vector<Frame> open;
  open.reserve(deepest);
  open.push_back({root, elements(root)});
  node(root).state = Node::State::Open;
  node(root).expanded = 1;
  while (true) {
    // By index: `open` may move, the nodes do not.
    Node &here = node(open.back().container);
    PickleValue value;
    const Node *done = nullptr;
    if (open.back().rest.next(value)) {
      here.objects |= value.is(PickleValue::Kind::Object);
      if (!value.isContainer()) {
        here.expanded = std::min(here.expanded + 1, mostExpanded);
        continue;
      }
      Node &inner = node(value);
      if (inner.state == Node::State::Open)
        return badFile(path, "Cycle",
                       std::string("it has ") + describeKind(value.kind) +
                           " that contains itself");
      if (inner.state == Node::State::New) {
        if (open.size() == deepest)
          return tooDeep();
        inner.state = Node::State::Open;
        inner.expanded = 1;
        open.push_back({value, elements(value)});
        continue;
      }
      if (open.size() + inner.height + 1 > deepest)
        return tooDeep();
      done = &inner;
    } else {
      here.state = Node::State::Done;
      open.pop_back();
      if (open.empty())
        break;
      done = &here;
    }
    Node &outer = node(open.back().container);
    outer.height = std::max(outer.height, done->height + 1);
    outer.expanded = std::min(outer.expanded + done->expanded, mostExpanded);
    outer.objects |= done->objects;
  }
  if (node(root).expanded == mostExpanded)
    return badFile(path, "BudgetExceeded",
                   "its values, written out, are more than " +
                       std::to_string(mostExpanded));
  return Status::success();
}

bool PickleGraph::holdsObjects(const PickleValue &container) const {
  return node(container).objects;
}

} // namespace ttc
