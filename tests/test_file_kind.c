// What people offer as a model or as data: the message says what it is and what to do.
#include "fixture.h"

#include <zip.h>
#include <zlib.h>

#include "core/archive.h"
#include "core/file.h"
#include "core/file_kind.h"
#include "igdef/dataset.h"

// A zip archive with empty entries of these names, NULL-ended.
static const char *put_zip(const char *name, const char *const *entries)
{
    const char *path = fixture_path(name);
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(z);
    for (; *entries != NULL; entries++)
        assert_true(zip_file_add(z, *entries, zip_source_buffer(z, "x", 1, 0), 0) >= 0);
    assert_int_equal(zip_close(z), 0);
    return path;
}

static const char *put(const char *name, const void *bytes, size_t size)
{
    const char *path = fixture_path(name);
    assert_ok(igd_file_write(path, bytes, size));
    return path;
}

static const char *put_tar(const char *name, bool compressed)
{
    static char tar[1024];
    memcpy(tar, "a.png", 5);
    memcpy(tar + 257, "ustar", 5);
    const char *path = fixture_path(name);
    gzFile f = gzopen(path, compressed ? "wb" : "wbT"); // T: as it is
    assert_int_equal(gzwrite(f, tar, sizeof(tar)), sizeof(tar));
    assert_int_equal(gzclose(f), Z_OK);
    return path;
}

#define TEXT(name, bytes) put(name, bytes, sizeof(bytes) - 1)

// What is said of a file as a model and as data.
static void check(const char *path, const char *model, const char *data)
{
    char file[256];
    igd_dataset *d = NULL;
    snprintf(file, sizeof(file), "%s", path);
    if (model != NULL)
        assert_fails(igd_archive_check(file), IGD_EFORMAT, model);
    if (data != NULL)
        assert_fails(igd_dataset_open(&d, file, NULL), IGD_EFORMAT, data);
    assert_null(d);
}

static void test_file_kind__every_kind_says_what_to_do(void **state)
{
    (void)state;
    static unsigned char cifar[2 * 3073];
    static const char *const weights[] = {"m/data.pkl", "m/data/0", NULL};
    static const char *const exported[] = {"m/archive_format", "m/models/model.json",
                                           NULL};
    static const char *const old_exported[] = {"serialized_exported_program.json", NULL};
    static const char *const arrays[] = {"x.npy", "y.npy", NULL};
    static const char *const other[] = {"readme.txt", NULL};
    static const char *const program[] = {"m/data.pkl", "m/constants.pkl", NULL};
    check(put_zip("w.pth", weights),
          "w.pth: holds weights, not a program; scripts/export_torchscript.py makes",
          "no data set");
    check(TEXT("old.pth", "\x80\x02}q\x01."), "holds weights, not a program; scripts/",
          "is given as the folder");
    check(TEXT("m.safetensors", "\x10\0\0\0\0\0\0\0{\"a\":1}       "),
          "weights (safetensors), not a program; scripts/export", "no data set");
    check(put_zip("m.pt2", exported), "exported program of PyTorch 2 (.pt2); in Python",
          "no data set");
    check(put_zip("old.pt2", old_exported), "torch.export.load(path).module()", NULL);
    check(TEXT("m.onnx", "\x08\x07\x12\x07pytorch\x1a\x05"), "is an ONNX model; export",
          "is an ONNX model");
    check(TEXT("l.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
          "Git LFS pointer, not the file itself; 'git lfs pull'", "'git lfs pull'");
    check(TEXT("h.pt", "\n <!DOCTYPE HTML><title>Drive</title>"),
          "is a web page (HTML); the download met a page", "is a web page");
    check(put_tar("c.tar.gz", true), "compressed tar archive (.tar.gz); unpack",
          "unpack it and give the folder");
    check(put_tar("c.tar", false), "is a tar archive; unpack", "give the folder");
    check(put("test_batch.bin", cifar, sizeof(cifar)), "one file of CIFAR's binary",
          "one file of CIFAR's binary version; give the folder that holds it");
    check(TEXT("t10k-images-idx3-ubyte", "\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1x"),
          "one file of an IDX", "give the folder that holds images and labels");
    check(put_zip("a.npz", arrays), "archive of NumPy arrays (.npz)",
          "z = numpy.load(path) and numpy.save('x.npy', z[name])");
    check(put_zip("z.zip", other), "is a zip archive; unpack", "is a zip archive");
    check(put_zip("m.pt", program), NULL, "is a TorchScript file; it belongs to --model");
    check(TEXT("k.h5", "\x89HDF\r\n\x1a\n...."), "is an HDF5 file", "h5py.File(path)");
    check(TEXT("s.mat", "MATLAB 5.0 MAT-file"), "MATLAB", "scipy.io.loadmat(path)");
    check(TEXT("p.parquet", "PAR1...."), "Parquet", "class folders, or as .npy");
    check(TEXT("i.png", "\x89PNG\r\n\x1a\n"), "single image", "takes single ones");
    check(TEXT("i.tif", "II*\0\10\0\0\0\0\0\0\0"), "single image", "takes single ones");
    check(TEXT("n.npy", "\x93NUMPY\x01"), "is a NumPy array (.npy)", NULL);
    check(TEXT("e.pt", ""), "e.pt: is empty; copy or download it again", "is empty");
    check(TEXT("q.pt", "what is this"), "q.pt: not a TorchScript file, or truncated",
          "q.pt: neither a folder nor an .npy file");
}

static void test_file_kind__a_folder_too_high_is_named(void **state)
{
    (void)state;
    char command[512];
    igd_dataset *d;
    snprintf(command, sizeof(command),
             "mkdir -p %s/FashionMNIST/raw && touch "
             "%s/FashionMNIST/raw/t10k-images-idx3-ubyte",
             fixture_path("torchvision"), fixture_path("torchvision"));
    assert_int_equal(system(command), 0);
    assert_fails(igd_dataset_open(&d, fixture_path("torchvision"), NULL), IGD_EFORMAT,
                 "torchvision: no data set itself; give ");
    assert_non_null(strstr(igd_error_message(), "torchvision/FashionMNIST/raw"));
    assert_fails(igd_dataset_open(&d, fixture_path("torchvision/FashionMNIST"), NULL),
                 IGD_EFORMAT, "FashionMNIST/raw");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_file_kind__every_kind_says_what_to_do),
        TENSOR_TEST(test_file_kind__a_folder_too_high_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
