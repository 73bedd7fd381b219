//===- PickleGraph.h - What does a pickle describe? -------------*- C++ -*-===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values, of which some contain others: tuples, lists and dicts. A container
// may be shared, and nothing keeps a hostile pickle from putting one into
// itself; `check` finds that out before anybody walks through the graph.
//
//===----------------------------------------------------------------------===//

#ifndef TTC_PICKLEGRAPH_H
#define TTC_PICKLEGRAPH_H

#include "support/Error.h"

#include <cstdint>
#include <vector>

namespace ttc {

struct PickleValue {
  enum class Kind : uint8_t {
    Mark, ///< on the machine's stack only
    None,
    Bool,
    Integer,
    Float, ///< which one is nobody's concern
    Text,
    Global, ///< a name that the pickle's reader knows by `number`
    Object, ///< something that the reader made, and knows by `number`
    Tuple,
    List,
    Dict
  };
  Kind kind = Kind::None;
  uint32_t length = 0; ///< of a text
  int64_t number = 0;  ///< or where a text begins, or a container's index

  bool is(Kind other) const { return kind == other; }
  bool isContainer() const { return kind >= Kind::Tuple; }
};

/// "a tuple" and so on, for sentences.
const char *describeKind(PickleValue::Kind kind);

class PickleGraph {
public:
  /// The elements of a container; of a dict keys and values in turn.
  class Elements {
  public:
    Elements(const PickleGraph &graph, const PickleValue &container);
    /// Takes the next; false after the last.
    bool next(PickleValue &value);

  private:
    const PickleGraph &graph;
    uint32_t segment;
    uint32_t at = 0;
  };

  explicit PickleGraph(std::string_view pickle) : pickle(pickle) {}

  std::string_view text(const PickleValue &value) const {
    return pickle.substr(static_cast<size_t>(value.number), value.length);
  }
  /// How many elements.
  uint64_t count(const PickleValue &container) const;
  Elements elements(const PickleValue &container) const {
    return {*this, container};
  }
  /// Copies the elements of a tuple that has at most `most`; false if it has
  /// more.
  bool take(const PickleValue &tuple, PickleValue *values, size_t most,
            size_t &count) const;
  /// Whether a dict is an OrderedDict, which can have attributes.
  bool isOrdered(const PickleValue &dict) const;

  /// Makes an empty container; false if the budget does not allow it.
  bool make(PickleValue::Kind kind, PickleValue &container,
            bool ordered = false);
  /// Adds elements at the end; false as above.
  bool append(const PickleValue &container, const PickleValue *values,
              size_t number);

  /// No container is in itself, none lies deeper than 100 levels under `root`,
  /// and `root`, written out, has less than 10^8 values. Linear in the graph.
  /// `path` is for the sentences only.
  Status check(const std::string &path, const PickleValue &root);
  /// Whether there is an Object in a container under the checked root, however
  /// deep.
  bool holdsObjects(const PickleValue &container) const;

private:
  struct Node {
    uint32_t first = none; ///< segments
    uint32_t last = none;
    uint32_t height = 0; ///< set by check, as are those below
    uint32_t expanded = 0;
    enum class State : uint8_t { New, Open, Done } state = State::New;
    bool ordered = false;
    bool objects = false;
  };
  struct Segment {
    uint32_t begin; ///< in items
    uint32_t count;
    uint32_t next;
  };
  static constexpr uint32_t none = UINT32_MAX;

  const Node &node(const PickleValue &container) const {
    return nodes[static_cast<size_t>(container.number)];
  }
  Node &node(const PickleValue &container) {
    return nodes[static_cast<size_t>(container.number)];
  }

  std::string_view pickle;
  std::vector<Node> nodes;
  std::vector<Segment> segments;
  std::vector<PickleValue> items;
};

} // namespace ttc

#endif // TTC_PICKLEGRAPH_H
