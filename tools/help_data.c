// What igdef help data prints: every form that images and labels may have, and a line of
// Python that makes each.
#include <string.h>

#include "cli.h"
#include "core.h"

typedef struct form {
    const char *title, *text, *python; // NULL for none
} form;

static const form forms[] = {
    {"Folder of class folders",
     "ROOT/CLASS/IMAGE.png, also deeper; JPEG, PNG and BMP, of one size or with "
     "--preprocess. Classes are numbered in byte order of the folders' names, as "
     "torchvision.datasets.ImageFolder does; --class-order numeric takes numbers in "
     "names in their order, of names in a list of labels, too. ROOT may hold train, val "
     "and test, of which "
     "--split takes one (test, else val). Hidden files, __MACOSX, @eaDir and folders "
     "without images are passed over.",
     "torchvision.utils.save_image(x[i], f'root/{classes[y[i]]}/{i:05}.png')"},
    {"Flat folder and a list of labels",
     "--data FOLDER --labels LIST: a line for each image, its name and its label between "
     "tabs, commas or blanks, \"quoted\" where a name holds one; or labels alone, in "
     "byte "
     "order of the images' names. A label is a whole number (3, 3.0, 3.000e+00), the "
     "model's index counted from 0, or a class name, in all lines the same of both. "
     "Tiny ImageNet's val_annotations.txt and Kaggle's LOC_val_solution.csv are such "
     "lists.",
     "open('list.csv', 'w').writelines(f'{n},{c}\\n' for n, c in zip(names, "
     "y.tolist()))"},
    {"NumPy arrays",
     "--data x.npy --labels y.npy, or a folder with images.npy and labels.npy. Images "
     "are "
     "uint8, or float32 in [0, 1], of shape [N, C, H, W], [N, H, W, C] or [N, H, W], C 1 "
     "or 3. Labels are uint8, int32 or int64 of shape [N]; a list as above does, too. "
     "--clamp-pixels takes float32 that a rounding put outside [0, 1].",
     "numpy.save('x.npy', x.float().numpy()); numpy.save('y.npy', y.numpy())"},
    {"CIFAR-10 and CIFAR-100",
     "The folder of the binary version (test_batch.bin, data_batch_1.bin ...; test.bin, "
     "train.bin) or of the Python version (cifar-10-batches-py, cifar-100-python), with "
     "some or all of the files. Of CIFAR-100 the fine labels are taken.",
     "torchvision.datasets.CIFAR10('data', download=True)"},
    {"IDX (MNIST, Fashion-MNIST)",
     "The folder with t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and train-..., "
     "plain or .gz.",
     "torchvision.datasets.MNIST('data', download=True)"},
    {"Single images",
     "igdef defend --model M --ranking R IMAGE...: JPEG, PNG or BMP, without labels.",
     "torchvision.utils.save_image(x[0], 'cat.png')"},
};
#define NUM_FORMS ((int)(sizeof(forms) / sizeof(forms[0])))

// In lines that the manual page may indent.
static const char *const rules =
    "Images reach the model as [N, C, H, W] in [0, 1]; --mean and --std put\n"
    "a normalisation in front of it. Image files become RGB, or grey where\n"
    "the model takes one channel.\n"
    "\n"
    "Classes: data whose number of classes is not the model's are refused.\n"
    "  --classes FILE  the model's classes in their order, in which names of\n"
    "                  folders and labels are looked up: a name a line (also\n"
    "                  'n01440764 tench'), 'name,number' lines, or JSON such\n"
    "                  as torchvision's class_to_idx\n"
    "  --partial       labels are the model's indices, though classes are\n"
    "                  missing\n"
    "  classes.txt     in the data's folder: names for the classes, a line\n"
    "                  each; it does not order them\n"
    "In Python, open('classes.txt', 'w').write('\\n'.join(dataset.classes))\n"
    "makes such a file.\n"
    "\n"
    "Choice: --split train|test (rank: train, else test), --ids FILE of\n"
    "names or indices, then --first I and --count N of those.\n";

void cli_help_data(FILE *f)
{
    fputs("What --data can be; recognised by its content.\n", f);
    for (int i = 0; i < NUM_FORMS; i++) {
        fprintf(f, "\n%s\n  ", forms[i].title);
        igd_wrap(f, forms[i].text, 2, 2);
        fputs("  PyTorch:\n    ", f);
        igd_wrap(f, forms[i].python, 4, 8); // breaks between brackets
    }
    fprintf(f, "\n%s", rules);
}

void cli_man_data(FILE *f)
{
    fprintf(f, ".SH DATA\n");
    for (int i = 0; i < NUM_FORMS; i++) {
        fprintf(f, ".SS ");
        cli_roff(f, forms[i].title);
        fputc('\n', f);
        cli_roff(f, forms[i].text);
        fprintf(f, "\n.PP\nIn PyTorch:\n");
        cli_roff(f, forms[i].python);
        fputc('\n', f);
    }
    fprintf(f, ".SS Pixels, classes and choice\n.nf\n");
    for (const char *line = rules; *line != '\0';) {
        const int length = (int)strcspn(line, "\n");
        char text[IGD_WIDTH + 1];
        snprintf(text, sizeof(text), "%.*s", length, line);
        cli_roff_line(f, text);
        line += length + (line[length] == '\n');
    }
    fprintf(f, ".fi\n");
}
