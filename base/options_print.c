#include "base/options.h"
#include "base/options_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

void
options_help(const option_table_t *table, FILE *out)
{
    (void)fprintf(out, "usage: %s %s\n%s\n\n", table->program, table->usage, table->summary);
    for (int i = 0; i < table->count; i++) {
        const option_t *row = &table->rows[i];
        char flag[96], letter[8] = "";
        if (row->letter)
            (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
        (void)snprintf(flag, sizeof flag, "%s--%s%s%s", letter, row->name, row->argument ? " " : "",
                       row->argument ? row->argument : "");
        (void)fprintf(out, "  %-28s %s", flag, row->doc);
        if (row->fallback && row->fallback[0])
            (void)fprintf(out, " (default: %s)", row->fallback);
        (void)fputc('\n', out);
    }
    (void)fprintf(
        out,
        "  %-28s %s\n  %-28s %s\n  %-28s %s\n\n"
        "Each setting is taken from its flag, else the environment (FARHAND_ and the flag's name in capitals),\n"
        "else section [%s] of the configuration file, else its default.\n",
        "-h, --help", "Show this text.", "--version", "Show the version.", "--print-config",
        "Show each setting and where it comes from.", options_section(table));
}

static void
print_value(const option_t *row, const char *place, FILE *out)
{
    option_value_t value = {.integer = 0};
    memcpy(&value, place, options_kind_size(row->kind));
    if (row->kind == OPTION_BOOL)
        (void)fputs(value.truth ? "yes" : "no", out);
    else if (row->kind == OPTION_SECONDS)
        (void)fprintf(out, "%.15g", value.real);
    else if (row->kind == OPTION_TEXT)
        (void)fputs(value.text, out);
    else
        (void)fprintf(out, "%" PRId64, value.integer);
}

void
options_print(const option_table_t *table, const void *settings, const option_origin_t *origins, FILE *out)
{
    char path[PATH_MAX] = "";
    bool required;
    if (!options_config_path(path, &required))
        path[0] = '\0';
    (void)fprintf(out, "[%s]\n", options_section(table));
    for (int i = 0; i < table->count; i++) {
        const option_t *row = &table->rows[i];
        char variable[OPTION_VARIABLE_MAX];
        options_variable_name(row, variable);
        (void)fprintf(out, "%s = ", row->name);
        print_value(row, (const char *)settings + row->offset, out);
        const option_origin_t origin = origins ? origins[i] : OPTION_FROM_DEFAULT;
        if (origin == OPTION_FROM_FLAG)
            (void)fprintf(out, " ; flag --%s\n", row->name);
        else if (origin == OPTION_FROM_ENVIRONMENT)
            (void)fprintf(out, " ; environment %s\n", variable);
        else
            (void)fprintf(out, " ; %s\n", origin == OPTION_FROM_FILE ? path : "default");
    }
}

/* ---- man page ------------------------------------------------------------------------------------------------------
 */

/* Roff takes a dot or quote at the start of a line, and backslashes, for itself. */
void
options_man_text(const char *text, FILE *out)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            (void)fputs("\\&", out);
        if (*text == '\\')
            (void)fputs("\\e", out);
        else if (*text == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(*text, out);
        line_start = *text == '\n';
    }
}

void
options_man_row(const option_t *row, FILE *out)
{
    (void)fputs(".TP\n.B ", out);
    if (row->letter)
        (void)fprintf(out, "\\-%c, ", row->letter);
    (void)fputs("\\-\\-", out);
    options_man_text(row->name, out);
    if (row->argument)
        (void)fprintf(out, " \\fI%s\\fR", row->argument);
    (void)fputc('\n', out);
    options_man_text(row->doc, out);
    if (row->fallback && row->fallback[0]) {
        (void)fputs(" Default: ", out);
        options_man_text(row->fallback, out);
        (void)fputc('.', out);
    }
    (void)fputc('\n', out);
}

void
options_man(const option_table_t *table, FILE *out)
{
    (void)fputs(".TH ", out);
    for (const char *c = table->program; *c; c++)
        (void)fputc(toupper((unsigned char)*c), out);
    (void)fputs(" 1 \"\" \"farhand " FARHAND_VERSION "\" \"User commands\"\n.SH NAME\n", out);
    options_man_text(table->program, out);
    (void)fputs(" \\- ", out);
    options_man_text(table->summary, out);
    (void)fprintf(out, "\n.SH SYNOPSIS\n.B %s\n", table->program);
    options_man_text(table->usage, out);
    (void)fputs("\n.SH OPTIONS\n", out);
    for (int i = 0; i < table->count; i++)
        options_man_row(&table->rows[i], out);
    (void)fputs(".TP\n.B \\-\\-help\nShow a short help.\n.TP\n.B \\-\\-version\nShow the version.\n"
                ".TP\n.B \\-\\-print\\-config\nShow each setting and where it comes from.\n"
                ".PP\nEach setting is taken from its flag, else the environment\n(FARHAND_ and the flag's name in "
                "capitals, \\- as _), "
                "else section\n",
                out);
    (void)fprintf(out, ".I [%s]\n", options_section(table));
    (void)fputs("of the configuration file, else its default.\n.SH SEE ALSO\n.BR farhand (1)\n", out);
}
