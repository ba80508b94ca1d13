// What igdef help data prints: every form that images and labels may have, and a line of
// Python that makes each.
#include "cli.h"

typedef struct form {
    const char *title, *text, *python; // NULL for none
} form;

static const form forms[] = {
    {"Folder of class folders",
     "ROOT/CLASS/IMAGE.png, also deeper; JPEG, PNG and BMP, of one size or with\n"
     "--preprocess. Classes are numbered in byte order of the folders' names, as\n"
     "torchvision.datasets.ImageFolder does; --class-order numeric takes folders named\n"
     "by numbers in the order of these. ROOT may hold train, val and test, of which\n"
     "--split takes one (test, else val). Hidden files, __MACOSX, @eaDir and folders\n"
     "without images are passed over.",
     "torchvision.utils.save_image(x[i], f'root/{classes[y[i]]}/{i:05}.png')"},
    {"Flat folder and a list of labels",
     "--data FOLDER --labels LIST: a line for each image, its name and its label "
     "between\n"
     "tabs, commas or blanks, \"quoted\" where a name holds one; or labels alone, in "
     "byte\n"
     "order of the images' names. A label is a whole number (3, 3.0, 3.000e+00), the\n"
     "model's index counted from 0, or a class name, in all lines the same of both.\n"
     "Tiny ImageNet's val_annotations.txt and Kaggle's LOC_val_solution.csv are such\n"
     "lists.",
     "open('list.csv', 'w').writelines(f'{n},{c}\\n' for n, c in zip(names, "
     "y.tolist()))"},
    {"NumPy arrays",
     "--data x.npy --labels y.npy, or a folder with images.npy and labels.npy. Images "
     "are\n"
     "uint8, or float32 in [0, 1], of shape [N, C, H, W], [N, H, W, C] or [N, H, W], C "
     "1\n"
     "or 3. Labels are uint8, int32 or int64 of shape [N]; a list as above does, too.\n"
     "--clamp-pixels takes float32 that a rounding put outside [0, 1].",
     "numpy.save('x.npy', x.float().numpy()); numpy.save('y.npy', y.numpy())"},
    {"CIFAR-10 and CIFAR-100",
     "The folder of the binary version (test_batch.bin, data_batch_1.bin ...; test.bin,\n"
     "train.bin) or of the Python version (cifar-10-batches-py, cifar-100-python), with\n"
     "some or all of the files. Of CIFAR-100 the fine labels are taken.",
     "torchvision.datasets.CIFAR10('data', download=True)  # data/cifar-10-batches-py"},
    {"IDX (MNIST, Fashion-MNIST)",
     "The folder with t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and train-...,\n"
     "plain or .gz.",
     "torchvision.datasets.MNIST('data', download=True)  # data/MNIST/raw"},
    {"Single images",
     "igdef defend --model M --ranking R IMAGE...: JPEG, PNG or BMP, without labels.",
     "torchvision.utils.save_image(x[0], 'cat.png')"},
};
#define NUM_FORMS ((int)(sizeof(forms) / sizeof(forms[0])))

static const char *const rules =
    "Images reach the model as [N, C, H, W] in [0, 1]; --mean and --std put a\n"
    "normalisation in front of it. Image files become RGB, or grey where the model "
    "takes\n"
    "one channel.\n"
    "\n"
    "Classes: data whose number of classes is not the model's are refused.\n"
    "  --classes FILE  the model's classes in their order, in which names of folders "
    "and\n"
    "                  labels are looked up: a name a line (also 'n01440764 tench'),\n"
    "                  'name,number' lines, or JSON such as torchvision's class_to_idx\n"
    "  --partial       labels are the model's indices, though classes are missing\n"
    "  classes.txt     in the data's folder: names for the classes, a line each\n"
    "In Python, open('classes.txt', 'w').write('\\n'.join(dataset.classes)) makes such "
    "a\n"
    "file.\n"
    "\n"
    "Choice: --split train|test (rank: train, else test), --ids FILE of names or "
    "indices,\n"
    "then --first I and --count N of those.\n";

void cli_help_data(FILE *f)
{
    fputs("What --data can be; recognised by its content.\n", f);
    for (int i = 0; i < NUM_FORMS; i++) {
        fprintf(f, "\n%s\n  ", forms[i].title);
        for (const char *c = forms[i].text; *c != '\0'; c++)
            fputs(*c == '\n' ? "\n  " : (char[]){*c, '\0'}, f);
        fprintf(f, "\n  PyTorch: %s\n", forms[i].python);
    }
    fprintf(f, "\n%s", rules);
}
