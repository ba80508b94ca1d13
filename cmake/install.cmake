# What `cmake --install` puts where: library, headers, CMake and pkg-config files, the
# command, its plugin, manual page and completion, the exporter of models.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME command) # the other one is dev

install(TARGETS igdef EXPORT igdefTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
if(BUILD_SHARED_LIBS)
  install(TARGETS igdef_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
endif()
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES scripts/igdef.py DESTINATION ${CMAKE_INSTALL_DATADIR}/igdef COMPONENT dev)
install(FILES include/igdef.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(DIRECTORY include/igdef DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(EXPORT igdefTargets NAMESPACE igdef::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/igdef COMPONENT dev)
configure_package_config_file(cmake/igdefConfig.cmake.in
  ${PROJECT_BINARY_DIR}/igdefConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/igdef)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/igdefConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/igdefConfig.cmake
  ${PROJECT_BINARY_DIR}/igdefConfigVersion.cmake
  cmake/FindLibtorch.cmake cmake/libtorch-versions.txt
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/igdef COMPONENT dev)

# libtorch by name, from its own folder where that is not one the linker knows.
set(igdef_pc_libs "-ltorch -ltorch_cpu -lc10")
if(Libtorch_CUDA)
  string(PREPEND igdef_pc_libs "-Wl,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--as-needed ")
endif()
if(Libtorch_RPATH)
  list(JOIN Libtorch_RPATH ":" folders)
  string(PREPEND igdef_pc_libs
    "-L${Libtorch_LIBRARY_DIR} -Wl,-rpath,${folders} -Wl,--allow-shlib-undefined ")
endif()
string(APPEND igdef_pc_libs
  " -lcjson -lstb -lturbojpeg -lopenblas -lzip -lcrypto -licuuc -lz -lstdc++ -lm -lpthread")
file(RELATIVE_PATH igdef_pc_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/igdef.pc.in ${PROJECT_BINARY_DIR}/igdef.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/igdef.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# Named, since CMake leaves out folders within the source tree, where a virtual environment may be.
set_target_properties(igdef_plugin PROPERTIES
  INSTALL_RPATH "${Libtorch_RPATH}" INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS igdef_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS igdef_plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/igdef)
install(FILES ${PROJECT_BINARY_DIR}/igdef.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_BINARY_DIR}/igdef.bash RENAME igdef
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

install(PROGRAMS scripts/export_torchscript.py DESTINATION ${CMAKE_INSTALL_DATADIR}/igdef)
install(DIRECTORY scripts/exporter DESTINATION ${CMAKE_INSTALL_DATADIR}/igdef
  FILES_MATCHING PATTERN "*.py")
