# Headers made from the rows of LIST (ops.def), each row on a line of its own.

# gradtape_write_calls(LIST HEADER): for each function that users call, GT_OP(name, ...),
# GT_OP_UNARY, GT_FUN, or these with _ARGS or _OPTS, the macro that completes its errors with the
# place of the call and, with _OPTS, takes options by name: gt_sum(x), gt_sum(x, .keepdim = true).
function(gradtape_write_calls list header)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(READ ${list} text)
  string(REGEX MATCHALL
    "\n(GT_OP|GT_OP_UNARY|GT_OP_UNARY_ARGS|GT_FUN|GT_FUN_ARGS)\\([a-z0-9_]+" rows "\n${text}")
  set(macros "")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE ".*\\(" "" name "${row}")
    string(APPEND macros "#define gt_${name}(...) GT_AT(gt_${name}(__VA_ARGS__))\n")
  endforeach()
  string(REGEX MATCHALL "\nGT_[A-Z_]+_OPTS(_ARGS)?\\([a-z0-9_]+, \\([^)]* opts\\)" rows "\n${text}")
  foreach(row IN LISTS rows)
    string(REGEX MATCH "\\(([a-z0-9_]+), \\((.*), (gt_[a-z0-9_]+) opts\\)" all "${row}")
    set(name "${CMAKE_MATCH_1}")
    set(type "${CMAKE_MATCH_3}")
    string(REGEX REPLACE "[^,]*[ *]([a-z0-9_]+)(,|$)" "\\1\\2 " args "${CMAKE_MATCH_2}")
    string(STRIP "${args}" args)
    string(TOUPPER "${name}" upper)
    string(APPEND macros "#define gt_${name}(...) GT_${upper}_(__VA_ARGS__, )\n"
      "#define GT_${upper}_(${args}, ...) \\\n"
      "    GT_AT(gt_${name}_(${args}, GT_OPTS(${type}, __VA_ARGS__)))\n")
  endforeach()
  file(CONFIGURE OUTPUT ${header} @ONLY CONTENT
"/* Made from ops.def: calls of functions, with their place for messages and options by name. */
#ifndef GRADTAPE_CALLS_H
#define GRADTAPE_CALLS_H
@macros@#endif
")
endfunction()

# gradtape_write_arguments(LIST HEADER): for each GT_FUN_ARGS and GT_FUN_OPTS_ARGS the struct
# gti_NAME_args of what its scope keeps, with the types that its parameters have.
function(gradtape_write_arguments list header)
  file(READ ${list} text)
  string(REGEX MATCHALL "\nGT_FUN(_OPTS)?_ARGS\\([a-z0-9_]+, \\([^)]*\\), \\([^)]*\\), \\([^)]*\\)"
    rows "\n${text}")
  set(structs "")
  foreach(row IN LISTS rows)
    string(REGEX MATCH "\\(([a-z0-9_]+), \\(([^)]*)\\), \\([^)]*\\), \\(([^)]*)\\)" all "${row}")
    set(name "${CMAKE_MATCH_1}")
    set(params ", ${CMAKE_MATCH_2},")
    string(REPLACE ", " ";" kept "${CMAKE_MATCH_3}")
    set(members "")
    foreach(member IN LISTS kept)
      string(REGEX MATCH ", ([^,]*[ *]${member})," all "${params}")
      string(APPEND members "    ${CMAKE_MATCH_1};\n")
    endforeach()
    string(APPEND structs "typedef struct {\n${members}} gti_${name}_args;\n")
  endforeach()
  file(CONFIGURE OUTPUT ${header} @ONLY CONTENT
"/* Made from ops.def: what the scopes of composed functions keep of their arguments. */
#ifndef GTI_ENGINE_ARGUMENTS_H
#define GTI_ENGINE_ARGUMENTS_H
#include <gradtape/ops.h>
@structs@#endif
")
endfunction()
