//===- MatrixUnit.cpp - AMX, for CPUs without it --------------------------===//
//
// Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linked into a program, computes what its instructions of AMX would: a CPU
// that has none raises SIGILL for each, and the handler does as the operation's
// section in Intel's Software Developer's Manual, volume 2, says, faults and
// all. Of the products it knows TDPBF16PS.
//
//===----------------------------------------------------------------------===//

#include <immintrin.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <ucontext.h>

namespace {

constexpr int numRegisters = 8, mostRows = 16, mostBytes = 64;

/// What LDTILECFG reads: 64 bytes.
struct Configuration {
  uint8_t palette, startRow, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64);

thread_local Configuration shapes;
thread_local uint8_t registers[numRegisters][mostRows][mostBytes];

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "the matrix unit: %s\n", what);
  std::abort();
}
void demand(bool holds, const char *otherwise) {
  if (!holds)
    fail(otherwise);
}

/// The instruction at hand, decoded as far as those of AMX go: a prefix VEX of
/// three bytes, an opcode, ModRM, perhaps SIB and a displacement.
class Instruction {
public:
  Instruction(ucontext_t &context)
      : context(context), start(reinterpret_cast<const uint8_t *>(
                              context.uc_mcontext.gregs[REG_RIP])) {
    isVex = start[0] == 0xC4 && (start[1] & 0x1F) == 2 /* 0F38 */;
    opcode = start[3];
    modrm = start[4];
  }

  bool isVex;
  uint8_t opcode, modrm;

  int mandatoryPrefix() const { return start[2] & 3; } // none, 66, F3, F2
  int source() const { return ~(start[2] >> 3) & 0xF; }
  int reg() const { return (modrm >> 3 & 7) | (start[1] & 0x80 ? 0 : 8); }
  int rm() const { return (modrm & 7) | (start[1] & 0x20 ? 0 : 8); }
  bool hasMemory() const { return modrm >> 6 != 3; }

  /// Where the operand in memory begins, and with SIB what its index adds for
  /// each row.
  struct Memory {
    uint8_t *base;
    int64_t stride;
    int length; ///< of the instruction
  };
  Memory memory() const {
    const uint8_t *next = start + 5;
    int64_t base = 0, stride = 0;
    int mod = modrm >> 6;
    bool hasBase = true;
    if ((modrm & 7) == 4) {
      uint8_t sib = *next++;
      int index = (sib >> 3 & 7) | (start[1] & 0x40 ? 0 : 8);
      if (index != 4)
        stride = general(index) << (sib >> 6);
      hasBase = !((sib & 7) == 5 && mod == 0);
      if (hasBase)
        base = general((sib & 7) | (start[1] & 0x20 ? 0 : 8));
    } else if (mod == 0 && (modrm & 7) == 5) {
      // Relative to the next instruction.
      int32_t displacement;
      std::memcpy(&displacement, next, 4);
      return {const_cast<uint8_t *>(next + 4) + displacement, 0, 9};
    } else {
      base = general(rm());
    }
    if (mod == 1) {
      base += static_cast<int8_t>(*next++);
    } else if (mod == 2 || !hasBase) {
      int32_t displacement;
      std::memcpy(&displacement, next, 4);
      base += displacement;
      next += 4;
    }
    return {reinterpret_cast<uint8_t *>(base), stride, int(next - start)};
  }

  void finish(int length) { context.uc_mcontext.gregs[REG_RIP] += length; }

private:
  /// A general register by its number in an instruction.
  int64_t general(int number) const {
    static constexpr int order[] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return context.uc_mcontext.gregs[order[number]];
  }

  ucontext_t &context;
  const uint8_t *start;
};

void configure(const uint8_t *from) {
  Configuration given;
  std::memcpy(&given, from, sizeof given);
  demand(given.palette == 1 && given.startRow == 0,
         "a configuration of another palette or start row");
  for (uint8_t byte : given.reserved)
    demand(byte == 0, "a configuration with reserved bytes set");
  for (int r = 0; r < 16; ++r) {
    demand(r < numRegisters || (given.bytes[r] == 0 && given.rows[r] == 0),
           "a configuration of more than eight registers");
    demand(given.rows[r] <= mostRows && given.bytes[r] <= mostBytes,
           "a register of more than 16 rows or 64 bytes a row");
    demand((given.rows[r] == 0) == (given.bytes[r] == 0),
           "a register with rows and no bytes, or bytes and no rows");
  }
  shapes = given;
  std::memset(registers, 0, sizeof registers);
}

void demandShape(int number) {
  demand(shapes.palette == 1, "an instruction without a configuration");
  demand(number < numRegisters && shapes.rows[number] != 0,
         "a register without a shape");
}

void move(int number, const Instruction::Memory &memory, bool isLoad) {
  demandShape(number);
  if (isLoad)
    std::memset(registers[number], 0, sizeof registers[number]);
  for (int row = 0; row < shapes.rows[number]; ++row) {
    uint8_t *outside = memory.base + row * memory.stride;
    if (isLoad)
      std::memcpy(registers[number][row], outside, shapes.bytes[number]);
    else
      std::memcpy(outside, registers[number][row], shapes.bytes[number]);
  }
}

float floatOf(const uint8_t *row, int number) {
  uint16_t half;
  std::memcpy(&half, row + 2 * number, 2);
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

__attribute__((target("fma"))) float fused(float a, float b, float c) {
  return _mm_cvtss_f32(
      _mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

/// Of each element two sums, of the first and the second of the pairs, which
/// begin at zero and are added to each other, then to what was there.
void multiply(int sum, int left, int right) {
  for (int number : {sum, left, right})
    demandShape(number);
  demand(sum != left && sum != right && left != right,
         "a product whose registers are not three");
  demand(shapes.rows[sum] == shapes.rows[left] &&
             shapes.bytes[left] / 4 == shapes.rows[right] &&
             shapes.bytes[sum] == shapes.bytes[right] &&
             shapes.bytes[left] % 4 == 0 && shapes.bytes[sum] % 4 == 0,
         "a product of shapes that do not fit each other");
  for (int row = 0; row < shapes.rows[sum]; ++row)
    for (int column = 0; column < shapes.bytes[sum] / 4; ++column) {
      float parts[2] = {0, 0};
      for (int k = 0; k < shapes.rows[right]; ++k)
        for (int which = 0; which < 2; ++which)
          parts[which] = fused(floatOf(registers[left][row], 2 * k + which),
                               floatOf(registers[right][k], 2 * column + which),
                               parts[which]);
      float element;
      std::memcpy(&element, registers[sum][row] + 4 * column, 4);
      element += parts[0] + parts[1];
      std::memcpy(registers[sum][row] + 4 * column, &element, 4);
    }
}

void handle(int, siginfo_t *, void *given) {
  // Subnormals are zero, coming and going, and nothing is rounded otherwise.
  _mm_setcsr(0x9FC0);
  Instruction instruction(*static_cast<ucontext_t *>(given));
  enum { None, P66, PF3, PF2 };
  int prefix = instruction.mandatoryPrefix();
  int reg = instruction.reg();
  if (!instruction.isVex) {
    fail("an illegal instruction that is none of AMX");
  } else if (instruction.opcode == 0x49 && prefix == None) {
    if (!instruction.hasMemory()) {
      demand(instruction.modrm == 0xC0, "an unknown instruction");
      shapes = {};
      return instruction.finish(5);
    }
    Instruction::Memory memory = instruction.memory();
    configure(memory.base + memory.stride);
    instruction.finish(memory.length);
  } else if (instruction.opcode == 0x49 && prefix == PF2) {
    demandShape(reg);
    std::memset(registers[reg], 0, sizeof registers[reg]);
    instruction.finish(5);
  } else if (instruction.opcode == 0x4B && prefix != None) {
    Instruction::Memory memory = instruction.memory();
    move(reg, memory, /*isLoad=*/prefix != PF3);
    instruction.finish(memory.length);
  } else if (instruction.opcode == 0x5C && prefix == PF3 &&
             !instruction.hasMemory()) {
    multiply(reg, instruction.rm(), instruction.source());
    instruction.finish(5);
  } else {
    fail("an unknown instruction");
  }
}

__attribute__((constructor)) void listen() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, nullptr);
}

} // namespace
