# cmake -D STEP=... (and BUILD, CONFIG, CC, GENERATOR) -P check.cmake
# Installs the build into a folder of its own, or builds and runs the consumer, or copies of the
# examples, against that, found one way or the other.
set(place ${BUILD}/tests/package)
set(prefix ${place}/prefix)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(STEP STREQUAL install)
  file(REMOVE_RECURSE ${place})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --config ${CONFIG})

elseif(STEP STREQUAL cmake)
  run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${place}/cmake -G ${GENERATOR}
    -D CMAKE_C_COMPILER=${CC} -D CMAKE_BUILD_TYPE=${CONFIG} -D CMAKE_PREFIX_PATH=${prefix})
  run(${CMAKE_COMMAND} --build ${place}/cmake --config ${CONFIG})
  find_program(consumer consumer PATHS ${place}/cmake ${place}/cmake/${CONFIG}
    NO_DEFAULT_PATH REQUIRED)
  run(${consumer})

elseif(STEP STREQUAL examples)
  file(GLOB examples ${CMAKE_CURRENT_LIST_DIR}/../../examples/*.c)
  foreach(example IN LISTS examples)
    cmake_path(GET example STEM name)
    file(COPY ${example} DESTINATION ${place}/copies/${name})
  endforeach()
  run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/examples -B ${place}/examples -G ${GENERATOR}
    -D CMAKE_C_COMPILER=${CC} -D CMAKE_BUILD_TYPE=None -D CMAKE_PREFIX_PATH=${prefix}
    -D COPIES=${place}/copies)
  run(${CMAKE_COMMAND} --build ${place}/examples -j 2)
  run(${place}/examples/custom_op)
  run(${place}/examples/time_series --hours 500 --epochs 1)

elseif(STEP STREQUAL pkgconfig)
  find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
  file(GLOB_RECURSE file ${prefix}/gradtape.pc)
  cmake_path(GET file PARENT_PATH dir)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${dir}
      ${pkg_config} --cflags --libs gradtape
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags)
  cmake_path(GET dir PARENT_PATH libdir)
  run(${CC} -std=c11 ${CMAKE_CURRENT_LIST_DIR}/consumer.c -o ${place}/consumer ${flags})
  run(${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libdir} ${place}/consumer)
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/../../examples/wgan_gp.c DESTINATION ${place}/alone)
  run(${CC} -std=c11 ${place}/alone/wgan_gp.c -o ${place}/wgan_gp ${flags} -lm)
  run(${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libdir} ${place}/wgan_gp --help)
endif()
