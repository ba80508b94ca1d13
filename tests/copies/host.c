// A program that opens two plugins, each with a libigdef of its own, and lets both work.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int num[2] = {0, 0};
    if (argc != 4)
        return 2;
    for (int k = 0; k < 2; k++) {
        const char *error = "";
        int (*layers)(const char *, const char **);
        void *plugin = dlopen(argv[2 + k], RTLD_NOW | RTLD_LOCAL);
        if (plugin == NULL)
            return fprintf(stderr, "%s\n", dlerror()), 1;
        *(void **)&layers = dlsym(plugin, "plugin_layers");
        num[k] = layers(argv[1], &error);
        if (num[k] < 1)
            return fprintf(stderr, "plugin %d: %d layers: %s\n", k, num[k], error), 1;
    }
    printf("%d and %d layers\n", num[0], num[1]);
    return num[0] != num[1];
}
