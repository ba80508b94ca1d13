// Writes what is known of attacks from their table: for help and for the manual page.
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core.h"
#include "igdef/attack.h"
#include "igdef/evaluate.h"

#define NAME_COLUMN 18 // where lines on an attack begin
#define NAMES_TEXT 160

static void norms_text(char out[NAMES_TEXT], const igd_attack *a)
{
    size_t used = 0;
    out[0] = '\0';
    for (igd_norm n = IGD_NORM_LINF; n <= IGD_NORM_L1; n++)
        if (igd_attack_has_norm(a, n))
            used += (size_t)snprintf(out + used, NAMES_TEXT - used, "%s%s",
                                     used > 0 ? ", " : "", igd_norm_name(n));
}

// "logits; logits, gradient".
static void choices_text(char out[NAMES_TEXT], const igd_parameter *p)
{
    int used = snprintf(out, NAMES_TEXT, "%s;", p->names[(int)p->value]);
    for (int i = 0; i <= (int)p->max && used < NAMES_TEXT; i++)
        used += snprintf(out + used, (size_t)(NAMES_TEXT - used), "%s %s",
                         i > 0 ? "," : "", p->names[i]);
}

// "50; whole, 1 to 100000".
static void range_text(char out[NAMES_TEXT], const igd_parameter *p)
{
    char value[32], min[32], max[32];
    if (p->names != NULL) {
        choices_text(out, p);
        return;
    }
    igd_number_shortest(value, sizeof(value), p->value);
    igd_number_shortest(min, sizeof(min), p->min);
    igd_number_shortest(max, sizeof(max), p->max);
    if (p->integer && p->min == 0.0 && p->max == 1.0)
        snprintf(out, NAMES_TEXT, "%s; 0 or 1", value);
    else
        snprintf(out, NAMES_TEXT, "%s; %s%s to %s", value, p->integer ? "whole, " : "",
                 min, max);
}

static void help_line(FILE *f, const char *name, const char *text)
{
    const int used = fprintf(f, "  %-*s", NAME_COLUMN - 2, name);
    igd_wrap(f, text, used, NAME_COLUMN);
}

static const char prefixes[] =
    "transfer:NAME is an attack or ensemble made on the base model; own:NAME keeps the "
    "points of highest loss; surrogate:NAME and joint:NAME go through a defense with a "
    "pseudo-label at another temperature and with a loss on both passes; surrogate:NAME "
    "also through one that has another backward pass, such as the identity's. clean is "
    "no "
    "attack.";

void cli_help_attacks(FILE *f)
{
    char norms[NAMES_TEXT], text[512];
    fprintf(f, "Attacks, for --attack:\n");
    for (int i = 0; i < igd_attack_count(); i++) {
        const igd_attack *a = igd_attack_at(i);
        norms_text(norms, a);
        snprintf(text, sizeof(text), "%s (%s)", igd_attack_help(a), norms);
        help_line(f, igd_attack_name(a), text);
    }
    fprintf(f, "\nEnsembles:\n");
    for (int i = 0; i < igd_ensemble_count(); i++)
        help_line(f, igd_ensemble_name(i), igd_ensemble_help(i));
    fputc('\n', f);
    igd_wrap(f, prefixes, 0, 0);
    fprintf(f, "\n'igdef help ATTACK' lists the parameters of one.\n");
}

void cli_help_attack(FILE *f, const igd_attack *a)
{
    char text[NAMES_TEXT], line[512];
    int num;
    const igd_parameter *p = igd_attack_parameters(a, &num);

    norms_text(text, a);
    igd_wrap(f, igd_attack_help(a), fprintf(f, "%s: ", igd_attack_name(a)), 2);
    fprintf(f, "\nNorms: %s\n", text);
    if (num == 0) {
        fprintf(f, "\nIt has no parameters.\n");
        return;
    }
    fprintf(f, "\nParameters, for --set %s.NAME=VALUE:\n", igd_attack_name(a));
    for (int i = 0; i < num; i++) {
        range_text(text, &p[i]);
        snprintf(line, sizeof(line), "%s [%s]", p[i].help, text);
        help_line(f, p[i].name, line);
    }
}

void cli_man_attacks(FILE *f)
{
    char text[NAMES_TEXT];
    fprintf(f, ".SH ATTACKS\n");
    for (int i = 0; i < igd_attack_count(); i++) {
        const igd_attack *a = igd_attack_at(i);
        int num;
        const igd_parameter *p = igd_attack_parameters(a, &num);
        fprintf(f, ".SS ");
        cli_roff(f, igd_attack_name(a));
        fputc('\n', f);
        cli_roff(f, igd_attack_help(a));
        norms_text(text, a);
        fprintf(f, ".\nNorms: %s.\n", text);
        for (int k = 0; k < num; k++) {
            fprintf(f, ".TP\n.B ");
            cli_roff(f, p[k].name);
            fputc('\n', f);
            cli_roff(f, p[k].help);
            range_text(text, &p[k]);
            fprintf(f, "\n[");
            cli_roff(f, text);
            fprintf(f, "]\n");
        }
    }
    fprintf(f, ".SS Ensembles\n");
    for (int i = 0; i < igd_ensemble_count(); i++) {
        fprintf(f, ".TP\n.B ");
        cli_roff(f, igd_ensemble_name(i));
        fputc('\n', f);
        cli_roff(f, igd_ensemble_help(i));
        fputc('\n', f);
    }
    fprintf(f, ".PP\n");
    cli_roff(f, prefixes);
    fputc('\n', f);
}

// Appends to a text that ends at out + used.
static size_t append(char *out, size_t size, size_t used, const char *before,
                     const char *text)
{
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "%s%s", before, text);
    return used < size ? used : size;
}

void cli_option_help(char *out, size_t size, const cli_option *o)
{
    const char *mark = strstr(o->help, CLI_ATTACKS);
    if (mark == NULL) {
        snprintf(out, size, "%s", o->help);
        return;
    }
    size_t used = (size_t)snprintf(out, size, "%.*s", (int)(mark - o->help), o->help);
    for (int i = 0; i < igd_attack_count(); i++)
        used =
            append(out, size, used, i > 0 ? ", " : "", igd_attack_name(igd_attack_at(i)));
    used = append(out, size, used, "; ", "the ensembles ");
    for (int i = 0; i < igd_ensemble_count(); i++)
        used = append(out, size, used, i > 0 ? ", " : "", igd_ensemble_name(i));
    append(out, size, used, "", mark + strlen(CLI_ATTACKS));
}
