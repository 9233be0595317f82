package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
)

type versionDocument struct {
	Schema   string `json:"schema"`
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
}

// buildVersion reads what the Go toolchain stamped into the binary.
func buildVersion() versionDocument {
	v := versionDocument{Schema: "podreach.version/v1", Version: "(devel)", Commit: "unknown", Go: runtime.Version()}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (r *run) version() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "The version, commit and Go version of this binary", Args: noArgs}
	out := r.writes(cmd, report.TableFormat, report.JSON, report.YAML)
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := out.check(); err != nil {
			return err
		}
		v := buildVersion()
		table := &report.Table{
			Columns: []report.Column{{Name: "version"}, {Name: "commit"}, {Name: "go"}},
			Rows:    [][]string{{v.Version, v.Commit, v.Go}},
		}
		return out.write(report.Document{Value: v, Lines: one(v), Table: table}, func(bool) string {
			return fmt.Sprintf("podreach %s, commit %s, %s\n", v.Version, v.Commit, v.Go)
		})
	}
	return cmd
}
