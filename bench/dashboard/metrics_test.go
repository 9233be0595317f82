package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	metadataLine = regexp.MustCompile(`^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
	sampleLine   = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?[0-9.]+(?:e[+-][0-9]+)?)$`)
	labelSet     = regexp.MustCompile(`^\{([a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*)\}$`)
)

// readMetrics reads the part of OpenMetrics 1.0.0 that gauges and infos are, and
// fails on all else: metadata first, in families that stand together, a unit
// that is the suffix of the name, no sample twice, and EOF at the end.
func readMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	rest, ok := strings.CutSuffix(text, "# EOF\n")
	require.True(t, ok, "no EOF")
	out, kinds, sampled, family := map[string]float64{}, map[string]string{}, false, ""
	for _, line := range strings.Split(strings.TrimSuffix(rest, "\n"), "\n") {
		if m := metadataLine.FindStringSubmatch(line); m != nil {
			if m[2] != family {
				require.True(t, family == "" || sampled, "%s has no sample", family)
				require.Equal(t, "TYPE", m[1], line)
				require.NotContains(t, kinds, m[2], "a family in two places")
				family, sampled = m[2], false
			}
			require.False(t, sampled, "metadata after samples: %s", line)
			switch m[1] {
			case "TYPE":
				require.Contains(t, []string{"gauge", "info"}, m[3])
				kinds[family] = m[3]
			case "UNIT":
				require.True(t, strings.HasSuffix(family, "_"+m[3]), line)
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		require.NotNil(t, m, "%q", line)
		name := family
		if kinds[family] == "info" {
			name += "_info"
			require.Equal(t, "1", m[3])
		}
		require.Equal(t, name, m[1], "a sample outside of its family")
		if m[2] != "" {
			require.Regexp(t, labelSet, m[2])
		}
		require.NotContains(t, out, m[1]+m[2], "twice")
		v, err := strconv.ParseFloat(m[3], 64)
		require.NoError(t, err)
		out[m[1]+m[2]], sampled = v, true
	}
	require.True(t, sampled)
	return out
}

func TestMetrics(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeMetrics(&b, compared(t, "before.txt", "elsewhere.txt", "after.txt")))
	got := readMetrics(t, b.String())
	who := `{op="Compile",shape="replicas",size="10k"}`
	require.InDelta(t, 0.006035, got["podreach_benchmark_time_seconds"+who], 1e-12)
	require.InDelta(t, 0.006, got["podreach_benchmark_limit_seconds"+who], 1e-12)
	require.InDelta(t, 1.2, got["podreach_benchmark_time_change_ratio"+who], 0.005)
	require.Equal(t, 1.0, got["podreach_benchmark_regressions"+who])
	require.Equal(t, 0.0, got[`podreach_benchmark_regressions{op="Compile",shape="tiers",size="100k"}`])
	require.Equal(t, 6.0, got["podreach_benchmark_samples"+who])
	require.Equal(t, 1517.0, got["podreach_benchmark_classes"+who])
	require.Equal(t, 1408.0, got[`podreach_benchmark_rows{op="AllPairs",shape="unique",size="10k"}`])
	require.Equal(t, 1.0, got[`podreach_benchmark_run_info{commit="bbbbbbbb11111111111111111111111111111111",dirty="false",go="go1.26.8",cpu="AMD EPYC",procs="2",os="linux",arch="amd64"}`])

	// A run with nothing to compare, and a name to escape.
	b.Reset()
	require.NoError(t, writeMetrics(&b, compared(t, "elsewhere.txt")))
	got = readMetrics(t, b.String())
	require.Contains(t, b.String(), `cpu="Xeon <b>\"&\\ 2.20GHz"`)
	require.NotContains(t, b.String(), "time_change_ratio")
	require.InDelta(t, 47.1e-9, got[`podreach_benchmark_time_seconds{op="Verdict",shape="replicas",size="100k"}`], 1e-15)
}
