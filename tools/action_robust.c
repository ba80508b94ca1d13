// Owns which of a result's numbers is its robust accuracy.
#include "action_robust.h"

#include <string.h>

#include "core.h"

typedef struct robust {
    double accuracy, low, high;
    const char *kind; // of accuracy
    const char *interval;
} robust;

// Of a run that looked for its end, the sequence that holds whenever one stops; of a
// random classifier, the expectation over its draws.
static igd_status find(robust *out, const igd_result *r)
{
    const char *text = igd_result_json(r);
    cJSON *json;
    IGD_TRY(igd_json_parse(&json, text, strlen(text), "the result"));
    const cJSON *random = igd_get(igd_get(json, "randomised"), "worst");
    const cJSON *anytime = igd_get(igd_get(json, "anytime"), "worst_acc");
    const cJSON *intervals = igd_get(json, "intervals");
    robust v = {igd_number_of(json, "worst_acc"), igd_end_of(intervals, "worst_acc", 0),
                igd_end_of(intervals, "worst_acc", 1), "robust accuracy",
                "95 % interval"};
    if (igd_result_num_planned(r) > igd_result_num_images(r)) {
        v.low = igd_end_of(anytime, "population", 0);
        v.high = igd_end_of(anytime, "population", 1);
        v.interval = "95 % confidence sequence";
    } else if (cJSON_HasObjectItem(random, "expected_acc")) {
        v.accuracy = igd_number_of(random, "expected_acc");
        v.low = igd_end_of(random, "expected_interval", 0);
        v.high = igd_end_of(random, "expected_interval", 1);
        v.kind = "expected robust accuracy";
    }
    cJSON_Delete(json);
    *out = v;
    return IGD_OK;
}

igd_status robust_check(bool *enough, char text[ROBUST_TEXT_MAX], const igd_result *r,
                        double least, bool by_point)
{
    robust v;
    IGD_TRY(find(&v, r));
    *enough = (by_point ? v.accuracy : v.low) >= least;
    char number[32];
    igd_number_shortest(number, sizeof(number), least);
    igd_format(text, ROBUST_TEXT_MAX,
               "%s %.4f on %lld images, %s [%.4f, %.4f]: %s is %s --min-robust %s",
               v.kind, v.accuracy, (long long)igd_result_num_images(r), v.interval, v.low,
               v.high, by_point ? "the point" : "its lower end",
               *enough ? "not below" : "below", number);
    return IGD_OK;
}
