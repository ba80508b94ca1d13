// Owns what is asked of a result, and its two files.
#include "result/expected.h"
#include "result/result_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json_build.h"
#include "core/require.h"
#include "core/seal.h"

double igd_result_accuracy(const igd_result *r, const int *columns, int num,
                           igd_protocol p)
{
    const int64_t n = r->flags.num_images;
    int64_t hits = 0;
    for (int64_t i = 0; i < n; i++)
        hits += igd_flags_survives(&r->flags, columns, num, i, p);
    return n > 0 ? (double)hits / (double)n : 0.0;
}

int64_t igd_entry_count(const igd_result *r, const igd_entry *e, char letter)
{
    int64_t count = 0;
    for (int64_t i = 0; i < r->flags.num_images; i++) {
        bool found = false;
        for (int k = 0; k < e->num_columns && !found; k++)
            found = igd_flags_column(&r->flags, e->columns[k])[i] == letter;
        count += found;
    }
    return count;
}

double igd_entry_accuracy(const igd_result *r, const igd_entry *e, igd_protocol p)
{
    return igd_result_accuracy(r, e->counts, e->num_counts, p);
}

bool igd_entry_is_ensemble(const igd_result *r, const igd_entry *e)
{
    for (int k = 0; k < r->num_entries; k++)
        if (strcmp(r->entries[k].ensemble, e->name) == 0)
            return true;
    return false;
}

bool igd_entry_has_column(const igd_entry *e, int column)
{
    for (int c = 0; c < e->num_columns; c++)
        if (e->columns[c] == column)
            return true;
    return false;
}

const char *igd_result_union_name(const igd_result *r)
{
    for (int k = 0; k < r->num_entries; k++)
        if (strcmp(r->entries[k].name, "worst-case") == 0)
            return "worst case";
    return "all listed attacks";
}

// --- files

char *igd_result_images_path(const char *path)
{
    const size_t length = strlen(path);
    const size_t stem =
        length > 5 && strcmp(path + length - 5, ".json") == 0 ? length - 5 : length;
    char *out = malloc(stem + sizeof(".images.jsonl"));
    if (out != NULL) {
        memcpy(out, path, stem);
        memcpy(out + stem, ".images.jsonl", sizeof(".images.jsonl"));
    }
    return out;
}

const char *igd_result_fooled_by(const igd_result *r, int64_t i)
{
    if (!igd_flags_correct(&r->flags, 0, i, IGD_ONE_SHOT))
        return "clean";
    for (int c = 1; c < r->flags.num_columns; c++) {
        if (igd_flags_correct(&r->flags, c, i, IGD_ONE_SHOT))
            continue;
        for (int k = 0; k < r->num_entries; k++)
            if (!igd_entry_is_ensemble(r, &r->entries[k]) &&
                igd_entry_has_column(&r->entries[k], c))
                return r->entries[k].name;
    }
    return NULL;
}

static void write_image(FILE *f, const igd_result *r, int64_t i)
{
    const igd_flags *t = &r->flags;
    const char *by = igd_result_fooled_by(r, i); // names hold nothing that JSON escapes
    fprintf(f, "{\"index\":%lld,\"label\":%d,\"clean\":%d,\"robust\":%s,\"fooled_by\":",
            (long long)t->index[i], t->label[i], t->clean[i],
            by == NULL ? "true" : "false");
    if (by == NULL)
        fputs("null", f);
    else
        fprintf(f, "\"%s\"", by);
    fputs(",\"flags\":\"", f);
    for (int c = 0; c < t->num_columns; c++)
        fputc(igd_flags_column(t, c)[i], f);
    fputc('"', f);
    if (t->votes != NULL) {
        fputs(",\"votes\":[", f);
        for (int c = 0; c < t->num_columns; c++)
            fprintf(f, c > 0 ? ",%d" : "%d",
                    t->votes[(size_t)c * (size_t)t->num_images + (size_t)i]);
        fputc(']', f);
    }
    if (r->bounds)
        fprintf(f, ",\"bounds\":%d", t->bounds[i]);
    fputs("}\n", f);
}

// Images whose lines are in memory at a time.
#define PIECE 4096

// Writes the lines of images, a piece after the other, and takes their digest.
static igd_status write_images(FILE *f, igd_sha256 *sum, const igd_result *r,
                               const char *path)
{
    for (int64_t i = 0; i < r->flags.num_images;) {
        char *text = NULL;
        size_t size = 0;
        FILE *piece = open_memstream(&text, &size);
        if (piece == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory", path);
        for (const int64_t end = i + PIECE; i < end && i < r->flags.num_images; i++)
            write_image(piece, r, i);
        const bool whole = fclose(piece) == 0;
        if (whole) {
            igd_sha256_add(sum, text, size);
            fwrite(text, 1, size, f); // a failure shows when the writer commits
        }
        free(text);
        if (!whole)
            return igd_error(IGD_ENOMEM, "%s: no memory", path);
    }
    return IGD_OK;
}

static igd_status stage_images(igd_writer **out, char digest[IGD_SHA256_LENGTH],
                               const igd_result *r, const char *path)
{
    igd_sha256 *sum = NULL;
    igd_status st;
    if ((st = igd_sha256_new(&sum)) == IGD_OK &&
        (st = igd_writer_open(out, path)) == IGD_OK &&
        (st = write_images(igd_writer_stream(*out), sum, r, path)) == IGD_OK)
        st = igd_sha256_hex(sum, digest);
    igd_sha256_free(sum);
    return st;
}

igd_status igd_result_save(const igd_result *r, const char *path)
{
    IGD_REQUIRE(r);
    IGD_REQUIRE(path);
    char *images_path = igd_result_images_path(path), sum[IGD_SHA256_LENGTH];
    igd_writer *images = NULL, *whole = NULL;
    cJSON *json = NULL;
    igd_status st;

    if (images_path == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if ((st = igd_file_check_writable(path)) != IGD_OK ||
        (st = stage_images(&images, sum, r, images_path)) != IGD_OK)
        goto done;
    json = cJSON_Parse(r->json);
    if (!igd_json_add_string(json, IGD_IMAGES_DIGEST, sum)) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    // Both are on disk before one takes the place of another run's. The result comes
    // last, and says what its lines are: where it is, they are.
    if ((st = igd_seal_stage(&whole, json, path)) != IGD_OK ||
        (st = igd_writer_flush(images)) != IGD_OK ||
        (st = igd_writer_flush(whole)) != IGD_OK)
        goto done;
    st = igd_writer_commit(images);
    images = NULL;
    if (st == IGD_OK) {
        st = igd_writer_commit(whole);
        whole = NULL;
    }

done:
    igd_writer_free(images);
    igd_writer_free(whole);
    cJSON_Delete(json);
    free(images_path);
    return st;
}

void igd_result_free(igd_result *r)
{
    if (r == NULL)
        return;
    cJSON_Delete(r->provenance);
    cJSON_Delete(r->checks);
    igd_flags_free(&r->flags);
    for (int c = 0; c < r->num_classes && r->class_names != NULL; c++)
        free(r->class_names[c]);
    free(r->class_names);
    free(r->entries);
    cJSON_free(r->json);
    free(r->text);
    free(r);
}

// --- what callers ask

const char *igd_result_json(const igd_result *r)
{
    return r != NULL ? r->json : "";
}

const char *igd_result_text(const igd_result *r)
{
    return r != NULL ? r->text : "";
}

double igd_result_clean_acc(const igd_result *r)
{
    return r != NULL ? r->clean_acc : 0.0;
}

double igd_result_worst_acc(const igd_result *r)
{
    return r != NULL ? r->worst_acc : 0.0;
}

int64_t igd_result_num_images(const igd_result *r)
{
    return r != NULL ? r->flags.num_images : 0;
}

int64_t igd_result_num_planned(const igd_result *r)
{
    return r != NULL && r->planned > 0 ? r->planned : igd_result_num_images(r);
}

igd_stop igd_result_stop(const igd_result *r)
{
    return r != NULL ? r->stop : IGD_STOP_NONE;
}

igd_image_result igd_result_image(const igd_result *r, int64_t i)
{
    if (i < 0 || i >= igd_result_num_images(r))
        return (igd_image_result){.index = -1, .label = -1, .prediction = -1};
    const char *by = igd_result_fooled_by(r, i);
    return (igd_image_result){.index = r->flags.index[i],
                              .label = r->flags.label[i],
                              .prediction = r->flags.clean[i],
                              .robust = by == NULL,
                              .fooled_by = by};
}

int igd_result_num_attacks(const igd_result *r)
{
    return r != NULL ? r->num_entries : 0;
}

igd_attack_result igd_result_attack(const igd_result *r, int i)
{
    if (i < 0 || i >= igd_result_num_attacks(r))
        return (igd_attack_result){.name = "", .target = ""};
    const igd_entry *e = &r->entries[i];
    return (igd_attack_result){
        .name = e->name,
        .target = e->target,
        .robust_acc = igd_entry_accuracy(r, e, IGD_ONE_SHOT),
        .majority_acc = igd_entry_accuracy(r, e, IGD_MAJORITY),
        .any_acc = igd_entry_accuracy(r, e, IGD_ANY),
        .expected_acc = igd_expected_of(&r->flags, e->counts, e->num_counts).accuracy,
        .num_fooled = igd_entry_count(r, e, IGD_FOOLED),
        .forwards = e->cost.forwards,
        .backwards = e->cost.backwards,
        .seconds = e->cost.seconds,
    };
}

int igd_result_num_warnings(const igd_result *r)
{
    return r != NULL ? r->warnings.num : 0;
}

const char *igd_result_warning_id(const igd_result *r, int i)
{
    if (i < 0 || i >= igd_result_num_warnings(r))
        return "";
    return r->warnings.item[i].id;
}

const char *igd_result_warning_text(const igd_result *r, int i)
{
    if (i < 0 || i >= igd_result_num_warnings(r))
        return "";
    return r->warnings.item[i].text;
}
