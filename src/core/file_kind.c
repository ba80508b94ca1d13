// Owns telling files apart, and what is said about each.
#include "core/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>
#include <zip.h>
#include <zlib.h>

#include "core/error.h"
#include "core/letters.h"

#define HEAD 1024 // bytes that are looked at
#define CIFAR_10_RECORD 3073
#define CIFAR_100_RECORD 3074

#define EXPORT                                                                           \
    "scripts/export_torchscript.py makes a TorchScript file of a model's code and its "  \
    "weights"
#define UNPACK_FOLDER "unpack it and give the folder that it holds"

// What a kind is, and what to do where it is offered as a model or as data.
static const struct {
    const char *what, *model, *data;
} kinds[IGD_NUM_FILE_KINDS] = {
    [IGD_FILE_EMPTY] = {"is empty", "copy or download it again",
                        "copy or download it again"},
    [IGD_FILE_LFS_POINTER] = {"is a Git LFS pointer, not the file itself",
                              "'git lfs pull' fetches it", "'git lfs pull' fetches it"},
    [IGD_FILE_WEB_PAGE] = {"is a web page (HTML)",
                           "the download met a page, such as one that asks for "
                           "confirmation; download the file again",
                           "the download met a page, such as one that asks for "
                           "confirmation; download the file again"},
    [IGD_FILE_TAR] = {"is a tar archive", "unpack it and give the file that it holds",
                      UNPACK_FOLDER},
    [IGD_FILE_TAR_GZIP] = {"is a compressed tar archive (.tar.gz)",
                           "unpack it and give the file that it holds", UNPACK_FOLDER},
    [IGD_FILE_GZIP] = {"is a gzip-compressed file", "unpack it with gunzip",
                       "unpack it with gunzip; IDX files are read compressed, but as a "
                       "folder"},
    [IGD_FILE_ZIP] = {"is a zip archive", "unpack it and give the file that it holds",
                      UNPACK_FOLDER},
    [IGD_FILE_TORCHSCRIPT] = {"is a TorchScript file", NULL, "it belongs to --model"},
    [IGD_FILE_TORCH_WEIGHTS] = {"holds weights, not a program", EXPORT,
                                "it is no data set"},
    [IGD_FILE_EXPORTED_PROGRAM] =
        {"is an exported program of PyTorch 2 (.pt2)",
         "in Python, torch.jit.trace(torch.export.load(path).module(), x).save('m.pt') "
         "makes a TorchScript file of it",
         "it is no data set"},
    [IGD_FILE_NPZ] = {"is an archive of NumPy arrays (.npz)", "it holds no program",
                      "in Python, z = numpy.load(path) and numpy.save('x.npy', z[name]) "
                      "for images and labels make files for --data x.npy --labels y.npy"},
    [IGD_FILE_NPY] = {"is a NumPy array (.npy)", "it holds no program", NULL},
    [IGD_FILE_PICKLE] = {"holds weights, not a program", EXPORT,
                         "it is a Python pickle; CIFAR's Python version is given as the "
                         "folder that holds its files"},
    [IGD_FILE_SAFETENSORS] = {"holds weights (safetensors), not a program", EXPORT,
                              "it is no data set"},
    [IGD_FILE_ONNX] = {"is an ONNX model", "export the PyTorch model itself: " EXPORT,
                       "it is no data set"},
    [IGD_FILE_HDF5] = {"is an HDF5 file", "igdef reads TorchScript alone",
                       "in Python, numpy.save('x.npy', h5py.File(path)[name][:]) for "
                       "images and labels makes files for --data x.npy --labels y.npy"},
    [IGD_FILE_MATLAB] = {"is a MATLAB file", "igdef reads TorchScript alone",
                         "in Python, scipy.io.loadmat(path) and numpy.save() make files "
                         "for --data x.npy --labels y.npy"},
    [IGD_FILE_PARQUET] = {"is a Parquet file", "igdef reads TorchScript alone",
                          "save its images as files in class folders, or as .npy"},
    [IGD_FILE_IMAGE] = {"is a single image", "igdef reads TorchScript alone",
                        "data sets are folders of images; igdef defend takes single ones "
                        "without --data"},
    [IGD_FILE_IDX] = {"is one file of an IDX data set", "igdef reads TorchScript alone",
                      "give the folder that holds images and labels"},
    [IGD_FILE_CIFAR] = {"is one file of CIFAR's binary version",
                        "igdef reads TorchScript alone", "give the folder that holds it"},
};

static bool starts(const unsigned char *head, size_t size, const char *text,
                   size_t length)
{
    return size >= length && memcmp(head, text, length) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && igd_same_letters(text + n - m, end);
}

static bool is_tar(const unsigned char *head, size_t size)
{
    return size > 262 && memcmp(head + 257, "ustar", 5) == 0;
}

static bool is_web_page(const unsigned char *head, size_t size)
{
    size_t at = starts(head, size, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < size && strchr(" \t\r\n", head[at]) != NULL && head[at] != '\0')
        at++;
    const char *text = (const char *)head + at;
    return igd_starts_with_letters(text, size - at, "<!doctype") ||
           igd_starts_with_letters(text, size - at, "<html") ||
           igd_starts_with_letters(text, size - at, "<?xml");
}

igd_image_kind igd_image_kind_of(const unsigned char *head, size_t size)
{
    if (starts(head, size, "\xff\xd8\xff", 3))
        return IGD_IMAGE_JPEG;
    if (starts(head, size, "\x89PNG\r\n\x1a\n", 8))
        return IGD_IMAGE_PNG;
    if (starts(head, size, "BM", 2))
        return IGD_IMAGE_BMP;
    const bool foreign =
        size >= 12 &&
        (starts(head, size, "GIF8", 4) || starts(head, size, "II*\0", 4) ||
         starts(head, size, "MM\0*", 4) ||
         (starts(head, size, "RIFF", 4) && memcmp(head + 8, "WEBP", 4) == 0));
    return foreign ? IGD_IMAGE_FOREIGN : IGD_IMAGE_NONE;
}

static bool is_image(const unsigned char *head, size_t size)
{
    const igd_image_kind kind = igd_image_kind_of(head, size);
    return kind == IGD_IMAGE_BMP ? size > 26 : kind != IGD_IMAGE_NONE; // texts begin so
}

// A length in 8 bytes, little-endian, and then a JSON object.
static bool is_safetensors(const unsigned char *head, size_t size)
{
    return size > 10 && head[5] == 0 && head[6] == 0 && head[7] == 0 && head[8] == '{' &&
           (head[9] == '"' || head[9] == '}' || head[9] == ' ');
}

// A protocol buffer whose first fields are a version and the producer's name.
static bool is_onnx(const unsigned char *head, size_t size, const char *path)
{
    const bool fields = size > 8 && head[0] == 0x08 && head[1] >= 1 && head[1] <= 40;
    return fields && (ends_with(path, ".onnx") ||
                      (head[2] == 0x12 && head[3] > 0 && head[3] < 64 &&
                       (size_t)head[3] + 4 < size && head[4] >= 'A' && head[4] <= 'z'));
}

static bool is_idx(const unsigned char *head, size_t size)
{
    return size >= 8 && head[0] == 0 && head[1] == 0 && head[2] == 8 &&
           (head[3] == 1 || head[3] == 3);
}

// By the names of its entries.
static igd_file_kind kind_of_zip(const char *path)
{
    bool constants = false, pickle = false, exported = false, arrays = false;
    zip_t *archive = zip_open(path, ZIP_RDONLY, NULL);
    if (archive == NULL)
        return IGD_FILE_UNKNOWN; // damaged
    const zip_int64_t num = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < num; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name == NULL)
            continue;
        constants = constants || ends_with(name, "/constants.pkl");
        pickle = pickle || ends_with(name, "/data.pkl");
        arrays = arrays || ends_with(name, ".npy");
        exported = exported || ends_with(name, "archive_format") ||
                   ends_with(name, "serialized_exported_program.json");
    }
    zip_discard(archive);
    return constants  ? IGD_FILE_TORCHSCRIPT
           : exported ? IGD_FILE_EXPORTED_PROGRAM
           : pickle   ? IGD_FILE_TORCH_WEIGHTS
           : arrays   ? IGD_FILE_NPZ
                      : IGD_FILE_ZIP;
}

static igd_file_kind kind_of_gzip(const char *path)
{
    unsigned char head[HEAD];
    gzFile f = gzopen(path, "rb");
    if (f == NULL)
        return IGD_FILE_GZIP;
    const int got = gzread(f, head, sizeof(head));
    gzclose(f);
    const size_t size = got > 0 ? (size_t)got : 0;
    return is_tar(head, size) || ends_with(path, ".tar.gz") || ends_with(path, ".tgz")
               ? IGD_FILE_TAR_GZIP
           : is_idx(head, size) ? IGD_FILE_IDX
                                : IGD_FILE_GZIP;
}

// A number of whole records under a name that the published files have.
static bool is_cifar(const char *path, int64_t length)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const bool ten = strcmp(name, "test_batch.bin") == 0 ||
                     (strncmp(name, "data_batch_", 11) == 0 && ends_with(name, ".bin"));
    const bool hundred = strcmp(name, "test.bin") == 0 || strcmp(name, "train.bin") == 0;
    return (ten && length % CIFAR_10_RECORD == 0) ||
           (hundred && length % CIFAR_100_RECORD == 0);
}

igd_file_kind igd_file_kind_of(const char *path)
{
    unsigned char head[HEAD];
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return IGD_FILE_UNKNOWN;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return IGD_FILE_UNKNOWN;
    const size_t size = fread(head, 1, sizeof(head), f);
    fclose(f);
    if (size == 0)
        return IGD_FILE_EMPTY;
    if (starts(head, size, "version https://git-lfs", 23))
        return IGD_FILE_LFS_POINTER;
    if (is_web_page(head, size))
        return IGD_FILE_WEB_PAGE;
    if (starts(head, size, "\x1f\x8b", 2))
        return kind_of_gzip(path);
    if (starts(head, size, "PK\x03\x04", 4))
        return kind_of_zip(path);
    if (starts(head, size, "\x93NUMPY", 6))
        return IGD_FILE_NPY;
    if (starts(head, size, "\x89HDF\r\n\x1a\n", 8))
        return IGD_FILE_HDF5;
    if (starts(head, size, "MATLAB ", 7))
        return IGD_FILE_MATLAB;
    if (starts(head, size, "PAR1", 4))
        return IGD_FILE_PARQUET;
    if (is_image(head, size))
        return IGD_FILE_IMAGE;
    if (is_tar(head, size))
        return IGD_FILE_TAR;
    if (is_cifar(path, (int64_t)info.st_size))
        return IGD_FILE_CIFAR;
    if (is_idx(head, size))
        return IGD_FILE_IDX;
    if (size > 1 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)
        return IGD_FILE_PICKLE;
    if (is_safetensors(head, size))
        return IGD_FILE_SAFETENSORS;
    return is_onnx(head, size, path) ? IGD_FILE_ONNX : IGD_FILE_UNKNOWN;
}

static igd_status refuse(const char *path, igd_file_kind kind, const char *advice,
                         const char *otherwise)
{
    if (kind == IGD_FILE_UNKNOWN || advice == NULL)
        return igd_error(IGD_EFORMAT, "%s: %s", path, otherwise);
    return igd_error(IGD_EFORMAT, "%s: %s; %s", path, kinds[kind].what, advice);
}

igd_status igd_file_kind_refuse_model(const char *path, const char *otherwise)
{
    const igd_file_kind kind = igd_file_kind_of(path);
    return refuse(path, kind, kinds[kind].model, otherwise);
}

igd_status igd_file_kind_refuse_data(const char *path, const char *otherwise)
{
    const igd_file_kind kind = igd_file_kind_of(path);
    return refuse(path, kind, kinds[kind].data, otherwise);
}
