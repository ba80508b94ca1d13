// The plugin's entry: runs the action of a command.
#include "plugin.h"

#include <stdio.h>
#include <string.h>

#include "action.h"
#include "igdef/runtime.h"
#include "igdef/version.h"
#include "options_analyze.h"
#include "options_defend.h"
#include "options_eval.h"
#include "options_inspect.h"
#include "options_rank.h"
#include "options_series.h"
#include "options_tune.h"
#include "progress.h"

plugin_entry igdef_plugin;

static int print_versions(void)
{
    const int num = igd_num_cuda_devices();
    const char *cuda = igd_torch_cuda();
    printf("libtorch %s, %s\n", igd_torch_version(), igd_torch_path());
    printf("BLAS: %s\n", igd_torch_blas());
    printf("CUDA: %s\ndevices: cpu", cuda[0] == '\0' ? "none" : cuda);
    for (int i = 0; i < num; i++)
        printf(", cuda:%d", i);
    printf("\n");
    return CLI_DONE;
}

int igdef_plugin(const char *version, const char *command, const void *settings)
{
    static const struct {
        const char *name;
        int (*run)(const void *settings);
    } actions[] = {
        {"inspect", cmd_inspect},
        {"rank", cmd_rank},
        {"defend", cmd_defend},
        {"eval", cmd_eval},
        {"analyze shift", cmd_shift},
        {"analyze search-keep", cmd_search_keep},
        {"analyze landscape", cmd_landscape},
        {"analyze sweep", cmd_sweep},
        {"analyze ablation", cmd_ablation},
        {"analyze defenses", cmd_defenses},
        {"analyze radius", cmd_radius},
        {"analyze tune", cmd_tune},
    };

    if (strcmp(version, igd_version()) != 0) {
        fprintf(stderr, "igdef %s: version %s, but its plugin is %s\n", command, version,
                igd_version());
        return CLI_FAILED;
    }
    if (igd_torch_check() != IGD_OK) {
        fprintf(stderr, "igdef %s: %s\n", command, igd_error_message());
        return CLI_FAILED;
    }
    if (settings == NULL)
        return print_versions();
    const common_settings *common = settings; // every command's first member
    progress_begin(command, common->quiet);
    if (igd_set_num_threads(common->threads) != IGD_OK)
        return action_failed(common, IGD_EINVAL);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, command) == 0) {
            const int rc = actions[i].run(settings);
            progress_finish(rc == CLI_DONE);
            return rc;
        }
    fprintf(stderr, "igdef %s: not in this plugin\n", command);
    return CLI_FAILED;
}
