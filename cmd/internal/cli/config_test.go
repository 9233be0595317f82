package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

// The documentation of the configuration names every field, and its examples
// can be read.
func TestConfigIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/CONFIG.md")
	require.NoError(t, err)
	for _, f := range configFields {
		require.Contains(t, string(doc), "`"+f+"`")
	}
	var examples []string
	block := ""
	for line := range strings.Lines(string(doc) + "\nend\n") {
		if text, found := strings.CutPrefix(line, "    "); found {
			block += text
			continue
		}
		if block != "" {
			examples = append(examples, block)
		}
		block = ""
	}
	require.Len(t, examples, 2)
	head, _, _ := strings.Cut(examples[0], "podCIDRs")
	file := filepath.Join(t.TempDir(), "podreach.yaml")
	for i, text := range []string{examples[0], head + examples[1]} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		c, _, bad, err := readConfig(file)
		require.NoError(t, err)
		require.Empty(t, bad, text)
		require.Len(t, c.workloads, 1)
		require.Len(t, c.unmanaged, []int{3, 0}[i])
		require.NotNil(t, c.table().Lookup("example.com/v1", "Trainer"))
		require.NotNil(t, c.table().Lookup("ray.io/v1", "RayCluster"))
	}
}

// A configuration is found by itself in the current folder, and so may be
// anybody's: it cannot make the run hang or fill the memory.
func TestConfigIsBounded(t *testing.T) {
	head := "apiVersion: podreach.io/v1alpha1\nkind: Config\nworkloads:\n- gvk: example.com/v1/Trainer\n  templates: "
	file := filepath.Join(t.TempDir(), "podreach.yaml")
	for text, want := range map[string]string{
		strings.Repeat("a", maxConfig+1):                                                                                     "a configuration has at most 1024 KiB",
		head + "['{.spec" + strings.Repeat(".a", 1000) + "}']\n":                                                             "workloads: templates: a path is longer than 1000 bytes",
		head + "['{.spec" + strings.Repeat(".a", 100) + "}']\n":                                                              "has more than 64 steps",
		head + "['{.spec.l" + strings.Repeat("[0,0,0,0,0]", 2) + "}']\n":                                                     "leads more than 16 ways; unions multiply",
		head + "[{each: '{.spec.l" + strings.Repeat("[0,0,0]", 3) + "}', podSpec: '{.spec}'}]\n":                             "leads more than 16 ways",
		head + "['{.spec.l[?(@" + strings.Repeat("[0,0,0]", 3) + "==1)]}']\n":                                                "leads more than 16 ways",
		head + "[{podSpec: '{.spec}', when: &a [*a]}]\n":                                                                     "workloads hold more than 200000 values",
		head + "['{.spec}']\n  sources: [&a [" + strings.Repeat("x,", 400) + "], &b [" + strings.Repeat("*a,", 600) + "]]\n": "workloads hold more than 200000 values",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, _, bad, err := readConfig(file)
		require.NoError(t, err)
		require.Len(t, bad, 1, text[:min(len(text), 300)])
		require.Equal(t, dialect.CodeBadConfig, bad[0].Code)
		require.Contains(t, bad[0].Message, want)
	}
	require.NoError(t, os.Remove(file))
	require.NoError(t, syscall.Mkfifo(file, 0o600))
	_, _, bad, err := readConfig(file)
	require.NoError(t, err)
	require.Equal(t, "a configuration must be a regular file", bad[0].Message)
}

// A row that finds no pods in any object of its kind is likely wrong.
func TestRowThatFindsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("in.yaml", []byte(`apiVersion: example.com/v1
kind: Trainer
metadata: {name: t, namespace: ml}
spec: {map: {a: 1, b: 2}, list: [], template: {spec: {containers: []}}}
`), 0o600))
	const nothing = "in.yaml:1:1: warning: the templates of the row for example.com/v1/Trainer lead to nothing in any of 1 objects of the kind; is a path wrong? If such objects have no pods, say so in the row with when (PR3010)\n"
	for template, want := range map[string]string{
		"'{.spec.tmplate}'":                              nothing,
		"{each: '{.spec.list}', podSpec: '{.item}'}":     nothing,
		"{when: '{.spec.x}', podSpec: '{.spec.x}'}":      "",
		"'{.spec.template}'":                             "",
		"'{.spec.map}'":                                  "in.yaml:4:8: Trainer ml/t: spec.map does not fit; it must be a pod template, with metadata or spec (PR1006)\n",
		"{podSpec: '{.spec.none}', when: '{.spec.map}'}": nothing,
	} {
		config := "apiVersion: podreach.io/v1alpha1\nkind: Config\nworkloads:\n- gvk: example.com/v1/Trainer\n  templates: [" + template + "]\n"
		require.NoError(t, os.WriteFile("podreach.yaml", []byte(config), 0o600))
		var stdout, stderr bytes.Buffer
		Main([]string{"podreach", "list", "-f", "in.yaml"}, nil, &stdout, &stderr)
		if want == "" {
			require.NotContains(t, stderr.String(), "(PR3010)", template)
			require.NotContains(t, stderr.String(), "(PR1006)", template)
			continue
		}
		require.Contains(t, stderr.String(), want, template)
	}
}
