# Finds libtorch without its own CMake package, which asks for the CUDA toolkit where
# libtorch was built with CUDA; igdef needs none of it.
#
# IGDEF_TORCH  where to look: a folder (pip's `torch`, an unpacked libtorch, a prefix such as
#              conda's), `python` for the PyTorch that python3 imports, or empty for the system's
# IGDEF_TORCH_UNTESTED  accept releases newer than those in libtorch-versions.txt
#
# Gives the target Libtorch::Libtorch and Libtorch_FOUND, _VERSION, _LIBRARY_DIR, _CUDA (whether it
# was built with CUDA), _RPATH (folders with the libraries it needs), _ROOT (for IGDEF_TORCH).
set(Libtorch_ways
  "install libtorch-dev, or say where it is with -DIGDEF_TORCH=DIR (the folder `torch` of a \
PyTorch from pip or conda, an unpacked libtorch, or a prefix) or -DIGDEF_TORCH=python (what python3 \
imports)")

# The folder of the PyTorch that python3 imports, or stops.
function(libtorch_of_python out)
  execute_process(COMMAND python3 -c "import torch; print(torch.__path__[0])"
    OUTPUT_VARIABLE folder RESULT_VARIABLE failed ERROR_VARIABLE why
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  if(failed)
    string(REGEX REPLACE ".*\n" "" why "${why}")
    if(why STREQUAL "")
      set(why "${failed}") # python3 did not start
    endif()
    message(FATAL_ERROR
      "IGDEF_TORCH=python: python3 cannot import torch (${why}); ${Libtorch_ways}")
  endif()
  # Debian's Python package keeps its library with the system's.
  if(NOT EXISTS ${folder}/lib/libtorch_cpu.so)
    set(folder "")
  endif()
  set(${out} "${folder}" PARENT_SCOPE)
endfunction()

set(Libtorch_ROOT_FOLDER "${IGDEF_TORCH}")
if(Libtorch_ROOT_FOLDER STREQUAL "python")
  libtorch_of_python(Libtorch_ROOT_FOLDER)
endif()
if(Libtorch_ROOT_FOLDER STREQUAL "")
  set(Libtorch_hints "")
else()
  get_filename_component(Libtorch_ROOT_FOLDER "${Libtorch_ROOT_FOLDER}" ABSOLUTE
    BASE_DIR "${CMAKE_BINARY_DIR}")
  if(NOT IS_DIRECTORY "${Libtorch_ROOT_FOLDER}")
    message(FATAL_ERROR "IGDEF_TORCH=${IGDEF_TORCH}: no such folder; ${Libtorch_ways}")
  endif()
  # What a folder was once found to hold must not be taken for another.
  set(Libtorch_hints PATHS ${Libtorch_ROOT_FOLDER} NO_DEFAULT_PATH)
endif()
if(NOT "${Libtorch_ROOT_FOLDER}" STREQUAL "${Libtorch_SEARCHED}")
  foreach(name HEADERS API_HEADERS torch torch_cpu c10 torch_cuda c10_cuda)
    unset(Libtorch_${name} CACHE)
  endforeach()
  set(Libtorch_SEARCHED "${Libtorch_ROOT_FOLDER}" CACHE INTERNAL "IGDEF_TORCH of the last search")
endif()

find_path(Libtorch_HEADERS ATen/ATen.h ${Libtorch_hints} PATH_SUFFIXES include)
find_path(Libtorch_API_HEADERS torch/version.h ${Libtorch_hints}
  PATH_SUFFIXES include/torch/csrc/api/include torch/csrc/api/include)
foreach(name torch torch_cpu c10 torch_cuda c10_cuda)
  find_library(Libtorch_${name} ${name} ${Libtorch_hints}
    PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} lib64)
endforeach()
mark_as_advanced(Libtorch_HEADERS Libtorch_API_HEADERS Libtorch_torch Libtorch_torch_cpu
  Libtorch_c10 Libtorch_torch_cuda Libtorch_c10_cuda)

set(Libtorch_FOUND TRUE)
foreach(name HEADERS API_HEADERS torch torch_cpu c10)
  if(NOT Libtorch_${name})
    set(Libtorch_FOUND FALSE)
  endif()
endforeach()
if(NOT Libtorch_FOUND)
  if(Libtorch_torch_cpu AND NOT Libtorch_HEADERS)
    message(FATAL_ERROR "${Libtorch_torch_cpu} has no headers (ATen/ATen.h); ${Libtorch_ways}")
  elseif(Libtorch_hints)
    message(FATAL_ERROR "${Libtorch_ROOT_FOLDER} holds no libtorch; ${Libtorch_ways}")
  else()
    message(FATAL_ERROR "libtorch not found: ${Libtorch_ways}")
  endif()
endif()

# Its version, from whichever header states it, within the range that is supported.
set(Libtorch_VERSION "")
foreach(header ${Libtorch_HEADERS}/torch/headeronly/version.h
    ${Libtorch_API_HEADERS}/torch/version.h)
  if(EXISTS ${header} AND Libtorch_VERSION STREQUAL "")
    file(STRINGS ${header} lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
    list(JOIN numbers . Libtorch_VERSION)
  endif()
endforeach()
if(NOT Libtorch_VERSION MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")
  message(FATAL_ERROR "${Libtorch_API_HEADERS}/torch/version.h: states no version")
endif()
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/libtorch-versions.txt lines REGEX "^(oldest|newest) ")
foreach(line ${lines})
  string(REGEX REPLACE " .*" "" name "${line}")
  string(REGEX REPLACE ".* " "" Libtorch_${name} "${line}")
endforeach()
string(REGEX REPLACE "\\.[0-9]+$" "" Libtorch_MINOR "${Libtorch_VERSION}")
if(Libtorch_MINOR VERSION_LESS Libtorch_oldest)
  message(FATAL_ERROR "${Libtorch_torch}: libtorch ${Libtorch_VERSION} is older than \
${Libtorch_oldest}, the oldest that igdef supports")
elseif(Libtorch_MINOR VERSION_GREATER Libtorch_newest AND NOT IGDEF_TORCH_UNTESTED)
  message(FATAL_ERROR "${Libtorch_torch}: libtorch ${Libtorch_VERSION} is newer than \
${Libtorch_newest}, the newest that igdef was tested with; -DIGDEF_TORCH_UNTESTED=ON tries it")
endif()

# Wheels before 2.6 pass strings of the old C++ ABI.
file(STRINGS ${Libtorch_c10} Libtorch_strings REGEX "NSt7__cxx1112basic_string" LIMIT_COUNT 1)
if(Libtorch_strings STREQUAL "")
  set(Libtorch_DEFINITIONS _GLIBCXX_USE_CXX11_ABI=0)
else()
  set(Libtorch_DEFINITIONS _GLIBCXX_USE_CXX11_ABI=1)
endif()

get_filename_component(Libtorch_LIBRARY_DIR ${Libtorch_torch_cpu} DIRECTORY)
set(Libtorch_ROOT "${Libtorch_ROOT_FOLDER}")
set(Libtorch_RPATH "")
if(NOT Libtorch_LIBRARY_DIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
  # CUDA's own libraries come as packages beside pip's torch.
  file(GLOB Libtorch_RPATH ${Libtorch_LIBRARY_DIR}/../../nvidia/*/lib)
  list(TRANSFORM Libtorch_RPATH REPLACE "/lib/\\.\\./\\.\\./nvidia" "/../nvidia")
  list(PREPEND Libtorch_RPATH ${Libtorch_LIBRARY_DIR})
endif()
set(Libtorch_LIBRARIES ${Libtorch_torch} ${Libtorch_torch_cpu} ${Libtorch_c10})
set(Libtorch_CUDA FALSE)
if(Libtorch_torch_cuda AND Libtorch_c10_cuda)
  set(Libtorch_CUDA TRUE)
  # Nothing refers to them by name; they register themselves when they are loaded.
  list(PREPEND Libtorch_LIBRARIES
    "-Wl,--no-as-needed,${Libtorch_torch_cuda},${Libtorch_c10_cuda},--as-needed")
endif()

if(NOT TARGET Libtorch::Libtorch)
  add_library(Libtorch::Libtorch INTERFACE IMPORTED)
endif()
set_target_properties(Libtorch::Libtorch PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES
    "$<$<COMPILE_LANGUAGE:CXX>:${Libtorch_HEADERS};${Libtorch_API_HEADERS}>"
  INTERFACE_COMPILE_DEFINITIONS "$<$<COMPILE_LANGUAGE:CXX>:${Libtorch_DEFINITIONS}>")
# The libraries that it needs in turn are found when it is loaded, not when it is linked.
target_link_libraries(Libtorch::Libtorch INTERFACE ${Libtorch_LIBRARIES}
  -Wl,--allow-shlib-undefined)
