// Owns the masked defense as one TorchScript file.
#include "defend/mask_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/number.h"

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

// The sum of as many evaluations of `pass` on noisy copies as are smoothed over, or one
// on x itself; `pass` takes `act` and what is carried. Then their mean, all as `name`.
static int write_mean(char *out, size_t room, const char *name, const char *pass,
                      const char *carried, const igd_defense_options *o)
{
    if (o->sigma > 0.0)
        return igd_format(
            out, room,
            "    act%s = self._prefix(x + %.17g * torch.randn_like(x))\n"
            "    %s = %s\n"
            "    for j in range(%d):\n"
            "        act%s = self._prefix(x + %.17g * torch.randn_like(x))\n"
            "        %s = %s + %s\n"
            "    %s = %s * %.17g\n",
            carried, o->sigma, name, pass, o->num_smooth - 1, carried, o->sigma, name,
            name, pass, name, name, 1.0 / o->num_smooth);
    return snprintf(out, room,
                    "    act%s = self._prefix(x)\n"
                    "    %s = %s\n",
                    carried, name, pass);
}

// forward(x) in the words of defense_masked.c; numbers with all their digits, so that the
// file computes what igdef computes.
static igd_status write_source(char *out, size_t room, const igd_cut *cut,
                               const igd_defense_options *o)
{
    const char *carried = igd_cut_carried_text(cut);
    const char *turned = igd_cut_neuron_axis(cut) < igd_cut_batch_axis(cut) ? ".t()" : "";
    char axes[256], plain[256], masked[256], mean[1024];
    int wanted;

    axes_text(axes, sizeof(axes), cut);
    snprintf(plain, sizeof(plain), "self._suffix(act%s)", carried);
    snprintf(masked, sizeof(masked), "self._suffix(act * wide%s)", carried);
    if (o->one_pass) {
        write_mean(mean, sizeof(mean), "logits", masked, carried, o);
        wanted = snprintf(out, room,
                          "def forward(self, x):\n"
                          "    row = self.mask\n"
                          "    wide = row%s.reshape([%s])\n"
                          "%s"
                          "    return logits\n",
                          turned, axes, mean);
    } else {
        const int used = write_mean(mean, sizeof(mean), "first", plain, carried, o);
        if (o->sigma > 0.0 && used > 0 && (size_t)used < sizeof(mean))
            snprintf(mean + used, sizeof(mean) - (size_t)used,
                     "    act%s = self._prefix(x)\n", carried);
        wanted = igd_format(out, room,
                            "def forward(self, x):\n"
                            "%s"
                            "    pseudo = torch.softmax(first * %.17g, 1)\n"
                            "    row = torch.matmul(pseudo, self.mask)\n"
                            "    wide = row%s.reshape([%s])\n"
                            "    return %s\n",
                            mean, 1.0 / o->temperature, turned, axes, masked);
    }
    if (wanted < 0 || (size_t)wanted >= room || strlen(mean) + 1 == sizeof(mean) ||
        strlen(masked) + 1 == sizeof(masked))
        return igd_error(IGD_EINVAL, "the layer carries too many values to export");
    return IGD_OK;
}

igd_status igd_mask_export(const igd_cut *cut, const igd_tensor *mask,
                           const igd_defense_options *options, const char *path)
{
    char source[SOURCE_SIZE];

    if (mask == NULL)
        return igd_error(IGD_EINVAL, "there is no mask to export");
    IGD_TRY(write_source(source, sizeof(source), cut, options));
    return igd_cut_export(cut, source, (const char *const[]){"mask"}, &mask, 1, path);
}
