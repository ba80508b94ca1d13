// A program of someone else's: what the installed library offers can be linked and runs.
#include <igdef.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    const float pixels[] = {0.0f, 0.25f, 0.5f, 1.0f};
    const int32_t labels[] = {0, 1};
    const int64_t shape[3] = {1, 1, 2};
    igd_dataset *data = NULL;
    igd_model *model = NULL;

    if (igd_set_num_threads(1) != IGD_OK ||
        igd_dataset_from_floats(&data, pixels, labels, 2, shape, 2) != IGD_OK) {
        fprintf(stderr, "consumer: %s\n", igd_error_message());
        return 1;
    }
    printf("igdef %s, %d images\n", igd_version(), (int)igd_dataset_size(data));
    igd_dataset_free(data);
    // Draws in libtorch, and shows that a failure crosses the C boundary as a status.
    if (igd_model_load(&model, "/nonexistent.pt", shape, NULL) != IGD_EIO ||
        model != NULL)
        return 1;
    printf("%s\n", igd_error_message());
    return strcmp(igd_version(), IGDEF_VERSION) != 0;
}
