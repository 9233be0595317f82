package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func (r *run) completion() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Completion script for bash, zsh, fish or powershell",
		Example:   "  source <(podreach completion bash)",
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badFlag("completion takes one shell: %s", strings.Join(shells, ", "))
			}
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(r.stdout, true)
			case "zsh":
				return root.GenZshCompletion(r.stdout)
			case "fish":
				return root.GenFishCompletion(r.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(r.stdout)
			}
			return badFlag("unknown shell %q%s", args[0], didYouMean(args[0], shells))
		},
	}
}

// completeWords makes the shell offer words as the values of a flag.
func completeWords(cmd *cobra.Command, flag string, words []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist: a programming error
	}
}

// noArgs rejects arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badFlag("%s takes no argument, found %q", cmd.CommandPath(), args[0])
	}
	return nil
}
