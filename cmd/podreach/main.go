// Command podreach answers what Kubernetes network policies let through. It is
// a kubectl plugin too, under the name kubectl-podreach.
package main

import (
	"os"

	"github.com/podreach/podreach/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
