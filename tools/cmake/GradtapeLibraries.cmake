# gradtape_find_library(PACKAGE WANTED FOUND DEBIAN FEDORA LOST) looks for the library of CMake's
# package PACKAGE (ZLIB, PNG, JPEG, WEBP) and sets FOUND in the caller. WANTED is AUTO, ON (not finding it
# is an error) or OFF. When found, the target gradtape::PACKAGE carries it. DEBIAN and FEDORA are
# the names of what to install, LOST says what is lost without. The installed package uses this
# file too, to find again what a static gradtape was built with.
function(gradtape_find_library package wanted found debian fedora lost)
  set(${found} FALSE PARENT_SCOPE)
  if(wanted STREQUAL "OFF")
    return()
  endif()
  if(package STREQUAL "WEBP") # which CMake has no package for
    find_path(WEBP_INCLUDE_DIRS webp/decode.h)
    find_library(WEBP_LIBRARIES webp)
    mark_as_advanced(WEBP_INCLUDE_DIRS WEBP_LIBRARIES)
    if(WEBP_INCLUDE_DIRS AND WEBP_LIBRARIES)
      set(WEBP_FOUND TRUE)
    endif()
  else()
    find_package(${package} QUIET)
  endif()
  if(${package}_FOUND)
    if(NOT TARGET gradtape::${package})
      add_library(gradtape::${package} INTERFACE IMPORTED GLOBAL)
      target_link_libraries(gradtape::${package} INTERFACE ${${package}_LIBRARIES})
      target_include_directories(gradtape::${package} SYSTEM INTERFACE ${${package}_INCLUDE_DIRS})
      message(STATUS "${package} found: ${${package}_LIBRARIES}")
    endif()
    set(${found} TRUE PARENT_SCOPE)
    return()
  endif()
  set(kind STATUS)
  if(wanted STREQUAL "ON")
    set(kind FATAL_ERROR)
  endif()
  message(${kind} "${package} not found: ${lost}. To have it, install ${debian} (Debian, Ubuntu) or "
    "${fedora} (Fedora).")
endfunction()

# gradtape_find_libraries(ZLIB PNG JPEG WEBP) takes what is wanted of each, and sets
# GRADTAPE_WITH_ZLIB, GRADTAPE_WITH_PNG, GRADTAPE_WITH_JPEG and GRADTAPE_WITH_WEBP in the caller.
macro(gradtape_find_libraries zlib png jpeg webp)
  gradtape_find_library(ZLIB "${zlib}" GRADTAPE_WITH_ZLIB zlib1g-dev zlib-devel
    "gzipped files and compressed .npz archives cannot be read")
  gradtape_find_library(PNG "${png}" GRADTAPE_WITH_PNG libpng-dev libpng-devel
    "PNG images can be neither read nor written")
  gradtape_find_library(JPEG "${jpeg}" GRADTAPE_WITH_JPEG libjpeg-dev libjpeg-turbo-devel
    "JPEG images cannot be read")
  gradtape_find_library(WEBP "${webp}" GRADTAPE_WITH_WEBP libwebp-dev libwebp-devel
    "WebP images cannot be read")
endmacro()
