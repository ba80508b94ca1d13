// The defended model as one TorchScript file.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "cut.h"
#include "defend/defense_impl.h"

#define SOURCE_SIZE 4096

// The shape that lays row [N, K] along the activation's batch and neuron axes.
static void axes_text(char *out, size_t room, const igd_cut *cut)
{
    size_t used = 0;
    for (int i = 0; i < igd_cut_num_dims(cut); i++) {
        const char *length = i == igd_cut_batch_axis(cut)    ? "row.size(0)"
                             : i == igd_cut_neuron_axis(cut) ? "row.size(1)"
                                                             : "1";
        used +=
            (size_t)snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", length);
    }
}

// forward(x) in the words of defense.c; numbers with all their digits, so that the file
// computes what igdef computes.
static igd_status write_source(char *out, size_t room, const igd_cut *cut,
                               const igd_defense_options *o)
{
    const char *carried = igd_cut_carried_text(cut);
    const bool swapped = igd_cut_neuron_axis(cut) < igd_cut_batch_axis(cut);
    char axes[256], first[1024];

    axes_text(axes, sizeof(axes), cut);
    if (o->sigma > 0.0)
        snprintf(first, sizeof(first),
                 "    act%s = self._prefix(x + %.17g * torch.randn_like(x))\n"
                 "    first = self._suffix(act%s)\n"
                 "    for j in range(%d):\n"
                 "        act%s = self._prefix(x + %.17g * torch.randn_like(x))\n"
                 "        first = first + self._suffix(act%s)\n"
                 "    first = first * %.17g\n"
                 "    act%s = self._prefix(x)\n",
                 carried, o->sigma, carried, o->num_smooth - 1, carried, o->sigma,
                 carried, 1.0 / o->num_smooth, carried);
    else
        snprintf(first, sizeof(first),
                 "    act%s = self._prefix(x)\n"
                 "    first = self._suffix(act%s)\n",
                 carried, carried);
    const int wanted =
        snprintf(out, room,
                 "def forward(self, x):\n"
                 "%s"
                 "    pseudo = torch.softmax(first * %.17g, 1)\n"
                 "    row = torch.matmul(pseudo, self.mask)\n"
                 "    wide = row%s.reshape([%s])\n"
                 "    return self._suffix(act * wide%s)\n",
                 first, 1.0 / o->temperature, swapped ? ".t()" : "", axes, carried);
    if (wanted < 0 || (size_t)wanted >= room)
        return igd_error(IGD_EINVAL, "the layer carries too many values to export");
    return IGD_OK;
}

igd_status igd_defense_export(const igd_defense *d, const char *path)
{
    char source[SOURCE_SIZE];
    const igd_tensor *mask = igd_defense_mask(d);

    IGD_TRY(write_source(source, sizeof(source), igd_defense_cut(d),
                         igd_defense_settings(d)));
    return igd_cut_export(igd_defense_cut(d), source, (const char *const[]){"mask"},
                          &mask, 1, path);
}
