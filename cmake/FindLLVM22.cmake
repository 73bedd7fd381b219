# Finds LLVM and MLIR 22, links their shared libraries only, and says how a
# library of the compiler is built against them.
#
# The static archives of the same package must never come in beside the shared
# libraries: two copies of LLVM's option registry abort at start. That is why
# LINK_LIBS never names an upstream library; `MLIR` and `LLVM` are the targets.

set(MLIR_LINK_MLIR_DYLIB ON CACHE BOOL "Link libMLIR.so")
find_package(MLIR 22.1 REQUIRED CONFIG PATHS /usr/lib/llvm-22)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")

set(LLVM_RUNTIME_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${CMAKE_BINARY_DIR}/lib)
include(TableGen)
include(AddLLVM)
include(AddMLIR)

separate_arguments(TTC_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")

# What every target of the compiler shares: LLVM's headers and definitions, no
# exceptions, warnings for our own code.
add_library(ttc_compiler_options INTERFACE)
target_include_directories(ttc_compiler_options SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_include_directories(ttc_compiler_options INTERFACE
  ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/runtime/include)
target_compile_definitions(ttc_compiler_options INTERFACE ${TTC_LLVM_DEFINITIONS})
target_compile_options(ttc_compiler_options INTERFACE
  -fno-exceptions -Wall -Wextra -Wno-unused-parameter)
target_link_libraries(ttc_compiler_options INTERFACE MLIR LLVM)

# MLIR's headers take ten seconds to parse: one precompiled header serves every
# library of the compiler.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/pch)
file(WRITE ${CMAKE_BINARY_DIR}/pch/pch.cpp "")
add_library(ttc_pch OBJECT ${CMAKE_BINARY_DIR}/pch/pch.cpp)
target_link_libraries(ttc_pch PUBLIC ttc_compiler_options)
target_precompile_headers(ttc_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)

# add_ttc_library(name sources... [DEPENDS targets...] [LINK libraries...])
function(add_ttc_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ttc_compiler_options ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM ttc_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# add_ttc_tool(name sources... LINK libraries...)
function(add_ttc_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ttc_compiler_options ${ARG_LINK})
endfunction()
