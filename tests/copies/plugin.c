// A plugin of someone else's program that holds a libigdef of its own.
#include <igdef.h>

int plugin_layers(const char *path, const char **error);

// Number of the model's layers if it can be cut at the last of them, -1 on failure.
__attribute__((visibility("default"))) int plugin_layers(const char *path,
                                                         const char **error)
{
    const int64_t shape[3] = {1, 28, 28};
    const igd_layer *layers;
    int num = -1;
    igd_model *model = NULL;
    igd_ranking *ranking = NULL;
    if (igd_model_load(&model, path, shape, NULL) != IGD_OK ||
        igd_model_layers(model, &layers, &num) != IGD_OK ||
        igd_ranking_random(&ranking, model, "penultimate", NULL, 0) != IGD_OK)
        num = -1;
    *error = igd_error_message();
    igd_ranking_free(ranking);
    igd_model_free(model);
    return num;
}
