# What Debian's policy asks of a package, before CPack makes it of the installed files: copyright,
# changelog, and a compressed manual page.
foreach(component command dev)
  set(name igdef)
  if(component STREQUAL dev)
    set(name libigdef-dev)
  endif()
  set(root ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  set(docs ${root}/share/doc/${name})
  file(MAKE_DIRECTORY ${docs})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/../LICENSE ${docs}/copyright COPYONLY)
  file(REMOVE ${docs}/LICENSE)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # or what SOURCE_DATE_EPOCH says
  file(WRITE ${docs}/changelog.Debian
    "igdef (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
    "  * Version ${CPACK_PACKAGE_VERSION}: see the section Changes of README.md.\n\n"
    " -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}\n")
  set(compressed ${docs}/changelog.Debian)
  if(component STREQUAL command)
    list(APPEND compressed ${root}/share/man/man1/igdef.1)
  endif()
  execute_process(COMMAND gzip -9n ${compressed} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE archives ${root}/*.a)
  if(archives)
    execute_process(COMMAND strip --strip-debug ${archives} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
