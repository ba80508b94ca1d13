// Owns joining the analyses of the parts of one run.
#include <string.h>

#include "analyze/analyze_impl.h"
#include "analyze/pieces.h"
#include "analyze/sweep_impl.h"
#include "core/error.h"
#include "core/json.h"
#include "core/require.h"

typedef igd_status (*join_fn)(igd_analysis **out, const igd_pieces *pieces);

static const join_fn joins[IGD_NUM_KINDS] = {[IGD_SHIFT] = igd_shift_join,
                                             [IGD_SWEEP] = igd_sweep_join,
                                             [IGD_ABLATION] = igd_ablation_join,
                                             [IGD_DEFENSES] = igd_comparison_join,
                                             [IGD_RADIUS] = igd_radius_join};

igd_status igd_analysis_merge(igd_analysis **out, const char *kind,
                              const char *const *paths, int num, const char *folder,
                              bool replace)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(kind);
    IGD_REQUIRE(paths);
    igd_pieces pieces;
    igd_status st;

    if (num < 1)
        return igd_error(IGD_EINVAL, "no analyses to join");
    for (int k = 0; k < num; k++)
        IGD_REQUIRE(paths[k]);
    IGD_TRY(igd_pieces_read(&pieces, paths, num));
    pieces.folder = folder;
    pieces.replace = replace;
    const char *here = igd_string_of(pieces.json[0], "kind");
    if (strcmp(here, kind) != 0)
        st = igd_error(IGD_EINVAL, "%s: an analysis '%s', not '%s'", pieces.path[0], here,
                       kind);
    else if (joins[pieces.kind] == NULL)
        st = igd_error(IGD_EINVAL, "%s: analyses '%s' are not made in parts",
                       pieces.path[0], here);
    else
        st = joins[pieces.kind](out, &pieces);
    igd_pieces_free(&pieces);
    return st;
}

igd_status igd_analysis_part_read(igd_part *out, const char *path)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(path);
    cJSON *json = NULL;
    igd_kind kind;
    igd_stated_part stated;
    *out = (igd_part){0};
    IGD_TRY(igd_piece_read(&json, &kind, path));
    const igd_status st = igd_piece_stated(&stated, json, path);
    *out = stated.part;
    cJSON_Delete(json);
    return st;
}
