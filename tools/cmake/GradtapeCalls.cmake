# gradtape_write_calls(LIST HEADER) writes HEADER from the rows of LIST (ops.def): for each
# function without options, GT_OP(name, ...), GT_OP_UNARY, GT_FUN, or these with _ARGS, the macro
# that completes its errors with the place of the call. Functions with options have their macros in
# ops.h, and inner operations are not called by users.
function(gradtape_write_calls list header)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(READ ${list} text)
  string(REGEX MATCHALL "\n(GT_OP|GT_OP_UNARY|GT_OP_UNARY_ARGS|GT_FUN|GT_FUN_ARGS)[ \n]*\\([ \n]*[a-z0-9_]+"
    rows "\n${text}")
  set(macros "")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE ".*[( \n]" "" name "${row}")
    string(APPEND macros "#define gt_${name}(...) GT_AT(gt_${name}(__VA_ARGS__))\n")
  endforeach()
  file(CONFIGURE OUTPUT ${header} @ONLY CONTENT
"/* Made from ops.def: calls of functions without options, with their place for messages. */
#ifndef GRADTAPE_CALLS_H
#define GRADTAPE_CALLS_H
@macros@#endif
")
endfunction()
