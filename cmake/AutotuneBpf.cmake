# Kernel side: bpf/NAME.bpf.c → an object for the kernel → a C header that carries it.

find_program(AUTOTUNE_BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(AUTOTUNE_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(AUTOTUNE_BPF_ARCH arm64)
else()
  set(AUTOTUNE_BPF_ARCH x86)
endif()

# autotune_bpf(NAME): target autotune::NAME_skeleton. Link it (LIBRARIES) and include
# "bpf/NAME.skel.h", whose functions are NAME__open, NAME__load, …; libbpf comes with it.
function(autotune_bpf name)
  set(source ${PROJECT_SOURCE_DIR}/bpf/${name}.bpf.c)
  set(folder ${PROJECT_BINARY_DIR}/skeletons/bpf)
  file(MAKE_DIRECTORY ${folder})
  set(compiled ${folder}/${name}.tmp.o)
  set(object ${folder}/${name}.bpf.o)
  set(skeleton ${folder}/${name}.skel.h)
  add_custom_command(
    OUTPUT ${skeleton} ${object}
    BYPRODUCTS ${compiled}
    COMMAND ${AUTOTUNE_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror
            -Wno-unused-parameter -Wno-missing-declarations
            -D__TARGET_ARCH_${AUTOTUNE_BPF_ARCH} -I${PROJECT_SOURCE_DIR}
            -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${compiled}.d -MT ${skeleton} -c ${source} -o ${compiled}
    # Linking drops the DWARF and keeps the BTF.
    COMMAND ${AUTOTUNE_BPFTOOL} gen object ${object} ${compiled}
    COMMAND ${AUTOTUNE_BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${source}
    DEPFILE ${compiled}.d
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_target(autotune_${name}_skeleton_file DEPENDS ${skeleton})
  if(NOT TARGET PkgConfig::libbpf)
    pkg_check_modules(libbpf REQUIRED IMPORTED_TARGET GLOBAL libbpf>=1.1)
  endif()
  add_library(autotune_${name}_skeleton INTERFACE)
  add_library(autotune::${name}_skeleton ALIAS autotune_${name}_skeleton)
  # A system folder: the generated code is not ours to keep free of warnings.
  target_include_directories(autotune_${name}_skeleton SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/skeletons)
  target_link_libraries(autotune_${name}_skeleton INTERFACE PkgConfig::libbpf)
  add_dependencies(autotune_${name}_skeleton autotune_${name}_skeleton_file)
endfunction()
