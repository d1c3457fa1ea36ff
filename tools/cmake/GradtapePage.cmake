# gradtape_write_page(FOLDER SOURCE) writes SOURCE, a C file with the text of FOLDER/page.html, in
# which "@name@" is the file of that name there. It is parted where the program puts in something of
# its own: at @state@ and @graph@.
function(gradtape_write_page folder source)
  file(READ ${folder}/page.html page)
  set(files page.html)
  foreach(name IN ITEMS page.css model.js words.js layout.js draw.js details.js page.js)
    file(READ ${folder}/${name} text)
    string(REPLACE "@${name}@" "${text}" page "${page}")
    list(APPEND files ${name})
  endforeach()
  list(TRANSFORM files PREPEND ${folder}/)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(parts "")
  foreach(mark IN ITEMS "@state@" "@graph@" "")
    set(at -1)
    if(mark)
      string(FIND "${page}" "${mark}" at)
      string(LENGTH "${mark}" length)
    endif()
    string(SUBSTRING "${page}" 0 ${at} part)
    string(HEX "${part}" part)
    string(REGEX REPLACE "(..)" "0x\\1," part "${part}")
    string(REGEX REPLACE "((0x..,){20})" "\\1\n" part "${part}")
    string(APPEND parts "    (const unsigned char[]){${part}0},\n")
    if(mark)
      math(EXPR at "${at} + ${length}")
      string(SUBSTRING "${page}" ${at} -1 page)
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"/* Made from src/graph/page. */
#include \"graph/render.h\"

const unsigned char *const gti_page_text[] = {
@parts@};
")
endfunction()
