// Package cli is the command line: one file per command, and what they share.
//
// A command that reads a cluster goes the same way each time: flags and
// configuration (input.go, config.go), reading and compiling (input.load),
// expressions (ends.go), the question itself, the answer (output.go). Data
// goes to standard output, everything else to standard error, whose last line
// is the account of what was read.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// The exit codes. They never depend on the output format and are never counts.
const (
	exitYes       = 0
	exitNo        = 1
	exitError     = 2
	exitUncertain = 3
)

// Main runs one command line, args[0] being the program's own name, and
// returns its exit code. It does not exit and keeps nothing between calls.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	r := &run{stdin: stdin, stdout: stdout, stderr: stderr, inputs: map[*cobra.Command]*input{}, args: args[1:], watched: isTerminal(stderr) && os.Getenv("TERM") != "dumb"}
	r.plugin = strings.HasPrefix(filepath.Base(args[0]), "kubectl-")
	display := "podreach"
	if r.plugin {
		display = "kubectl podreach"
	}
	root := r.root(display)
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)

	code := 0
	err := root.Execute()
	r.bar.stop()
	if answer := exitCode(0); errors.As(err, &answer) {
		code = int(answer)
	} else if err != nil {
		code = exitError
		r.fail(err)
	}
	if r.in != nil {
		if r.in.old != nil {
			r.in.old.account(stderr)
		}
		r.in.account(stderr)
		if r.in.errors() > 0 || r.in.old != nil && r.in.old.errors() > 0 {
			code = exitError
		}
	}
	return code
}

// run is one run of the command line.
type run struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	args           []string // without the program's name
	plugin         bool     // of kubectl
	inputs         map[*cobra.Command]*input
	in             *input // of the command that runs, when it reads a cluster
	watched        bool   // standard error is a terminal
	bar            *progress
}

// exitCode ends a command that has already said what there is to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// codedError is an error with a stable code.
type codedError struct {
	code    dialect.Code
	message string
}

func (e *codedError) Error() string { return e.message }

func coded(code dialect.Code, format string, args ...any) error {
	return &codedError{code, fmt.Sprintf(format, args...)}
}

func badFlag(format string, args ...any) error { return coded(dialect.CodeBadFlag, format, args...) }

// didYouMean is "; did you mean X?" with the candidate nearest to word, or the
// list of candidates when none is near.
func didYouMean(word string, candidates []string) string {
	if n := nearest.Of(word, candidates); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return "; valid are " + strings.Join(candidates, ", ")
}

// codeOf is the stable code of an error.
func codeOf(err error, otherwise dialect.Code) dialect.Code {
	var (
		known *codedError
		expr  *solver.ExprError
		empty *solver.EmptyError
	)
	switch {
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &expr):
		return dialect.CodeBadExpression
	case errors.As(err, &empty):
		return dialect.CodeSelectsNothing
	}
	return otherwise
}

func (r *run) fail(err error) {
	var b strings.Builder
	printf(&b, "error: %s (%v)\n", err.Error(), codeOf(err, dialect.CodeBadFlag))
	io.WriteString(r.stderr, b.String()) //nolint:errcheck // nowhere is left to say so
	if r.in != nil {
		r.in.failures++
	}
}

func (r *run) root(display string) *cobra.Command {
	root := &cobra.Command{
		Use:   "podreach",
		Short: "What do network policies let through?",
		Long: `podreach answers what Kubernetes network policies let through: exactly, with a
witness and the rule that decides (file:line).

Start with:  ` + display + ` demo`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: display},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(r.demo(), r.can(), r.list(), r.explain(), r.check(), r.diff(), r.lint(), r.version(), r.completion())
	for _, c := range root.Commands() {
		c.Example = strings.ReplaceAll(c.Example, "podreach ", display+" ")
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(root, args[0])
	}
	root.SetFlagErrorFunc(r.flagError)
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return badFlag("help takes one command, found %q", strings.Join(args, " "))
			}
			about, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			return about.Help()
		},
	})
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	return badFlag("unknown command %q%s", name, didYouMean(name, commandNames(root)))
}

// firstWord is the first argument that is neither a flag nor, as far as can be
// told without knowing the flags, a flag's value.
func (r *run) firstWord() string {
	for i := 0; i < len(r.args); i++ {
		switch a := r.args[i]; {
		case !strings.HasPrefix(a, "-"):
			return a
		case len(a) == 2, strings.HasPrefix(a, "--") && !strings.Contains(a, "="):
			i++
		}
	}
	return ""
}

func commandNames(root *cobra.Command) []string {
	var out []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			out = append(out, c.Name())
		}
	}
	return out
}

// flagError says what is wrong with a flag and names the nearest.
func (r *run) flagError(cmd *cobra.Command, err error) error {
	if name := r.firstWord(); cmd.Parent() == nil && name != "" {
		return unknownCommand(cmd, name)
	}
	r.in = r.inputs[cmd]
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool" {
		return badFlag("--%s is %q, expected true or false", invalid.GetFlag().Name, invalid.GetValue())
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return badFlag("%v", err)
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return badFlag("unknown flag -%s; see %s --help", name, cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	hint := "; see " + cmd.CommandPath() + " --help"
	if n := nearest.Of(name, names); n != "" {
		hint = fmt.Sprintf("; did you mean --%s?", n)
	}
	return badFlag("unknown flag --%s%s", name, hint)
}
