package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// The assertions files of docs/examples state the documented intent of public
// applications: where each is, how it is run, and where the intent is
// documented. Their manifests are not here, only what is given beside them.
func TestExampleAssertions(t *testing.T) {
	const folder = "../../../docs/examples"
	files, err := filepath.Glob(folder + "/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 4)
	s := schema(t, "assertionset")
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			document, err := yaml.YAMLToJSON(text)
			require.NoError(t, err)
			valid(t, s, string(document), false)

			require.Regexp(t, `(?s)# about   https://github\.com/\S+/\S+ at commit\s+#\s+[0-9a-f]{40}: \S`, string(text))
			require.Regexp(t, `# run     .*podreach check docs/examples/`+name+` `, string(text))
			require.Contains(t, string(text), "\n# finds   ")
			var set struct {
				Spec struct {
					Assertions []struct{ ID, Because string }
				}
			}
			require.NoError(t, json.Unmarshal(document, &set))
			require.GreaterOrEqual(t, len(set.Spec.Assertions), 8)
			for _, a := range set.Spec.Assertions {
				require.NotEmpty(t, a.Because, a.ID)
			}

			args := []string{"check", file, "--allow-empty", "-f", folder + "/cluster/common.yaml"}
			if beside := folder + "/cluster/" + name; name == "jupyterhub.yaml" {
				args = append(args, "-f", beside)
			}
			stdout, stderr, code := exec("", append(args, "-o", "json")...)
			require.Less(t, code, exitError, stderr)
			valid(t, schema(t, "check"), stdout, false)
			var got struct {
				Summary struct{ Assertions int }
			}
			require.NoError(t, json.Unmarshal([]byte(stdout), &got))
			require.Equal(t, len(set.Spec.Assertions), got.Summary.Assertions)
		})
	}
}
