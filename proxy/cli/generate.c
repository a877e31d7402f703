#include "proxy/cli/generate.h"

#include "proxy/cli/command.h"

#include <string.h>

/* ---- man page ------------------------------------------------------------------------------------------------------
 */

static void
put_man_command(const command_t *command, FILE *out)
{
    (void)fprintf(out, ".SS farhand %s ", command->name);
    options_man_text(command->args, out);
    (void)fputc('\n', out);
    options_man_text(command->summary, out);
    (void)fputs("\n.PP\n", out);
    options_man_text(command->doc, out);
    (void)fputc('\n', out);
    for (int i = 0; i < command->noptions; i++)
        options_man_row(&command->options[i], out);
}

static void
put_man(FILE *out)
{
    (void)fputs(".\\\" Made by: farhand --generate man\n"
                ".TH FARHAND 1 \"\" \"farhand " FARHAND_VERSION "\" \"User commands\"\n"
                ".SH NAME\nfarhand \\- start clusters, look at them, and move arrays to and from them\n"
                ".SH SYNOPSIS\n.B farhand\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n"
                ".SH COMMANDS\nEach has also\n.BR \\-\\-help ,\n.B \\-\\-version\nand\n.BR \\-\\-print\\-config .\n",
                out);
    for (int i = 0; command_at(i); i++)
        put_man_command(command_at(i), out);
    (void)fputs(
        ".SH SETTINGS\nEach option is taken from its flag, else the environment\n(FARHAND_ and the flag's name in "
        "capitals, "
        "\\- as _), else the section\n.I [farhand COMMAND]\nof the configuration file, else its default.\n"
        ".SH ENVIRONMENT\n.TP\n.B FARHAND_CONNECTION\nThe connection file that clients use when no cluster is named.\n"
        ".TP\n.B FARHAND_CONFIG\nThe configuration file, instead of\n.I $XDG_CONFIG_HOME/farhand/config.ini\nor\n"
        ".IR /etc/farhand/config.ini .\n"
        ".TP\n.B FARHAND_LOG\nHow much the daemons log: error, warning, info (the default) or debug.\n"
        ".SH FILES\n.TP\n.I $XDG_RUNTIME_DIR/farhand/CLUSTER/\nConnection files with keys (mode 0600), logs and pid "
        "files of a "
        "cluster; else below\n.I $XDG_STATE_HOME\nor\n.IR ~/.local/state .\n"
        ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n"
        ".SH SEE ALSO\n.BR farhand-broker (1),\n.BR farhand-engine (1)\n",
        out);
}

/* ---- completion ----------------------------------------------------------------------------------------------------
 */

static void
put_bash(FILE *out)
{
    (void)fputs("# Made by: farhand --generate bash\n_farhand()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"",
                out);
    for (int i = 0; command_at(i); i++)
        (void)fprintf(out, "%s ", command_at(i)->name);
    (void)fputs("--help --version\"\n    else\n        case ${COMP_WORDS[1]} in\n", out);
    for (int i = 0; command_at(i); i++) {
        const command_t *command = command_at(i);
        (void)fprintf(out, "            %s) words=\"", command->name);
        for (int k = 0; k < command->noptions; k++)
            (void)fprintf(out, "--%s ", command->options[k].name);
        (void)fputs("--help --print-config\" ;;\n", out);
    }
    (void)fputs(
        "        esac\n    fi\n"
        "    case $word in\n        -*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\") ;;\n"
        "        *) if [ \"$COMP_CWORD\" -eq 1 ]; then mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
        "           else mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); fi ;;\n    esac\n}\n"
        "complete -o filenames -F _farhand farhand\n",
        out);
}

/* Inside zsh's 'NAME:TEXT' and '--FLAG[TEXT]' words. */
static void
put_zsh(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else if (strchr(":[]", *text))
            (void)fprintf(out, "\\%c", *text);
        else
            (void)fputc(*text, out);
    }
}

static void
put_zsh_command(const command_t *command, FILE *out)
{
    (void)fprintf(out, "        %s) _arguments", command->name);
    for (int i = 0; i < command->noptions; i++) {
        const option_t *row = &command->options[i];
        (void)fprintf(out, " '--%s%s[", row->name, row->argument ? "=" : "");
        put_zsh(row->doc, out);
        (void)fprintf(out, "]%s%s'", row->argument ? ":" : "", row->argument ? row->argument : "");
    }
    (void)fputs(" '--help[Show help.]' '*:file:_files' ;;\n", out);
}

static void
put_zsh_all(FILE *out)
{
    (void)fputs("#compdef farhand\n# Made by: farhand --generate zsh\n_farhand()\n{\n    local -a commands=(\n", out);
    for (int i = 0; command_at(i); i++) {
        (void)fprintf(out, "        '%s:", command_at(i)->name);
        put_zsh(command_at(i)->summary, out);
        (void)fputs("'\n", out);
    }
    (void)fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
                "    local chosen=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $chosen in\n",
                out);
    for (int i = 0; command_at(i); i++)
        put_zsh_command(command_at(i), out);
    (void)fputs("    esac\n}\n_farhand \"$@\"\n", out);
}

int
generate_run(const char *what, FILE *out)
{
    static const struct {
        const char *name;
        void (*put)(FILE *out);
    } kinds[] = {{"man", put_man}, {"bash", put_bash}, {"zsh", put_zsh_all}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, what) == 0) {
            kinds[i].put(out);
            return EXIT_DONE;
        }
    (void)fputs("farhand: --generate takes man, bash or zsh\n", stderr);
    return EXIT_USAGE;
}
