// What a file is that is not what it should be, for messages that say what to do with it.
#ifndef IGD_CORE_FILE_KIND_H
#define IGD_CORE_FILE_KIND_H

#include <stddef.h>

#include "igdef/status.h"

// Kinds that people offer as models or data. The first says nothing.
typedef enum igd_file_kind {
    IGD_FILE_UNKNOWN,
    IGD_FILE_EMPTY,
    IGD_FILE_LFS_POINTER,
    IGD_FILE_WEB_PAGE,
    IGD_FILE_TAR,
    IGD_FILE_TAR_GZIP,
    IGD_FILE_GZIP,
    IGD_FILE_ZIP,
    IGD_FILE_TORCHSCRIPT,
    IGD_FILE_TORCH_WEIGHTS,
    IGD_FILE_EXPORTED_PROGRAM, // .pt2
    IGD_FILE_NPZ,
    IGD_FILE_NPY,
    IGD_FILE_PICKLE,
    IGD_FILE_SAFETENSORS,
    IGD_FILE_ONNX,
    IGD_FILE_HDF5,
    IGD_FILE_MATLAB,
    IGD_FILE_PARQUET,
    IGD_FILE_IMAGE,
    IGD_FILE_IDX,
    IGD_FILE_CIFAR,
    IGD_NUM_FILE_KINDS
} igd_file_kind;

// Image formats by their first bytes; foreign ones, GIF, WebP and TIFF, are not decoded.
typedef enum igd_image_kind {
    IGD_IMAGE_NONE,
    IGD_IMAGE_JPEG,
    IGD_IMAGE_PNG,
    IGD_IMAGE_BMP,
    IGD_IMAGE_FOREIGN
} igd_image_kind;
igd_image_kind igd_image_kind_of(const unsigned char *head, size_t size);

// By content, and where that says nothing, by name and length. IGD_FILE_UNKNOWN where the
// file cannot be read.
igd_file_kind igd_file_kind_of(const char *path);

// Fails: "PATH: is a Git LFS pointer, not a TorchScript file; ...", where the kind is
// known, else with `otherwise`, a whole message but the path.
igd_status igd_file_kind_refuse_model(const char *path, const char *otherwise);
igd_status igd_file_kind_refuse_data(const char *path, const char *otherwise);

#endif
