# Levels of the kernels for families of processors, of which one is chosen at the start of a program; no
# other file needs more than the baseline.
include(CheckCSourceCompiles)

# Sets the options of src/kernels/LEVEL_*.c.
function(gradtape_set_level level)
  # Loops are taken apart where a formula depends on a parameter, also large ones.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(apart "--param=max-unswitch-insns=2000")
  else()
    set(apart "-mllvm;-unswitch-threshold=2000")
  endif()
  set(options "-fno-math-errno;${ARGN}")
  set_source_files_properties(src/kernels/${level}_f32.c src/kernels/${level}_f64.c PROPERTIES
    COMPILE_OPTIONS "-ffp-contract=fast;${options}")
  # No contraction: an element's bits must not depend on whether it is computed in a vector.
  set_source_files_properties(src/kernels/${level}_loops_f32.c src/kernels/${level}_loops_f64.c
    PROPERTIES COMPILE_OPTIONS "-ffp-contract=off;-fno-trapping-math;${apart};${options}")
endfunction()

# Compilers define MACRO for a family, for which the levels are.
function(gradtape_has_family macro result)
  check_c_source_compiles("
    #ifndef ${macro}
    #error
    #endif
    int main(void) { return 0; }" ${result})
endfunction()

function(gradtape_set_levels)
  gradtape_has_family(__x86_64__ GRADTAPE_X86_64)
  gradtape_has_family(__aarch64__ GRADTAPE_AARCH64)
  if(GRADTAPE_X86_64)
    gradtape_set_level(v3 -march=x86-64-v3)
    gradtape_set_level(v4 -march=x86-64-v4)
  elseif(GRADTAPE_AARCH64)
    gradtape_set_level(neon)
  endif()
endfunction()
