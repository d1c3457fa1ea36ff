# Levels of the kernels for families of processors, of which one is chosen at the start of a program; no
# other file needs more than the baseline.
include(CheckCSourceCompiles)

# Sets the options of src/kernels/LEVEL_*.c.
function(gradtape_set_levels)
  check_c_source_compiles("
    #ifndef __x86_64__
    #error
    #endif
    int main(void) { return 0; }" GRADTAPE_X86_64)
  if(NOT GRADTAPE_X86_64)
    return()
  endif()
  # Loops are taken apart where a formula depends on a parameter, also large ones.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(apart "--param=max-unswitch-insns=2000")
  else()
    set(apart "-mllvm;-unswitch-threshold=2000")
  endif()
  foreach(level IN ITEMS v3 v4)
    set(options "-fno-math-errno;-march=x86-64-${level}")
    set_source_files_properties(src/kernels/${level}_f32.c src/kernels/${level}_f64.c PROPERTIES
      COMPILE_OPTIONS "-ffp-contract=fast;${options}")
    # No contraction: an element's bits must not depend on whether it is computed in a vector.
    set_source_files_properties(src/kernels/${level}_loops_f32.c src/kernels/${level}_loops_f64.c
      PROPERTIES COMPILE_OPTIONS "-ffp-contract=off;-fno-trapping-math;${apart};${options}")
  endforeach()
endfunction()
