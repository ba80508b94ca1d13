# Debian packages of what cmake/install.cmake installs: igdef, the command, and libigdef-dev, the
# library. Made by scripts/package.sh, for the Debian that it runs on; beside a libtorch that is
# no package of the system there are none.
if(Libtorch_RPATH)
  return()
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL command dev)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "test-time adversarial defense of image classifiers")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The igdef authors <igdef@packages.invalid>")
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME igdef)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS python3)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "python3-torch, dataset-fashion-mnist")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
"The command makes a trained image classifier harder to fool without
retraining it, and measures how hard: interpretability-guided masks (Kulkarni
and Weng, ECCV 2024) and the evaluation that such a defense needs, over
TorchScript models.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libigdef-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
# The archive has no dependencies that a tool could see: what its programs link.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "libtorch-dev, libcjson-dev, libstb-dev, libturbojpeg0-dev, libopenblas-dev, zlib1g-dev, libzip-dev, libssl-dev, libicu-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
"Headers, static library, CMake and pkg-config files for C and C++ programs
that want a defended prediction for a buffer of pixels, or an evaluation.")
include(CPack)
