// Labels: lists as people publish them, class folders and what lies among them, files of
// classes; and that nothing is guessed.
#include "fixture.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/lines.h"
#include "core/npy.h"
#include "data/class_map.h"
#include "data/label_list.h"
#include "data/label_text.h"
#include "data/name_order.h"
#include "igdef/dataset.h"

#define IMAGE TEST_SOURCE_DIR "/tests/golden/resample/grey.png"

// Makes the folders of a path below the test's own.
static void make_folders(const char *name)
{
    char part[256];
    for (const char *slash = strchr(name, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
        const char *path = fixture_path(part);
        assert_true(mkdir(path, 0777) == 0 || igd_path_is_folder(path));
    }
}

static void put(const char *name, const char *text)
{
    make_folders(name);
    assert_ok(igd_file_write(fixture_path(name), text, strlen(text)));
}

static void put_image(const char *name)
{
    unsigned char *bytes;
    size_t size;
    make_folders(name);
    assert_ok(igd_file_read(&bytes, &size, IMAGE, 1 << 20));
    assert_ok(igd_file_write(fixture_path(name), bytes, size));
    free(bytes);
}

// Labels of a data set, as "0 1 2".
static const char *labels_of(const igd_dataset *d)
{
    static char text[256];
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < igd_dataset_size(d); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d",
                                 i > 0 ? " " : "", igd_dataset_label(d, i));
    return text;
}

// Whether a remark holds `text`, and a warning's id where `id` is given.
static bool has_note(const igd_dataset *d, const char *id, const char *text)
{
    for (int i = 0; i < igd_dataset_num_notes(d); i++) {
        const char *warning, *note = igd_dataset_note(d, i, &warning);
        if (strstr(note, text) != NULL && (id == NULL) == (warning == NULL) &&
            (id == NULL || strcmp(id, warning) == 0))
            return true;
    }
    return false;
}

// --- A single label

static void test_labels__whole_numbers_and_names_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        igd_label_kind kind;
        int32_t number;
    } cases[] = {
        {"3", IGD_LABEL_NUMBER, 3},
        {"3.0", IGD_LABEL_NUMBER, 3},
        {"3.", IGD_LABEL_NUMBER, 3},
        {"3.000000000000000000e+00", IGD_LABEL_NUMBER, 3},
        {"1.200E1", IGD_LABEL_NUMBER, 12},
        {"1.2e+01", IGD_LABEL_NUMBER, 12},
        {"120e-1", IGD_LABEL_NUMBER, 12},
        {"0007", IGD_LABEL_NUMBER, 7},
        {"+4", IGD_LABEL_NUMBER, 4},
        {"0.0e0", IGD_LABEL_NUMBER, 0},
        {"99999999999999999999", IGD_LABEL_NUMBER, INT32_MAX},
        {"1e400", IGD_LABEL_NUMBER, INT32_MAX},
        {"-1", IGD_LABEL_BAD, 0},
        {"\xe2\x88\x92"
         "1",
         IGD_LABEL_BAD, 0},
        {"1.5", IGD_LABEL_BAD, 0},
        {"1,5", IGD_LABEL_BAD, 0},
        {"1e-1", IGD_LABEL_BAD, 0},
        {"1.2e", IGD_LABEL_BAD, 0},
        {"1/2", IGD_LABEL_BAD, 0},
        {"0x1F", IGD_LABEL_BAD, 0},
        {"nan", IGD_LABEL_BAD, 0},
        {"-inf", IGD_LABEL_BAD, 0},
        {"3 4", IGD_LABEL_BAD, 0},
        // as Python prints numbers in containers
        {"[3]", IGD_LABEL_BAD, 0},
        {"'3'", IGD_LABEL_BAD, 0},
        {"[1. 0. 0.]", IGD_LABEL_BAD, 0},
        {"tensor(3)", IGD_LABEL_BAD, 0},
        {"np.int64(3)", IGD_LABEL_BAD, 0},
        {"b'3'", IGD_LABEL_BAD, 0},
        {"cat(1)", IGD_LABEL_NAME, 0},
        {"[cat]", IGD_LABEL_NAME, 0},
        {"intrepid", IGD_LABEL_NAME, 0},
        {"", IGD_LABEL_BAD, 0},
        {"n01440764", IGD_LABEL_NAME, 0},
        {"golden retriever", IGD_LABEL_NAME, 0},
        {"3d printer", IGD_LABEL_NAME, 0},
        {"e4", IGD_LABEL_NAME, 0},
        {"nana", IGD_LABEL_NAME, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t number;
        const igd_label_kind kind = igd_label_read(&number, cases[i].text);
        if (kind != cases[i].kind || number != cases[i].number)
            fail_msg("'%s' is %d, %d", cases[i].text, kind, number);
    }
    assert_true(igd_is_bare_name("n01440764") && igd_is_bare_name("12"));
    assert_false(igd_is_bare_name("n0144076") || igd_is_bare_name("tench"));
    assert_true(igd_is_list_line("n01440764 tench", 7) &&
                igd_is_list_line("7,tench", 7) && igd_is_list_line("8\ttench", 7) &&
                igd_is_list_line("{\"7\":\"a\",", 7) && igd_is_list_line("n01440764", 7));
    assert_false(igd_is_list_line("tench, Tinca tinca", 7) || igd_is_list_line("7", 7) ||
                 igd_is_list_line("7 seas", 7) || igd_is_list_line("747, airliner", 7));
}

// --- Lists

// Opens the flat folder with a list of labels.
static igd_status open_list(igd_dataset **d, const char *text, const char *classes)
{
    igd_dataset_options o = igd_dataset_options_default();
    put("list.txt", text);
    o.labels = fixture_path("list.txt");
    o.classes = classes;
    return igd_dataset_open(d, fixture_path("lists"), &o);
}

static void make_lists_folder(void)
{
    put_image("lists/my image 1.png");
    put_image("lists/x,y.png");
    put_image("lists/z.png");
}

static void test_labels__lists_are_read_as_they_are(void **state)
{
    (void)state;
    make_lists_folder();
    static const struct {
        const char *text, *labels;
        int num_classes;
    } cases[] = {
        {"my image 1.png,0\nx,y.png,1\nz.png,2\n", "0 1 2", 3},
        {"my image 1.png\t0\nx,y.png\t1\nz.png\t2\n", "0 1 2", 3},
        {"z.png 2\nmy image 1.png 0\nx,y.png 1\n", "0 1 2", 3},
        {"my image 1.png , 0\nx,y.png ,  1\nz.png ,2\n", "0 1 2", 3},
        {"\"my image 1.png\",0\n\"x,y.png\",1\nz.png,2\n", "0 1 2", 3},
        {"filename,label\nmy image 1.png,0\n\"x,y.png\",1\nz.png,2\n", "0 1 2", 3},
        {"z.png,2.0\nx,y.png,1.000000000000000000e+00\nmy image 1.png,0.0\n", "0 1 2", 3},
        {"\"my image 1.png\",\"tench, Tinca tinca\"\n\"x,y.png\",cock\nz.png,\"a "
         "\"\"b\"\"\"\n",
         "2 1 0", 3},
        {"0\n1\n2\n", "0 1 2", 3},
        {"3.000e+00\n1.000e+00\n0.000e+00\n", "3 1 0", 4},
        {"golden retriever\ntabby cat\ngolden retriever\n", "0 1 0", 2},
        // Tiny ImageNet's val_annotations.txt
        {"my image 1.png\tn03444034\t0\t32\t44\t62\nx,y.png\tn04067472\t52\t55\t57\t59\n"
         "z.png\tn03444034\t4\t0\t60\t55\n",
         "0 1 0", 2},
        // Kaggle's LOC_val_solution.csv, with and without its heading
        {"ImageId,PredictionString\nz,n03995372 85 1 499 272 \nmy image 1,n03481172 131 "
         "0 "
         "499 254 n03481172 0 2 30 40\n\"x,y\",n03995372 1 2 3 4\n",
         "0 1 1", 2},
        {"z,n03995372 85 1 499 272 \nmy image 1,n03481172 131 0 499 254 "
         "\n\"x,y\",n03995372 1 "
         "2 3 4",
         "0 1 1", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset *d;
        const igd_status st = open_list(&d, cases[i].text, NULL);
        if (st != IGD_OK)
            fail_msg("case %zu: %s", i, igd_error_message());
        assert_string_equal(labels_of(d), cases[i].labels);
        assert_int_equal(igd_dataset_num_classes(d), cases[i].num_classes);
        igd_dataset_free(d);
    }
}

// A list for images without names, an array's: each line is a label.
static void test_labels__more_than_a_label_of_an_array_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"dog\n\"cat, tabby\"\ndog\n", NULL},
        {"0,dog\n1,cat\n2,dog\n", "list.txt: line 1: \"0,dog\" is more than a label"},
        {"dog\nimg1;4\ncat\n", "list.txt: line 2: \"img1;4\" is more than a label"},
        {"a.png,b,0\ndog\ncat\n", "list.txt: line 1: \"a.png,b,0\" is more than"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        igd_lines lines;
        igd_label_line *list = NULL;
        int64_t num = 0;
        bool named;
        snprintf(text, sizeof(text), "%s", cases[i].text);
        assert_ok(igd_lines_parse(&lines, text, strlen(text), "list.txt"));
        if (cases[i].message == NULL)
            assert_ok(igd_label_list(&list, &num, &named, &lines, "list.txt", NULL, 0));
        else
            assert_fails(igd_label_list(&list, &num, &named, &lines, "list.txt", NULL, 0),
                         IGD_EFORMAT, cases[i].message);
        free(list);
        igd_lines_free(&lines);
    }
}

static void test_labels__what_would_be_a_guess_is_refused(void **state)
{
    (void)state;
    make_lists_folder();
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"my image 1.png,-1\nx,y.png,1\nz.png,2\n",
         "list.txt: line 1: label \"-1\" is neither a whole number nor a class name"},
        {"my image 1.png,0\n\nx,y.png,1.5\nz.png,2\n", "list.txt: line 3: label \"1.5\""},
        {"my image 1.png,0\nx,y.png,\nz.png,2\n", "list.txt: line 2: label \"\""},
        {"my image 1.png,0\nx,y.png,1\nz.png,2,0\n",
         "list.txt: line 3: 3 fields, not a file's name and its label"},
        {"my image 1.png\t0\nx,y.png\t1\t7\nz.png\t2\n",
         "list.txt: line 2: 3 fields, not a file's name and its label"},
        {"my image 1.png\tn03444034\t0\t32\t44\nx,y.png\t1\nz.png\t2\n",
         "list.txt: line 1: 5 fields"},
        {"z.png 2 7\nmy image 1.png 0\nx,y.png 1\n",
         "list.txt: line 1: \"z.png 2\" is no image of the folder"},
        {"z.png,2\nx,y.png,cat\nmy image 1.png,0\n",
         "list.txt: line 2: label \"cat\" is a name, but line 1 has the number \"2\""},
        {"z.png,dog\nx,y.png,cat\nmy image 1.png,0\n",
         "list.txt: line 3: label \"0\" is a number, but line 1 has the name \"dog\""},
        {"cat\n1\n2\n", "list.txt: line 2: label \"1\" is a number, but line 1"},
        {"1\n2\nnan\n", "list.txt: line 3: label \"nan\""},
        {"z,n03995372 1 2 3 4 n03481172 1 2 3 4\nmy image 1,n03481172 1 2 3 4\n\"x,y\",b",
         NULL}, // boxes of two classes stay a name of their own
        {"z.png,tensor(2)\nx,y.png,tensor(1)\nmy image 1.png,tensor(0)\n",
         "list.txt: line 3: label \"tensor(0)\" is neither"},
        {"z.png;2\nmy image 1.png;0\nx,y.png;1\n",
         "list.txt: line 1: \"z.png;2\" is no image"},
        {"z.png|2\nx,y.png|1\nmy image 1.png|0\n",
         "list.txt: line 1: \"z.png|2\" is no image"},
        {"z:2\nx:1\nmy:0\n", "list.txt: line 1: \"z:2\" is no image"},
        {"other,label\nmy image 1.png,0\nx,y.png,1\nz.png,2\n",
         "line 1: \"other\" is no image"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset *d = NULL;
        const igd_status st = open_list(&d, cases[i].text, NULL);
        if (cases[i].message == NULL) {
            assert_int_equal(st, IGD_OK);
            assert_int_equal(igd_dataset_num_classes(d), 3);
        } else if (st != IGD_EFORMAT ||
                   strstr(igd_error_message(), cases[i].message) == NULL) {
            fail_msg("case %zu: %s", i, st == IGD_OK ? "opened" : igd_error_message());
        }
        igd_dataset_free(d);
    }
}

// --- Files of classes

static void check_map(const char *text, const char *name, int wanted)
{
    igd_class_map *m;
    assert_ok(igd_class_map_parse(&m, text, strlen(text), "c.txt"));
    const int c = igd_class_map_find(m, name);
    if (c != wanted)
        fail_msg("'%s' is class %d of '%s'", name, c, text);
    igd_class_map_free(m);
}

static void test_labels__files_of_classes_have_many_forms(void **state)
{
    (void)state;
    check_map("cat\ndog\n", "dog", 1);
    check_map("cat\ndog\n", "bird", -1);
    check_map("crane\ndog\ncrane\n", "crane", -2); // as in ImageNet
    check_map("n01440764 tench, Tinca tinca\nn01443537 goldfish\n", "n01443537", 1);
    check_map("n01440764 tench, Tinca tinca\nn01443537 goldfish\n", "tench, Tinca tinca",
              0);
    check_map("a\tcat\nb\tdog\n", "dog", 1);
    check_map("dog,1\ncat,0\n", "cat", 0);
    check_map("1\tdog\n0\tcat\n", "dog", 1);
    check_map("10\n9\n8\n", "8", 2); // numbers are names here
    check_map("[\"cat\", \"dog\"]", "dog", 1);
    check_map("{\"dog\": 1, \"cat\": 0}", "cat", 0);
    check_map("{\"1\": \"dog\", \"0\": \"cat\"}", "dog", 1);
    check_map("{\"0\": [\"n01440764\", \"tench\"], \"1\": [\"n01443537\", \"goldfish\"]}",
              "goldfish", 1);
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "c.txt: names 0 classes"},
        {"{\"a\": 2, \"b\": 0}", "c.txt: 'a' is class 2 of 2"},
        {"{\"a\": 0, \"b\": 0}", "c.txt: class 1 of 2 has no name"},
        {"[\"\"]", "c.txt: class 0 of 1 has no name"},
        {"{\"a\": \"b\"}", "c.txt: 'a' has no number"},
        {"[\"\"]", "c.txt: class 0 of 1 has no name"},
        {"[1, 2]", "c.txt: the name of class 0 is no text"},
        {"{\"0\": [1]}", "c.txt: a name of class 0 is no text"},
        {"{\"a\": 0.5}", "c.txt: 'a' is class 0.5 of 1"},
        {"{\"a\"", "c.txt"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        igd_class_map *m;
        assert_fails(igd_class_map_parse(&m, bad[i].text, strlen(bad[i].text), "c.txt"),
                     IGD_EFORMAT, bad[i].message);
        assert_null(m);
    }
    igd_class_map *m;
    const char *words = "n01440764 tench, Tinca tinca\nn01443537\tgoldfish\n";
    assert_ok(igd_class_map_parse(&m, words, strlen(words), "c.txt"));
    assert_string_equal(igd_class_map_name(m, 0), "tench, Tinca tinca");
    assert_string_equal(igd_class_map_name(m, 1), "goldfish");
    igd_class_map_free(m);
}

static igd_status compare(const char *const *a, const char *const *b, int64_t num)
{
    const igd_class_names of_a = {"a", a, num}, of_b = {"b", b, num};
    return igd_class_names_check(&of_a, &of_b, "so");
}

static void test_labels__the_same_names_in_another_order_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"ant", "bee", "cat", "bee"};
    static const char *const turned[] = {"ant", " cat\t", "bee", "bee "};
    static const char *const other[] = {"ant", "Cat", "bee", "bee"};
    static const char *const twice[] = {"ant", "cat", "bee", "cat"};
    static const char *const longer[] = {"ant", "cat", "bees", "bee"};
    static const char *const numbers[] = {"0", "1", "10", "2"};
    static const char *const counted[] = {"0", "1", "2", "10"};
    assert_ok(compare(names, names, 4));
    assert_fails(compare(names, turned, 4), IGD_EINVAL,
                 "a: class 1 is \"bee\", but \"cat\" in b, which has the same names in "
                 "another order; so");
    assert_ok(compare(names, other, 4));
    assert_ok(compare(names, twice, 4));
    assert_ok(compare(names, longer, 4));
    assert_ok(compare(numbers, counted, 4)); // these are no names
    const igd_class_names few = {"a", names, 3}, none = {"b", NULL, 0};
    const igd_class_names all = {"b", turned, 4};
    assert_ok(igd_class_names_check(&few, &all, "so"));
    assert_ok(igd_class_names_check(&none, &all, "so"));
    assert_ok(igd_class_names_check(&none, &none, "so"));
}

static void test_labels__names_are_looked_up_in_the_file_of_classes(void **state)
{
    (void)state;
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    put_image("mapped/cat/1.png");
    put_image("mapped/ant/1.png");
    put("mapped.txt", "dog\ncat\nant\n");
    put("wrong.txt", "dog\ncat\n");
    o.classes = fixture_path("mapped.txt");
    assert_ok(igd_dataset_open(&d, fixture_path("mapped"), &o));
    assert_string_equal(labels_of(d), "2 1"); // ant, cat
    assert_int_equal(igd_dataset_num_classes(d), 3);
    assert_string_equal(igd_dataset_class_name(d, 0), "dog");
    assert_ok(igd_dataset_check_classes(d, 3));
    assert_fails(igd_dataset_check_classes(d, 4), IGD_EINVAL,
                 "mapped.txt: names 3 classes, but the model has 4");
    igd_dataset_free(d);
    o.classes = fixture_path("wrong.txt");
    assert_fails(igd_dataset_open(&d, fixture_path("mapped"), &o), IGD_EINVAL,
                 "class folder \"ant\" is no class of");

    make_lists_folder();
    put("names.txt", "zebra\nyak\nx-ray\nwolf\n");
    char names[256]; // fixture_path()'s own lives for eight calls
    snprintf(names, sizeof(names), "%s", fixture_path("names.txt"));
    assert_ok(open_list(&d, "my image 1.png,yak\nx,y.png,wolf\nz.png,zebra\n", names));
    assert_string_equal(labels_of(d), "1 3 0");
    igd_dataset_free(d);
    assert_ok(open_list(&d, "my image 1.png,2\nx,y.png,3.0\nz.png,0\n", names));
    assert_string_equal(labels_of(d), "2 3 0"); // numbers stay the model's indices
    igd_dataset_free(d);
    assert_fails(open_list(&d, "my image 1.png,2\nx,y.png,4\nz.png,0\n", names),
                 IGD_EFORMAT, "line 2: label \"4\" is no class of");
    assert_fails(open_list(&d, "my image 1.png,yak\nx,y.png,1\nz.png,yak\n", names),
                 IGD_EFORMAT, "line 2: label \"1\" is no class of");
}

// --- Class folders

static igd_status open_folder(igd_dataset **d, const char *name, bool numeric,
                              bool partial)
{
    igd_dataset_options o = igd_dataset_options_default();
    o.numeric_order = numeric;
    o.partial = partial;
    return igd_dataset_open(d, fixture_path(name), &o);
}

static void test_labels__numbered_folders_are_in_byte_order_with_a_warning(void **state)
{
    (void)state;
    igd_dataset *d;
    char name[64];
    for (int c = 0; c < 12; c++) {
        snprintf(name, sizeof(name), "twelve/%d/x.png", c);
        put_image(name);
        snprintf(name, sizeof(name), "padded/%02d/x.png", c);
        put_image(name);
        snprintf(name, sizeof(name), "from1/%02d/x.png", c + 1);
        put_image(name);
    }
    assert_ok(open_folder(&d, "twelve", false, false));
    assert_string_equal(igd_dataset_class_name(d, 2), "10");
    assert_true(has_note(d, "class-order", "10 of 12 classes have another number"));
    assert_true(has_note(d, "class-order", "--class-order numeric"));
    igd_dataset_free(d);
    assert_ok(open_folder(&d, "twelve", true, false));
    assert_string_equal(igd_dataset_class_name(d, 2), "2");
    assert_string_equal(labels_of(d), "0 1 2 3 4 5 6 7 8 9 10 11");
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);
    assert_ok(open_folder(&d, "padded", false, false));
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);
    assert_ok(open_folder(&d, "from1", false, false));
    assert_true(has_note(d, "class-order", "01 is class 0 and 12 class 11"));
    igd_dataset_free(d);

    put_image("named/a/x.png");
    assert_fails(open_folder(&d, "named", true, false), IGD_EINVAL,
                 "named: class folders are not named by numbers");
    put_image("twice/1/x.png");
    put_image("twice/01/x.png");
    assert_fails(open_folder(&d, "twice", true, false), IGD_EFORMAT,
                 "class folders 01 and 1 have one number");
    put_image("some/3/x.png");
    put_image("some/10/x.png");
    assert_ok(open_folder(&d, "some", true, true)); // the model's indices
    assert_string_equal(labels_of(d), "3 10");
    igd_dataset_free(d);
}

// Opens a flat folder with labels alone, or with a list of names and labels.
static igd_status open_flat(igd_dataset **d, const char *folder, const char *text,
                            bool numeric)
{
    igd_dataset_options o = igd_dataset_options_default();
    put("flat.txt", text);
    o.labels = fixture_path("flat.txt");
    o.numeric_order = numeric;
    return igd_dataset_open(d, fixture_path(folder), &o);
}

static void test_labels__names_that_end_in_numbers_are_ordered_like_numbers(void **state)
{
    (void)state;
    igd_dataset *d;
    char name[64], list[512] = "";
    for (int c = 0; c < 12; c++) {
        snprintf(name, sizeof(name), "prefixed/class_%d/x.png", c);
        put_image(name);
        snprintf(name, sizeof(name), "named12/img%02d.png", c);
        put_image(name);
        snprintf(list + strlen(list), sizeof(list) - strlen(list),
                 "img%02d.png,class %d\n", c, c);
    }
    assert_ok(open_folder(&d, "prefixed", false, false));
    assert_true(
        has_note(d, "class-order", "class_10 is class 2, not class_2, and 10 of"));
    igd_dataset_free(d);
    assert_ok(open_folder(&d, "prefixed", true, false));
    assert_string_equal(igd_dataset_class_name(d, 2), "class_2");
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);

    assert_ok(open_flat(&d, "named12", list, false));
    assert_string_equal(labels_of(d), "0 1 4 5 6 7 8 9 10 11 2 3");
    assert_true(
        has_note(d, "class-order", "class 10 is class 2, not class 2, and 10 of"));
    igd_dataset_free(d);
    assert_ok(open_flat(&d, "named12", list, true));
    assert_string_equal(labels_of(d), "0 1 2 3 4 5 6 7 8 9 10 11");
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);
}

static void test_labels__alone_warn_where_images_have_two_orders(void **state)
{
    (void)state;
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    const int32_t labels[] = {0, 1, 2};
    put_image("unpadded/img1.png");
    put_image("unpadded/img9.png");
    put_image("unpadded/img10.png");
    put_image("even/img01.png");
    put_image("even/img09.png");
    put_image("even/img10.png");
    assert_ok(open_flat(&d, "unpadded", "0\n1\n2\n", false));
    assert_true(has_note(d, "class-order", "img10.png is image 1, not img9.png"));
    igd_dataset_free(d);
    assert_ok(open_flat(&d, "unpadded", "img1.png 0\nimg9.png 1\nimg10.png 2\n", false));
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);
    assert_ok(open_flat(&d, "even", "0\n1\n2\n", false));
    assert_false(has_note(d, "class-order", ""));
    igd_dataset_free(d);
    assert_ok(igd_npy_write(fixture_path("alone.npy"), IGD_NPY_I32, (const int64_t[]){3},
                            1, labels));
    o.labels = fixture_path("alone.npy");
    assert_ok(igd_dataset_open(&d, fixture_path("unpadded"), &o));
    assert_true(has_note(d, "class-order", "img10.png is image 1"));
    igd_dataset_free(d);
}

static void test_labels__what_is_no_class_is_passed_over(void **state)
{
    (void)state;
    igd_dataset *d;
    put_image("junk/b/._hidden.png");
    put_image("junk/b/2.png");
    put_image("junk/a/1.png");
    put_image("junk/__MACOSX/x.png");
    put_image("junk/@eaDir/x.png");
    put_image("junk/.git/x.png");
    put("junk/.DS_Store", "x");
    put("junk/empty/readme.txt", "x");
    put_image("junk/stray.png");
    assert_ok(open_folder(&d, "junk", false, false));
    assert_int_equal(igd_dataset_num_classes(d), 2);
    assert_string_equal(labels_of(d), "0 1");
    assert_true(has_note(d, NULL, "more hidden or left by a system"));
    assert_true(has_note(d, NULL, "passed over empty, a folder: without images"));
    assert_true(has_note(d, NULL, "passed over stray.png: beside the class folders"));
    assert_true(has_note(d, NULL, "classes: 0 a, 1 b"));
    igd_dataset_free(d);

    // Only junk beside images: a flat folder.
    put_image("flatjunk/1.png");
    put_image("flatjunk/__MACOSX/1.png");
    igd_dataset_options o = igd_dataset_options_default();
    put("one.txt", "0\n");
    o.labels = fixture_path("one.txt");
    assert_ok(igd_dataset_open(&d, fixture_path("flatjunk"), &o));
    assert_int_equal(igd_dataset_size(d), 1);
    igd_dataset_free(d);
}

static void test_labels__images_lie_at_any_depth_in_torchvisions_order(void **state)
{
    (void)state;
    // What sorted(os.walk(...)) of Python gives for these.
    static const char *const order[] = {"a/z.png", "a/b/2.png", "a/b-c/1.png",
                                        "a/b/d/0.png", "c/1.png"};
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    char name[64], ids[256] = "";
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        snprintf(name, sizeof(name), "deep/%s", order[i]);
        put_image(name);
        snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s\n", order[i]);
    }
    put("deep.txt", ids);
    o.ids = fixture_path("deep.txt");
    assert_ok(igd_dataset_open(&d, fixture_path("deep"), &o));
    assert_int_equal(igd_dataset_size(d), 5);
    for (int64_t i = 0; i < 5; i++)
        assert_int_equal(igd_dataset_index(d, i), i);
    assert_string_equal(labels_of(d), "0 0 0 0 1");
    igd_dataset_free(d);

    char link[256];
    snprintf(link, sizeof(link), "%s", fixture_path("deep/c/loop"));
    if (access(link, F_OK) != 0)
        assert_int_equal(symlink("..", link), 0);
    assert_fails(open_folder(&d, "deep", false, false), IGD_EFORMAT,
                 "more than 32 folders deep");
    assert_int_equal(unlink(link), 0);
}

static void test_labels__tiny_imagenets_folder_is_flat(void **state)
{
    (void)state;
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    put_image("tiny/images/val_0.JPEG");
    put_image("tiny/images/val_1.JPEG");
    put("tiny/val_annotations.txt", "val_0.JPEG\tn03444034\t0\t32\t44\t62\n"
                                    "val_1.JPEG\tn02058221\t0\t0\t63\t63\n");
    o.labels = fixture_path("tiny/val_annotations.txt");
    assert_ok(igd_dataset_open(&d, fixture_path("tiny"), &o));
    assert_string_equal(labels_of(d), "1 0");
    assert_string_equal(igd_dataset_class_name(d, 1), "n03444034");
    igd_dataset_free(d);
}

static void test_labels__digits_are_a_name_where_an_image_has_it(void **state)
{
    (void)state;
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    put_image("digits/a/0002.png");
    put_image("digits/a/0001.png");
    put_image("digits/b/0009.png");
    put("digits.txt", "0009\n1\n0001\n");
    o.ids = fixture_path("digits.txt");
    assert_ok(igd_dataset_open(&d, fixture_path("digits"), &o));
    assert_int_equal(igd_dataset_index(d, 0), 2);
    assert_int_equal(igd_dataset_index(d, 1), 1); // none is called 1
    assert_int_equal(igd_dataset_index(d, 2), 0);
    igd_dataset_free(d);
}

// --- Splits

static void test_labels__splits_are_no_classes(void **state)
{
    (void)state;
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    static const char *const images[] = {
        "caps/Train/cat/x.png",  "caps/Test/cat/x.png",        "caps/Val/cat/x.png",
        "words/train/cat/x.png", "words/validation/cat/x.png", "mixed/train/cat/x.png",
        "mixed/test/cat/x.png",  "mixed/extra/cat/x.png",      "cars/train/steam/x.png",
        "cars/bus/x.png",        "net/val/cat/x.png",          "net/test/x.png"};
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
        put_image(images[i]);
    assert_fails(open_folder(&d, "caps", false, false), IGD_EINVAL,
                 "caps: its folders are splits, no classes; give");
    assert_non_null(strstr(igd_error_message(), "caps/Test"));
    assert_fails(open_folder(&d, "words", false, false), IGD_EINVAL, "words/validation");
    assert_fails(open_folder(&d, "mixed", false, false), IGD_EINVAL, "mixed/test");
    o.split = "train";
    assert_fails(igd_dataset_open(&d, fixture_path("mixed"), &o), IGD_EINVAL,
                 "mixed/train");
    assert_fails(open_folder(&d, "net", false, false), IGD_EINVAL,
                 "net/test: images without class folders need labels;");
    assert_non_null(strstr(igd_error_message(), "net/val has class folders"));
    assert_ok(open_folder(&d, "cars", false, false)); // "train" is a class beside "bus"
    assert_string_equal(igd_dataset_class_name(d, 1), "train");
    igd_dataset_free(d);
}

// --- classes.txt in the data's folder

static igd_status open_named(igd_dataset **d, const char *folder, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/classes.txt", folder);
    put(path, text);
    return open_folder(d, folder, false, false);
}

static void test_labels__classes_txt_renames_and_does_not_reorder(void **state)
{
    (void)state;
    igd_dataset *d;
    put_image("pets/bird/x.png");
    put_image("pets/cat/x.png");
    put_image("pets/dog/x.png");
    static const struct {
        const char *text, *message; // NULL where names are taken
        const char *first;          // the first class
    } cases[] = {
        {"a bird\nmy cat\ndog\n", NULL, "a bird"},
        {"1 bird\n2 cat\n3 dog\n", NULL, "bird"},
        {"0,a bird\n1,a cat\n2,a dog\n", NULL, "a bird"},
        {"n01503061 fowl\nn02121808 puss\nn02084071 hound\n", NULL, "fowl"},
        {"1 cent\n2 cent\n5 cent\n", NULL, "1 cent"},
        {"dog\ncat\nbird\n", "line 3 names class 2 \"bird\", which is class 0 by", ""},
        {"horse\nbird\ncow\n", "line 2 names class 1 \"bird\", which is class 0 by", ""},
        {"0 dog\n1 cat\n2 bird\n", "line 3 names class 2 \"bird\"", ""},
        {"2 b\n1 a\n3 c\n", "line 1: \"2 b\" where number 1 is due; --classes", ""},
        {"cat\ncat\ncat\n", "classes 0 and 1 are both \"cat\"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].message != NULL) {
            assert_fails(open_named(&d, "pets", cases[i].text), IGD_EFORMAT,
                         cases[i].message);
            continue;
        }
        assert_ok(open_named(&d, "pets", cases[i].text));
        assert_string_equal(igd_dataset_class_name(d, 0), cases[i].first);
        igd_dataset_free(d);
    }

    put_image("synsets/n02012849/x.png");
    put_image("synsets/n03126707/x.png");
    assert_ok(open_named(&d, "synsets", "n02012849 crane\nn03126707 crane\n"));
    assert_true(has_note(d, NULL, "classes 0 and 1 are both \"crane\""));
    igd_dataset_free(d);
    assert_fails(open_named(&d, "synsets", "n03126707 lift\nn02012849 crane\n"),
                 IGD_EFORMAT, "line 2 names class 1 \"n02012849\", which is class 0");

    put_image("counted/1/x.png");
    put_image("counted/10/x.png");
    put_image("counted/2/x.png");
    assert_ok(open_named(&d, "counted", "one\nten\ntwo\n"));
    igd_dataset_free(d);
    assert_fails(open_named(&d, "counted", "1 a\n2 b\n3 c\n"), IGD_EFORMAT,
                 "line 2: \"2 b\" where number 10 is due");
}

// --- The number of classes

static igd_status check_count(const int32_t *labels, int num, int num_classes,
                              bool partial)
{
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    unsigned char pixels[64 * 3] = {0};
    assert_ok(igd_npy_write(fixture_path("n.npy"), IGD_NPY_U8,
                            (const int64_t[]){num, 3, 1, 1}, 4, pixels));
    assert_ok(igd_npy_write(fixture_path("ny.npy"), IGD_NPY_I32, (const int64_t[]){num},
                            1, labels));
    o.labels = fixture_path("ny.npy");
    o.partial = partial;
    assert_ok(igd_dataset_open(&d, fixture_path("n.npy"), &o));
    const igd_status st = igd_dataset_check_classes(d, num_classes);
    igd_dataset_free(d);
    return st;
}

static void test_labels__the_number_of_classes_must_be_the_models(void **state)
{
    (void)state;
    igd_dataset *d;
    put_image("two/a/x.png");
    put_image("two/c/x.png");
    assert_ok(open_folder(&d, "two", false, false));
    assert_ok(igd_dataset_check_classes(d, 2));
    assert_fails(igd_dataset_check_classes(d, 3), IGD_EINVAL,
                 "the data have 2 classes, but the model 3; --classes FILE");
    assert_fails(igd_dataset_check_classes(d, 1), IGD_EINVAL,
                 "the data have 2 classes, but the model 1");
    igd_dataset_free(d);
    assert_ok(open_folder(&d, "two", false, true));
    assert_ok(igd_dataset_check_classes(d, 3));
    assert_fails(igd_dataset_check_classes(d, 1), IGD_EINVAL, "but the model 1");
    assert_true(has_note(d, NULL, "classes, as indices of the model: 0 a, 1 c"));
    igd_dataset_free(d);
    put_image("single/a/x.png");
    assert_ok(open_folder(&d, "single", false, false));
    assert_ok(igd_dataset_check_classes(d, 3));
    assert_true(has_note(d, "one-class", "all images are taken for class 0"));
    igd_dataset_free(d);

    const int32_t ten[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, from_one[] = {1, 2, 3};
    assert_ok(check_count(ten, 10, 10, false));
    assert_ok(check_count(ten, 4, 10, false)); // numbers: the last may have no image
    assert_fails(check_count(ten, 10, 1000, false), IGD_EINVAL,
                 "the data have 10 classes, but the model 1000");
    assert_ok(check_count(ten, 10, 1000, true));
    assert_fails(check_count(from_one, 3, 3, false), IGD_EINVAL,
                 "labels count from 0, and these begin at 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_labels__whole_numbers_and_names_are_told_apart),
        TENSOR_TEST(test_labels__lists_are_read_as_they_are),
        TENSOR_TEST(test_labels__more_than_a_label_of_an_array_is_refused),
        TENSOR_TEST(test_labels__what_would_be_a_guess_is_refused),
        TENSOR_TEST(test_labels__files_of_classes_have_many_forms),
        TENSOR_TEST(test_labels__the_same_names_in_another_order_are_refused),
        TENSOR_TEST(test_labels__names_are_looked_up_in_the_file_of_classes),
        TENSOR_TEST(test_labels__numbered_folders_are_in_byte_order_with_a_warning),
        TENSOR_TEST(test_labels__names_that_end_in_numbers_are_ordered_like_numbers),
        TENSOR_TEST(test_labels__alone_warn_where_images_have_two_orders),
        TENSOR_TEST(test_labels__what_is_no_class_is_passed_over),
        TENSOR_TEST(test_labels__images_lie_at_any_depth_in_torchvisions_order),
        TENSOR_TEST(test_labels__tiny_imagenets_folder_is_flat),
        TENSOR_TEST(test_labels__digits_are_a_name_where_an_image_has_it),
        TENSOR_TEST(test_labels__splits_are_no_classes),
        TENSOR_TEST(test_labels__classes_txt_renames_and_does_not_reorder),
        TENSOR_TEST(test_labels__the_number_of_classes_must_be_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
