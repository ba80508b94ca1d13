// The command line of igdef rank.
#include "options_rank.h"

#include <math.h>
#include <string.h>

// clang-format off
const char *const ranking_methods[] = {"loir", "cdir", "random", NULL};
static const char *const overs[] = {"class", "all", NULL};
static const char *const similarities[] = {"soft-wpmi", "wpmi", "cos", "cos-cubed",
                                           "rank-reorder", NULL};
static const char *const pools[] = {"avg", "max", NULL};

static const cli_option options[] = {
    {'o', "output",     CLI_PATH | CLI_OUTPUT, offsetof(rank_settings, output),
     "FILE", "where the ranking goes (.safetensors)", 0, 0, NULL},
    {0,   "method",     CLI_CHOICE, offsetof(rank_settings, ranking.method),
     NULL, "how neurons are ranked: leave one out, CLIP, or chance", 0, 0, ranking_methods},
    {'l', "layer",      CLI_TEXT, offsetof(rank_settings, layer),
     "PATH", "layer whose neurons are ranked; PATH:input for what goes into it; "
     "penultimate is the input of the last linear layer; A,B for several side by side", 0, 0, NULL},
    {0,   "neuron-axis", CLI_INT | CLI_HIDE_DEFAULT, offsetof(rank_settings, neuron_axis),
     "N", "axis of the layer's neurons, counted from 0, where inspect guesses it wrong "
     "(elsewhere: PATH~N)", 1, 15, NULL},
    {0,   "fraction",   CLI_NUMBER | CLI_POSITIVE, offsetof(rank_settings, fraction),
     "F", "share of the probe images, drawn by the seed", 0, 1, NULL},
    {0,   "from-units", CLI_PATH | CLI_INPUT, offsetof(rank_settings, from_units),
     "DIR", "take the scores from a folder of unit<n>.npy instead of ranking", 0, 0, NULL},
    {0,   "to-units",   CLI_PATH | CLI_OUTPUT | CLI_FOLDER, offsetof(rank_settings, to_units),
     "DIR", "also write the scores as unit<n>.npy", 0, 0, NULL},
    {0,   "compare",    CLI_PATH | CLI_INPUT, offsetof(rank_settings, compare),
     "FILE", "say how many of the most important neurons another ranking shares", 0, 0, NULL},
    {0,   "top",        CLI_INT, offsetof(rank_settings, top),
     "N", "how many that comparison looks at", 1, 1e9, NULL},
    {0,   "expect-clean", CLI_NUMBER, offsetof(rank_settings, expect_clean),
     "ACC", "stop first, exit code 3, if the accuracy on the test images is more than 0.01 off",
     0, 1, NULL},
    {0},
};

static const cli_option loir_options[] = {
    {0,   "over",       CLI_CHOICE, offsetof(rank_settings, ranking.over),
     NULL, "mean over the images of the class, or over all", 0, 0, overs},
    {0,   "allow-nonfinite", CLI_FLAG, offsetof(rank_settings, ranking.allow_nonfinite),
     NULL, "leave out images whose logits are NaN or infinite", 0, 0, NULL},
    {0,   "plain",      CLI_FLAG, offsetof(rank_settings, ranking.plain),
     NULL, "one pass per neuron even where a closed form exists", 0, 0, NULL},
    {0},
};

const cli_option cdir_options[] = {
    {0,   "clip",       CLI_PATH | CLI_INPUT, offsetof(cdir_settings, clip),
     "FILE", "TorchScript with encode_image and encode_text; OpenAI's archives load as they are",
     0, 0, NULL},
    {0,   "clip-image", CLI_PATH | CLI_INPUT, offsetof(cdir_settings, clip_image),
     "FILE", "CLIP's image encoder, where it has a file of its own", 0, 0, NULL},
    {0,   "clip-text",  CLI_PATH | CLI_INPUT, offsetof(cdir_settings, clip_text),
     "FILE", "CLIP's text encoder, where it has a file of its own", 0, 0, NULL},
    {0,   "image-embeddings", CLI_PATH | CLI_INPUT, offsetof(cdir_settings, image_embeddings),
     "X.npy", "ready embeddings of the probe images, a row each", 0, 0, NULL},
    {0,   "text-embeddings", CLI_PATH | CLI_INPUT, offsetof(cdir_settings, text_embeddings),
     "T.npy", "ready embeddings of the concepts, a row per class", 0, 0, NULL},
    {0,   "vocab",      CLI_PATH | CLI_INPUT, offsetof(cdir_settings, vocab),
     "FILE", "CLIP's BPE merges, plain or .gz; or Hugging Face's vocab.json", 0, 0, NULL},
    {0,   "concepts",   CLI_PATH | CLI_INPUT, offsetof(cdir_settings, concepts),
     "FILE", "a concept per class, one a line (default: the data's class names)", 0, 0, NULL},
    {0,   "prompt",     CLI_TEXT, offsetof(cdir_settings, prompt),
     "TEXT", "what CLIP reads, {} standing for the concept", 0, 0, NULL},
    {0,   "similarity", CLI_CHOICE, offsetof(cdir_settings, similarity),
     NULL, "how neurons and concepts are compared", 0, 0, similarities},
    {0,   "top-k",      CLI_INT | CLI_HIDE_DEFAULT, offsetof(cdir_settings, top_k),
     "N", "images looked at per neuron (default 100; for wpmi 28)", 0, 1e9, NULL},
    {0,   "pool",       CLI_CHOICE, offsetof(cdir_settings, pool),
     NULL, "mean or maximum over the positions of a neuron", 0, 0, pools},
    {0,   "image-size", CLI_INT | CLI_HIDE_DEFAULT, offsetof(cdir_settings, image_size),
     "N", "side of CLIP's images (default: read from the model)", 0, 4096, NULL},
    {0,   "context-length", CLI_INT | CLI_HIDE_DEFAULT, offsetof(cdir_settings, context_length),
     "N", "tokens of CLIP's texts (default: read from the model)", 0, 4096, NULL},
    {0},
};

static const cli_option merge_options[] = {
    {0,   "merge",      CLI_TEXTS | CLI_MANY | CLI_INPUT, offsetof(rank_settings, merge),
     "PART", "join the parts of one ranking; a folder stands for those in it", 0, 0, NULL},
    {0},
};

static const cli_option cache_options[] = {
    {0,   "cache",      CLI_FLAG, offsetof(rank_settings, cache),
     NULL, "do not keep image embeddings beside the output for the next model", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and probe images", input_options, offsetof(rank_settings, in)},
    {NULL, shard_number_options, offsetof(rank_settings, shard)},
    {NULL, merge_options, 0},
    {"Ranking", options, 0},
    {"LO-IR (--method loir)", loir_options, 0},
    {"CD-IR (--method cdir)", cdir_options, offsetof(rank_settings, ranking.cdir)},
    {"CD-IR's embeddings", cache_options, 0},
    {"Common options", common_options, offsetof(rank_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin -o loir.safetensors",
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin --layer layer4 "
    "--fraction 0.1 -o loir.safetensors",
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin --method cdir "
    "--clip ViT-B-16.pt --vocab bpe_simple_vocab_16e6.txt.gz -o cdir.safetensors",
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin --shard auto -o "
    "parts/part-{shard}.safetensors",
    "igdef rank --merge parts -o loir.safetensors",
    NULL,
};
static const cli_words instead[] = {
    {"keep", 'k', "a ranking holds all neurons; igdef defend and igdef eval take --keep"},
    {"ranking", 'r', "a ranking is what is made; --compare takes another one"},
    {0},
};
static const char *const required[] = {"model", "data", "output", NULL};
static const char *const instead_of_inputs[] = {"merge", NULL};

ranking_settings ranking_defaults(void)
{
    return (ranking_settings){
        .method = ranking_methods[0],
        .over = overs[0],
        .cdir = {.prompt = "{}", .similarity = similarities[0], .pool = pools[0]}};
}

static void defaults(void *settings)
{
    rank_settings *s = settings;
    *s = (rank_settings){.common = common_defaults("rank"),
                         .in = input_defaults("train"),
                         .ranking = ranking_defaults(),
                         .layer = "penultimate",
                         .neuron_axis = -1,
                         .fraction = 1.0,
                         .top = 50,
                         .cache = true,
                         .expect_clean = NAN};
}

// Options of a method that is not the chosen one.
int method_check(bool chosen, const char *method, const cli_option *options_of)
{
    for (const cli_option *o = options_of; !chosen && o->name != NULL; o++)
        if (cli_given(o->name))
            return cli_usage("--%s: only with --method %s", o->name, method);
    return CLI_GO_ON;
}

int cdir_check(const cdir_settings *s)
{
    const int image =
        (s->clip != NULL) + (s->clip_image != NULL) + (s->image_embeddings != NULL);
    const int text =
        (s->clip != NULL) + (s->clip_text != NULL) + (s->text_embeddings != NULL);
    if (image > 1)
        return cli_usage("give one of --clip, --clip-image and --image-embeddings");
    if (text > 1)
        return cli_usage("give one of --clip, --clip-text and --text-embeddings");
    if (image == 0)
        return cli_usage("--method cdir needs --clip, --clip-image or "
                         "--image-embeddings");
    if (text == 0)
        return cli_usage("--method cdir needs --clip, --clip-text or --text-embeddings");
    if (s->text_embeddings != NULL && s->concepts != NULL)
        return cli_usage("give --concepts or --text-embeddings, not both");
    if (s->text_embeddings == NULL && s->vocab == NULL)
        return cli_usage("--vocab FILE is missing: CLIP's texts need its vocabulary");
    if (strstr(s->prompt, "{}") == NULL)
        return cli_usage("--prompt '%s' has no {} for the concept", s->prompt);
    return CLI_GO_ON;
}

static int check_merge(const rank_settings *s)
{
    static const char *const allowed[] = {"merge", "output", "to-units", "compare", "top",
                                          "json",  "quiet",  "config",   NULL};
    return merge_check(&s->merge, groups, allowed, "parts");
}

// What a part of a ranking cannot be.
static int check_shard(const rank_settings *s)
{
    static const char *const whole[] = {"to-units", "compare", "top", "from-units"};
    if (s->shard.shard.num == 0)
        return CLI_GO_ON;
    if (strcmp(s->ranking.method, "random") == 0)
        return cli_usage("--shard: --method random looks at no images");
    for (size_t k = 0; k < sizeof(whole) / sizeof(whole[0]); k++)
        if (cli_given(whole[k]))
            return cli_usage("--%s: a part has no ranking yet; give it to --merge",
                             whole[k]);
    return CLI_GO_ON;
}

static int check(const void *settings)
{
    const rank_settings *s = settings;
    int rc;
    if (s->merge.num > 0)
        return check_merge(s);
    if ((rc = check_shard(s)) != CLI_GO_ON)
        return rc;
    const bool cdir = strcmp(s->ranking.method, "cdir") == 0;
    rc = method_check(strcmp(s->ranking.method, "loir") == 0, "loir", loir_options);
    if (rc == CLI_GO_ON)
        rc = method_check(cdir, "cdir", cdir_options);
    if (rc == CLI_GO_ON)
        rc = method_check(cdir, "cdir", cache_options);
    if (rc == CLI_GO_ON && cdir && s->from_units == NULL)
        rc = cdir_check(&s->ranking.cdir);
    return rc == CLI_GO_ON ? input_check(&s->in) : rc;
}

const cli_command command_rank = {
    .name = "rank",
    .summary = "rank the neurons of a layer by importance, per class",
    .description = "The file written is what igdef defend and igdef eval take as "
                   "--ranking. LO-IR scores a neuron by how much the logits of a class "
                   "change, over its images, when the neuron is set to zero. CD-IR "
                   "scores it by how well its activations agree with CLIP's view of "
                   "which images show the class's concept, and uses no labels; it costs "
                   "one pass of CLIP and one of the model.",
    .examples = examples,
    .required = required,
    .instead_of_inputs = instead_of_inputs,
    .groups = groups,
    .instead = instead,
    .size = sizeof(rank_settings),
    .defaults = defaults,
    .check = check,
};
