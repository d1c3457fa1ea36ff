# gradtape_find_blas(WANTED FOUND) looks for OpenBLAS with its cblas.h, by CMake's FindBLAS and
# then by pkg-config, and sets FOUND in the caller. WANTED is AUTO, ON (not finding it is an
# error) or OFF. When found, the target gradtape::blas carries it. The installed package uses this
# file too, to find again what a static gradtape was built with.
function(gradtape_find_blas wanted found)
  set(${found} FALSE PARENT_SCOPE)
  if(wanted STREQUAL "OFF")
    return()
  endif()
  gradtape_find_blas_library_()
  if(GRADTAPE_BLAS_LIBRARIES AND GRADTAPE_CBLAS_INCLUDE_DIR)
    if(NOT TARGET gradtape::blas)
      add_library(gradtape::blas INTERFACE IMPORTED GLOBAL)
      target_link_libraries(gradtape::blas INTERFACE ${GRADTAPE_BLAS_LIBRARIES})
      target_include_directories(gradtape::blas SYSTEM INTERFACE ${GRADTAPE_CBLAS_INCLUDE_DIR})
      message(STATUS "OpenBLAS found: ${GRADTAPE_BLAS_LIBRARIES}")
    endif()
    set(${found} TRUE PARENT_SCOPE)
    return()
  endif()
  set(kind STATUS)
  if(wanted STREQUAL "ON")
    set(kind FATAL_ERROR)
  endif()
  message(${kind} "OpenBLAS not found: matrix products and large convolutions run as plain loops. "
    "To have it, install libopenblas-dev (Debian, Ubuntu) or openblas-devel (Fedora).")
endfunction()

# Sets GRADTAPE_BLAS_LIBRARIES and GRADTAPE_CBLAS_INCLUDE_DIR in the caller, empty where not
# found. A cblas.h of another library may lie in the usual place (Debian's alternatives), so
# OpenBLAS's own folders come first, and its mark is asked.
macro(gradtape_find_blas_library_)
  set(BLA_VENDOR OpenBLAS)
  find_package(BLAS QUIET)
  set(GRADTAPE_BLAS_LIBRARIES ${BLAS_LIBRARIES})
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(GRADTAPE_OPENBLAS QUIET openblas)
    if(NOT GRADTAPE_BLAS_LIBRARIES)
      set(GRADTAPE_BLAS_LIBRARIES ${GRADTAPE_OPENBLAS_LINK_LIBRARIES})
    endif()
  endif()
  find_path(GRADTAPE_CBLAS_INCLUDE_DIR cblas.h HINTS ${GRADTAPE_OPENBLAS_INCLUDE_DIRS}
    PATH_SUFFIXES openblas-pthread openblas-openmp openblas-serial openblas)
  mark_as_advanced(GRADTAPE_CBLAS_INCLUDE_DIR)
  if(GRADTAPE_CBLAS_INCLUDE_DIR)
    file(STRINGS ${GRADTAPE_CBLAS_INCLUDE_DIR}/cblas.h gradtape_mark REGEX openblas_get_config)
    if(NOT gradtape_mark)
      set(GRADTAPE_CBLAS_INCLUDE_DIR "")
    endif()
  endif()
endmacro()
