// Owns the key "anytime" of results and its lines in the report.
#include "result/result_anytime.h"

#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "result/anytime.h"

// By igd_stop: in the file, and as the end of a sentence.
static const char *const stops[][2] = {
    [IGD_STOP_NONE] = {"end", "all images were taken"},
    [IGD_STOP_BUDGET] = {"budget", "the budget was used up"},
    [IGD_STOP_WIDTH] = {"width", "the interval was narrow enough"},
    [IGD_STOP_DIFFERENCE] = {"difference", "the difference was found"},
    [IGD_STOP_INTERRUPTED] = {"interruption", "it was interrupted"},
};
#define NUM_STOPS ((int)(sizeof(stops) / sizeof(stops[0])))

static igd_interval interval(const igd_result *r, double accuracy, int64_t planned)
{
    const int64_t n = r->flags.num_images;
    return igd_anytime_of((int64_t)(accuracy * (double)n + 0.5), n, planned);
}

static cJSON *accuracy_json(const igd_result *r, double accuracy)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_item(o, "planned", igd_interval_json(interval(r, accuracy, r->planned)));
    igd_json_add_item(o, "population", igd_interval_json(interval(r, accuracy, 0)));
    return o;
}

static igd_interval difference(const igd_result *r)
{
    return igd_anytime_of_difference(r->won, r->lost, r->flags.num_images);
}

cJSON *igd_result_anytime_json(const igd_result *r)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "order", "random");
    igd_json_add_number(o, "images", (double)r->flags.num_images);
    igd_json_add_number(o, "planned", (double)r->planned);
    igd_json_add_string(o, "stopped_by", stops[r->stop][0]);
    igd_json_add_string(o, "method", IGD_ANYTIME_METHOD);
    igd_json_add_number(o, "level", IGD_INTERVAL_LEVEL);
    igd_json_add_item(o, "clean_acc", accuracy_json(r, r->clean_acc));
    igd_json_add_item(o, "worst_acc", accuracy_json(r, r->worst_acc));
    cJSON *attacks = igd_json_add_array(o, "attacks");
    for (int k = 0; k < r->num_entries; k++)
        igd_json_append(attacks, accuracy_json(r, igd_entry_accuracy(r, &r->entries[k],
                                                                     IGD_ONE_SHOT)));
    if (r->compared) {
        cJSON *d = igd_json_add_object(o, "difference");
        igd_json_add_number(d, "won", (double)r->won);
        igd_json_add_number(d, "lost", (double)r->lost);
        igd_json_add_number(d, "difference",
                            (double)(r->won - r->lost) / (double)r->flags.num_images);
        igd_json_add_item(d, "interval", igd_interval_json(difference(r)));
    }
    return o;
}

static void print_line(FILE *f, const igd_result *r, const char *name, double accuracy)
{
    const igd_interval all = interval(r, accuracy, r->planned);
    const igd_interval kind = interval(r, accuracy, 0);
    igd_print(f, "  %-22s [%6.2f, %6.2f] %%   [%6.2f, %6.2f] %%\n", name, 100.0 * all.low,
              100.0 * all.high, 100.0 * kind.low, 100.0 * kind.high);
}

void igd_result_anytime_print(FILE *f, const igd_result *r)
{
    char heading[48];
    igd_print(
        f,
        "\nRandom order: %lld of %lld images, then %s. The intervals above are for "
        "a number of images fixed beforehand; these hold whenever one stops to look "
        "(confidence sequences, 95 %%):\n",
        (long long)r->flags.num_images, (long long)r->planned, stops[r->stop][1]);
    snprintf(heading, sizeof(heading), "all %lld images", (long long)r->planned);
    fprintf(f, "  %-22s %-20s   %s\n", r->flags.votes != NULL ? "by the first draw" : "",
            heading, "images of this kind");
    print_line(f, r, "clean", r->clean_acc);
    if (r->num_entries > 0)
        print_line(f, r, igd_result_union_name(r), r->worst_acc);
    if (r->compared) {
        const igd_interval d = difference(r);
        igd_print(f,
                  "Against the result to compare with: %+.2f points, %lld images won and "
                  "%lld lost, [%+.2f, %+.2f] on images of this kind: %s.\n",
                  100.0 * (double)(r->won - r->lost) / (double)r->flags.num_images,
                  (long long)r->won, (long long)r->lost, 100.0 * d.low, 100.0 * d.high,
                  d.low > 0.0    ? "better"
                  : d.high < 0.0 ? "worse"
                                 : "not decided");
    }
    fputc('\n', f);
}

igd_status igd_result_anytime_read(igd_result *r, const cJSON *json, int64_t num_images,
                                   const char *path)
{
    const cJSON *o, *difference_json;
    const char *stop;
    if (!cJSON_HasObjectItem(json, "anytime"))
        return IGD_OK;
    IGD_TRY(igd_json_object(&o, json, "anytime", path));
    IGD_TRY(igd_json_integer(&r->planned, o, "planned", path));
    IGD_TRY(igd_json_string(&stop, o, "stopped_by", path));
    int k = 0;
    while (k < NUM_STOPS && strcmp(stop, stops[k][0]) != 0)
        k++;
    if (k == NUM_STOPS)
        return igd_error(IGD_EFORMAT, "%s: stopped by '%.40s', which is unknown", path,
                         stop);
    r->stop = (igd_stop)k;
    if (r->planned < num_images || r->planned > INT32_MAX)
        return igd_error(IGD_EFORMAT, "%s: %lld images of %lld planned", path,
                         (long long)num_images, (long long)r->planned);
    if (!cJSON_HasObjectItem(o, "difference"))
        return IGD_OK;
    r->compared = true;
    IGD_TRY(igd_json_object(&difference_json, o, "difference", path));
    IGD_TRY(igd_json_integer(&r->won, difference_json, "won", path));
    IGD_TRY(igd_json_integer(&r->lost, difference_json, "lost", path));
    if (r->won < 0 || r->lost < 0 || r->won > num_images - r->lost)
        return igd_error(IGD_EFORMAT, "%s: %lld images won and %lld lost of %lld", path,
                         (long long)r->won, (long long)r->lost, (long long)num_images);
    return IGD_OK;
}
