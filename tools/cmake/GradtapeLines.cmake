# gradtape_write_lines(TEXT SOURCE NAME) writes SOURCE, a C file with the lines of TEXT as an array
# of strings, NAME, NULL behind the last.
function(gradtape_write_lines text source name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${text})
  file(READ ${text} lines)
  string(REPLACE "\\" "\\\\" lines "${lines}")
  string(REPLACE "\"" "\\\"" lines "${lines}")
  string(REPLACE "\n" "\\n\",\n    \"" lines "${lines}")
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"/* The lines of ${text}. */
#include <stddef.h>

extern const char *const @name@[];
const char *const @name@[] = {
    \"@lines@\",
    NULL,
};
")
endfunction()
