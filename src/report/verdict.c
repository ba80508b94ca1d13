// Owns the claims of a report.
#include "report/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/number.h"
#include "report/command.h"

// --- several comparisons

typedef struct ranked {
    double p;
    int place;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

// Source: Holm, Scandinavian Journal of Statistics 6, 1979.
void igd_holm(double *p, int num)
{
    ranked order[IGD_REPORT_MAX_RESULTS];
    double most = 0.0;
    for (int k = 0; k < num; k++)
        order[k] = (ranked){p[k], k};
    qsort(order, (size_t)num, sizeof(*order), by_p);
    for (int k = 0; k < num; k++) {
        most = fmax(most, fmin(1.0, order[k].p * (num - k)));
        p[order[k].place] = most;
    }
}

// --- what was run

const char *igd_page_union_name(const igd_inputs *in)
{
    const char *name = "worst case";
    for (int k = 0; k < in->num_results; k++)
        if (strcmp(igd_union_name(in->result[k].json), name) != 0)
            name = igd_union_name(in->result[k].json);
    return name;
}

static unsigned evidence_of(const cJSON *result)
{
    unsigned out = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(result, "attacks"))
    {
        if (strcmp(igd_string_of(item, "target"), "transfer") == 0)
            out |= IGD_EVIDENCE_TRANSFER;
        else if (cJSON_IsTrue(igd_get(item, "black_box")))
            out |= IGD_EVIDENCE_BLACK_BOX;
        else if (cJSON_IsTrue(igd_get(item, "white_box")))
            out |= IGD_EVIDENCE_ADAPTIVE;
    }
    return out;
}

static igd_finding find(const igd_verdict *v, const igd_inputs *in)
{
    if (v->why[0] != '\0')
        return IGD_FINDING_DIFFERENTLY;
    if (v->corrected >= IGD_SIGNIFICANT)
        return IGD_FINDING_CHANCE;
    if (in->num_rows == 0)
        return IGD_FINDING_UNATTACKED;
    if (v->evidence != IGD_EVIDENCE_ALL)
        return IGD_FINDING_WEAK;
    return v->paired.difference > 0.0 ? IGD_FINDING_HELPS : IGD_FINDING_HARMS;
}

igd_status igd_verdicts_make(igd_verdict out[IGD_REPORT_MAX_RESULTS],
                             const igd_inputs *in)
{
    double p[IGD_REPORT_MAX_RESULTS];
    int of[IGD_REPORT_MAX_RESULTS], num = 0;
    for (int k = 0; k < in->num_results; k++) {
        igd_verdict *v = &out[k];
        *v = (igd_verdict){.evidence = evidence_of(in->result[k].json)};
        if (in->result[k].base < 0)
            continue;
        const bool split = in->result[k].split || in->result[in->result[k].base].split;
        v->finding = split ? IGD_FINDING_SPLIT : IGD_FINDING_UNPAIRED;
        if (split || !igd_inputs_paired(&v->paired, in, k, IGD_ROW_WORST))
            continue;
        bool differ;
        IGD_TRY(igd_inputs_compare_attacks(&differ, v->why, sizeof(v->why), in, k));
        if (differ) {
            v->finding = IGD_FINDING_DIFFERENTLY;
        } else {
            p[num] = v->paired.p;
            of[num++] = k;
        }
    }
    igd_holm(p, num);
    for (int i = 0; i < num; i++) {
        igd_verdict *v = &out[of[i]];
        v->corrected = p[i];
        v->num_compared = num;
        v->finding = find(v, in);
    }
    return IGD_OK;
}

// --- saying it

static void put_text(const igd_saying *to, const char *text)
{
    if (to->html)
        igd_put(to->f, text);
    else
        igd_put_plain(to->f, text);
}

// Words of this file, without special characters: a tilde is a space that keeps together.
static void say(const igd_saying *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const igd_saying *to, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (const char *c = text; *c != '\0'; c++)
        if (*c == '~')
            fputs(to->html ? "&#8239;" : " ", to->f);
        else
            fputc(*c, to->f);
}

// Rounded alike on page and terminal, which has a plain minus sign.
static void say_number(const igd_saying *to, double v)
{
    static const char minus[] = "\xe2\x88\x92";
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, 100.0 * v, to->decimals);
    const bool plain = !to->html && strncmp(text, minus, sizeof(minus) - 1) == 0;
    fputs(plain ? "-" : "", to->f);
    fputs(plain ? text + sizeof(minus) - 1 : text, to->f);
}

static void say_percent(const igd_saying *to, double v)
{
    say_number(to, v);
    fputs(to->html ? IGD_THIN_SPACE "%" : " %", to->f);
}

static void say_points(const igd_saying *to, double v)
{
    fputs(v > 0.0 ? "+" : "", to->f);
    say_number(to, v);
}

static void say_p(const igd_saying *to, double p)
{
    if (p < 0.001)
        fputs(to->html ? "p&#8239;&lt;" IGD_THIN_SPACE "0.001" : "p < 0.001", to->f);
    else
        say(to, "p~=~%.*f", p < 0.1 ? 3 : 2, p);
}

static void strong(const igd_saying *to, const char *text)
{
    fputs(to->html ? "<strong>" : "", to->f);
    put_text(to, text);
    fputs(to->html ? "</strong>" : "", to->f);
}

static void say_paired(const igd_saying *to, const igd_inputs *in, const igd_verdict *v,
                       int k)
{
    const igd_paired *t = &v->paired;
    say(to, igd_inputs_random(in, k) ? "; by the majority of its draws, a difference of "
                                     : ": a difference of ");
    say_points(to, t->difference);
    say(to, " points (95~%% interval ");
    say_points(to, t->low);
    say(to, " to ");
    say_points(to, t->high);
    say(to, "; McNemar ");
    say_p(to, t->p);
    if (v->num_compared > 1) {
        say(to, ", for %d comparisons ", v->num_compared);
        say_p(to, v->corrected);
    }
    say(to, "). ");
}

// The kinds of attacks that are missing, in words.
static void say_missing(const igd_saying *to, unsigned evidence)
{
    static const struct {
        unsigned bit;
        const char *name;
    } kinds[] = {{IGD_EVIDENCE_TRANSFER, "transferred attack"},
                 {IGD_EVIDENCE_BLACK_BOX, "attack without gradients"},
                 {IGD_EVIDENCE_ADAPTIVE, "attack through the whole defense"}};
    int missing = 0, said = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        missing += (evidence & kinds[i].bit) == 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((evidence & kinds[i].bit) == 0) {
            say(to, "%sno %s",
                said == 0             ? ""
                : said == missing - 1 ? " and "
                                      : ", ",
                kinds[i].name);
            said++;
        }
    say(to, " was made");
}

// The first command of the result, with the whole ensemble for its attacks and another
// file for its result; for a command without a list of attacks, only what to add.
static void say_command(const igd_saying *to, const cJSON *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const bool whole =
        f != NULL && igd_command_with(f, igd_string_of(result, "command"), "worst-case");
    if (f == NULL || fclose(f) != 0) {
        *to->lacking = true;
        free(text);
        return;
    }
    say(to, whole ? " This shows more:" : " This shows more, with the other options:");
    fputs(to->html ? " <code>" : "\n  ", to->f);
    put_text(to, whole ? text : "igdef eval --attack worst-case");
    fputs(to->html ? "</code>" : "", to->f);
    free(text);
}

static void say_finding(const igd_saying *to, const igd_verdict *v)
{
    switch (v->finding) {
    case IGD_FINDING_DIFFERENTLY:
        say(to,
            "The two were attacked differently, so this difference says nothing about "
            "the defense.");
        break;
    case IGD_FINDING_UNATTACKED:
        strong(to, "That is more than chance does");
        say(to, ", but nothing was attacked.");
        break;
    case IGD_FINDING_CHANCE:
        strong(to,
               "That is within what chance does to this many images: they do not show "
               "that the defense helps, nor that it harms.");
        break;
    case IGD_FINDING_WEAK:
        strong(to, "Nothing is shown about the defense yet");
        say(to, ": ");
        say_missing(to, v->evidence);
        say(to, ", and without these a defense at test time looks better than it is.");
        break;
    case IGD_FINDING_HELPS:
        strong(to, "The defense helps against these attacks, by more than chance.");
        say(to, " A stronger attack may leave less of it.");
        break;
    case IGD_FINDING_HARMS:
        strong(to, "The defense does harm: the base model withstands these attacks "
                   "better, by more than chance.");
        break;
    default:
        break;
    }
}

static void say_clean_cost(const igd_saying *to, const igd_input *r,
                           const igd_input *base)
{
    const double clean = igd_headline(r->json, true).accuracy;
    const double d = clean - igd_headline(base->json, true).accuracy;
    say(to, " Without any attack it is right on ");
    say_percent(to, clean);
    say(to, " of the images, ");
    if (fabs(d) > 1e-9) {
        say_number(to, fabs(d));
        say(to, d > 0 ? " points more than the base model."
                      : " points less than the base "
                        "model.");
    } else {
        say(to, "as many as the base model.");
    }
}

void igd_verdict_say(const igd_saying *to, const igd_inputs *in, const igd_verdict *v,
                     int k)
{
    const igd_input *r = &in->result[k];
    const bool attacked = in->num_rows > 0;
    const bool worst = strcmp(igd_union_name(r->json), "worst case") == 0;
    strong(to, r->name);
    say(to, attacked ? " still classifies " : " classifies ");
    say_percent(to, igd_headline(r->json, false).accuracy);
    say(to, " of the images correctly%s%s",
        !attacked ? "; nothing was attacked"
        : worst   ? " in the worst case over the nine attacks"
                  : " under all listed attacks",
        igd_headline(r->json, false).expected ? ", in expectation over its draws" : "");
    if (r->base < 0) {
        say(to, ".");
        if (!cJSON_IsNull(igd_get(r->json, "defense")))
            say(to, " No result of its base model is in this report, so what the defense "
                    "adds is not known.");
        return;
    }
    say(to, ", the base model ");
    say_percent(to, igd_headline(in->result[r->base].json, false).accuracy);
    if (v->finding != IGD_FINDING_UNPAIRED && v->finding != IGD_FINDING_SPLIT) {
        say_paired(to, in, v, k);
        say_finding(to, v);
    } else {
        say(to,
            ". Whether that is more than chance cannot be said: the lines of images (");
        fputs(to->html ? "<code>.images.jsonl</code>" : ".images.jsonl", to->f);
        say(to,
            v->finding == IGD_FINDING_SPLIT
                ? ") are missing, by which the several results of one model would be "
                  "joined before anything is said of it."
                : ") are missing, on which the two could be compared image by image.");
    }
    say_clean_cost(to, r, &in->result[r->base]);
    if (v->finding == IGD_FINDING_WEAK || (v->finding == IGD_FINDING_HELPS && !worst))
        say_command(to, r->json);
}
