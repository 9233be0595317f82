package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func fixture(t *testing.T, name string) *Run {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	r, err := parseRun(text)
	require.NoError(t, err)
	return r
}

func compared(t *testing.T, names ...string) *Comparison {
	t.Helper()
	var runs []*Run
	for _, n := range names {
		runs = append(runs, fixture(t, n))
	}
	limits, err := readLimits("testdata/limits.json")
	require.NoError(t, err)
	return compare(inOrder(runs), limits)
}

func (c *Comparison) trend(t *testing.T, name string) *Trend {
	t.Helper()
	i := slices.IndexFunc(c.Trends, func(t *Trend) bool { return t.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return c.Trends[i]
}

func kinds(t *Trend) map[string]Kind {
	out := map[string]Kind{}
	for _, c := range t.Changes {
		out[c.Unit] = c.Kind
	}
	return out
}

func TestParse(t *testing.T) {
	r := fixture(t, "before.txt")
	require.Equal(t, Machine{CPU: "AMD EPYC", Procs: 2, OS: "linux", Arch: "amd64"}, r.Machine)
	require.Equal(t, "2026-11-01T10:00:00Z", r.Date.Format("2006-01-02T15:04:05Z07:00"))
	require.Equal(t, "aaaaaaaa00000000000000000000000000000000", r.Commit)
	require.Equal(t, "aaaaaaa", r.Short())
	require.Equal(t, "go1.26.8", r.Go)
	require.False(t, r.Dirty)
	require.Nil(t, r.Waiting)
	require.Len(t, r.Benchmarks, 6)
	require.Equal(t, "Compile/replicas/10k", r.Benchmarks[0].Name)
	v := r.benchmark("Verdict/replicas/100k").Samples
	require.Equal(t, []float64{141, 155.2, 138.9, 149.9, 144.3, 160.1}, v["ns/op"], "nanoseconds stay nanoseconds")
	require.Equal(t, []float64{104.3, 104.3, 104.3, 104.3, 104.3, 104.3}, v["heap-B/pod"])
	require.Equal(t, 7092198.0, v["verdicts/s"][5])
}

func TestParseRefuses(t *testing.T) {
	text, err := os.ReadFile("testdata/before.txt")
	require.NoError(t, err)
	good := string(text)
	for name, c := range map[string]struct{ old, now, says string }{
		"no commit":        {"commit: ", "comit: ", "commit"},
		"no date":          {"date: 2026-11-01T10:00:00Z\n", "", "date"},
		"no go":            {"go: go1.26.8\n", "", "go"},
		"no CPU":           {"cpu: AMD EPYC\n", "", "cpu"},
		"a bad date":       {"2026-11-01T10:00:00Z", "yesterday", "yesterday"},
		"a failure":        {"PASS\n", "--- FAIL: BenchmarkExplain\n", "BenchmarkExplain"},
		"a panic":          {"PASS\n", "panic: index out of range\n", "index out of range"},
		"two machines":     {"BenchmarkPodChurn/replicas/10k-2", "BenchmarkPodChurn/replicas/10k-4", "PodChurn"},
		"two packages":     {"BenchmarkPodChurn", "pkg: example.com/other\nBenchmarkPodChurn", "example.com/other"},
		"a line cut short": {"\t1503 ns/op", "\t1503", "benchmarks:39"},
		"bad waiting":      {"PASS\n", "waiting: long\n", "waiting"},
		"no benchmark":     {"Benchmark", "Benchmrk", "no benchmark"},
	} {
		bad := strings.ReplaceAll(good, c.old, c.now)
		if strings.HasPrefix(name, "two") {
			bad = strings.Replace(good, c.old, c.now, 1)
		}
		require.NotEqual(t, good, bad, name)
		_, err := parseRun([]byte(bad))
		require.ErrorContains(t, err, c.says, name)
	}
}

// The planted regression is found, and the one more allocation; noise is not,
// nor what is certain but small, nor what too few samples say.
func TestCompare(t *testing.T) {
	c := compared(t, "after.txt", "before.txt")
	require.Equal(t, "bbbbbbb", c.Newest.Short())
	require.Len(t, c.Trends, 6)

	var worse []string
	for _, f := range c.all(Worse) {
		worse = append(worse, f.Name+" "+f.Unit)
	}
	require.Equal(t, []string{"Verdict/replicas/100k allocs/op", "Compile/replicas/10k ns/op"}, worse)
	planted := c.trend(t, "Compile/replicas/10k")
	require.Equal(t, "aaaaaaa", planted.Before.Short())
	require.InDelta(t, 1.2, planted.time().Ratio(), 0.005)
	require.InDelta(t, 0.002, planted.time().P, 0.0005, "the least p of six and six samples")
	require.Equal(t, map[string]Kind{"ns/op": Worse, "B/op": Same, "allocs/op": Same, "heap-B/pod": Same, "classes": Same, "addr-atoms": Same, "port-atoms": Same}, kinds(planted))

	require.Equal(t, Better, c.trend(t, "Compile/replicas/100k").time().Kind)
	require.Len(t, c.all(Better), 1)
	noise := c.trend(t, "Verdict/replicas/100k")
	require.Equal(t, Same, noise.time().Kind)
	require.Greater(t, noise.time().P, 0.05)
	small := c.trend(t, "Compile/tiers/100k")
	require.Less(t, small.time().P, 0.05)
	require.Equal(t, Same, small.time().Kind)
	few := c.trend(t, "PodChurn/replicas/10k")
	require.Equal(t, Few, few.time().Kind)
	require.Greater(t, few.time().Ratio(), 2.0)
	require.Equal(t, Same, kinds(few)["allocs/op"])
	require.Equal(t, Differs, kinds(c.trend(t, "AllPairs/unique/10k"))["classes"])

	// What is measured once a run needs a larger difference, and no samples.
	for _, h := range []struct {
		now  float64
		kind Kind
	}{{104, Same}, {109, Same}, {111, Worse}, {91, Same}, {89, Better}} {
		require.Equal(t, h.kind, change("heap-B/pod", []float64{100}, []float64{h.now}).Kind, h.now)
	}

	// The other way round what was a regression is an improvement.
	back := change("ns/op", fixture(t, "after.txt").Benchmarks[0].Samples["ns/op"], fixture(t, "before.txt").Benchmarks[0].Samples["ns/op"])
	require.Equal(t, Better, back.Kind)
}

func TestLimits(t *testing.T) {
	c := compared(t, "before.txt", "after.txt")
	all, over := c.limited()
	require.Equal(t, 4, all, "Compile/unique/1M did not run")
	require.Equal(t, 2, over)
	compile := c.trend(t, "Compile/replicas/10k").Against
	require.InDelta(t, 6.035/6, compile[0].Ratio(), 1e-9)
	require.InDelta(t, 104.3/120, compile[1].Ratio(), 1e-9)
	tiers := c.trend(t, "Compile/tiers/100k").Against
	require.InDelta(t, 1.3*50.95e6, tiers[0].Value, 1, "of the median of the same run")

	for text, says := range map[string]string{
		`[{"benchmark": "A", "time": "6", "source": "s"}]`:                                   "missing unit",
		`[{"benchmark": "A", "time": "-6s", "source": "s"}]`:                                 "-6s",
		`[{"benchmark": "A", "time": "6s"}]`:                                                 "no source",
		`[{"benchmark": "A", "time": "6s", "heap": 1, "source": "s"}]`:                       "one of",
		`[{"benchmark": "A", "times": 6, "source": "s"}]`:                                    "one of",
		`[{"benchmark": "A", "until": "6s", "source": "s"}]`:                                 "until",
		`[{"benchmark": "A", "time": "6s", "times": 2, "of": "B", "source": "s"}]`:           "one of",
		`[{"benchmark": "A", "source": "s"}, {"benchmark": "B", "time":"1s","source": "s"}]`: "A: one of",
	} {
		file := filepath.Join(t.TempDir(), "limits.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := readLimits(file)
		require.ErrorContains(t, err, says)
	}
	_, err := readLimits("../limits.json")
	require.NoError(t, err)
}

// A run of another machine stands in the history, and nothing is compared with
// it, although it is newer than the run that is.
func TestAnotherMachine(t *testing.T) {
	c := compared(t, "before.txt", "elsewhere.txt", "after.txt")
	require.Len(t, c.Runs, 2)
	require.Len(t, c.Others, 1)
	require.Equal(t, "aaaaaaa", c.trend(t, "Compile/replicas/10k").Before.Short())
	require.Equal(t, "aaaaaaa", c.trend(t, "Verdict/replicas/100k").Before.Short())
	require.Len(t, c.trend(t, "Verdict/replicas/100k").Points, 2)

	c = compared(t, "before.txt", "elsewhere.txt")
	require.Equal(t, 8, c.Newest.Machine.Procs)
	require.Len(t, c.Trends, 2)
	for _, trend := range c.Trends {
		require.Nil(t, trend.Before)
		require.Equal(t, First, trend.time().Kind)
	}
}

// The commit before is another commit: a second run of the same is not compared
// with the first, but a dirty run is.
func TestCommitBefore(t *testing.T) {
	before, first, again := fixture(t, "before.txt"), fixture(t, "after.txt"), fixture(t, "after.txt")
	again.Date = again.Date.AddDate(0, 0, 1)
	c := compare([]*Run{before, first, again}, nil)
	require.Same(t, again, c.trend(t, "Compile/replicas/10k").Last)
	require.Same(t, before, c.trend(t, "Compile/replicas/10k").Before)
	again.Dirty = true
	c = compare([]*Run{before, first, again}, nil)
	require.Same(t, first, c.trend(t, "Compile/replicas/10k").Before)
	require.Equal(t, "bbbbbbb*", again.Short())

	// What the newest run has not measured keeps its last comparison.
	again.Benchmarks = again.Benchmarks[3:4]
	c = compare([]*Run{before, first, again}, nil)
	require.Len(t, c.Trends, 6)
	require.Equal(t, "Verdict", c.Trends[0].Op)
	require.Same(t, first, c.trend(t, "Compile/replicas/10k").Last)
	require.Same(t, before, c.trend(t, "Compile/replicas/10k").Before)
}

// The reader is told if the machine was busy in a run that is compared, not of
// others.
func TestBusy(t *testing.T) {
	c := compared(t, "before.txt", "elsewhere.txt", "after.txt")
	require.Empty(t, c.Busy())
	require.NotContains(t, html(t, c), "was busy")
	little, much := 12.0, 93.0
	c.Others[0].Waiting, c.Runs[1].Waiting = &much, &little
	require.Empty(t, c.Busy())

	text, err := os.ReadFile("testdata/before.txt")
	require.NoError(t, err)
	busy, err := parseRun(append(text, "waiting: 93\n"...))
	require.NoError(t, err)
	c = compare([]*Run{busy, c.Runs[1]}, nil)
	require.Equal(t, []*Run{busy}, c.Busy())
	page := html(t, c)
	require.Contains(t, page, "when <code>aaaaaaa</code> was measured: in 93 % of the time")
	require.Contains(t, strings.Join(c.summary(), "\n"), "busy when aaaaaaa was measured")
	balanced(t, page)
}

func TestHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.jsonl")
	runs, err := readHistory(file)
	require.NoError(t, err)
	require.Empty(t, runs)
	before, after := fixture(t, "before.txt"), fixture(t, "after.txt")
	require.NoError(t, appendHistory(file, after))
	require.NoError(t, appendHistory(file, before))
	runs, err = readHistory(file)
	require.NoError(t, err)
	require.Equal(t, []*Run{before, after}, runs, "by date")
	require.True(t, has(runs, fixture(t, "after.txt")))
	require.False(t, has(runs, fixture(t, "elsewhere.txt")))

	require.NoError(t, os.WriteFile(file, []byte("{}\n{\n"), 0o600))
	_, err = readHistory(file)
	require.ErrorContains(t, err, "history.jsonl:2")
}

func TestCommand(t *testing.T) {
	folder := t.TempDir()
	history, out := filepath.Join(folder, "history.jsonl"), filepath.Join(folder, "dashboard")
	require.ErrorContains(t, run("history", "", 1, nil, history, "testdata/limits.json", out), "no run")
	for range 2 { // the second time it has them
		for _, f := range []string{"before.txt", "elsewhere.txt", "after.txt"} {
			require.NoError(t, run("testdata/"+f, "", 1, nil, history, "testdata/limits.json", out))
		}
	}
	require.NoError(t, run("history", "", 1, nil, history, "testdata/limits.json", out))
	runs, err := readHistory(history)
	require.NoError(t, err)
	require.Len(t, runs, 3)
	for _, suffix := range []string{".html", ".json", ".prom"} {
		text, err := os.ReadFile(out + suffix)
		require.NoError(t, err)
		require.Contains(t, string(text), "Compile")
	}
}

func html(t *testing.T, c *Comparison) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writePage(&b, c))
	return b.String()
}

func TestPage(t *testing.T) {
	text := html(t, compared(t, "before.txt", "elsewhere.txt", "after.txt"))
	for _, says := range []string{
		"2 runs of this kind of machine are shown. 1 run of other machines in the history is not compared with them.",
		"<b>2</b>regressions", "<b>2 of 4</b>limits exceeded", "&#43;20 %", "from 0", "×1.20 slower", "too few samples",
		"classes 10,318 before, now 10,400: not the same work",
		`id="op-Compile"`, `id="op-Verdict"`, `href="#op-AllPairs"`,
		"Trend of Compile/replicas/10k over 2 runs: from 5.04 ms to 6.04 ms",
	} {
		require.True(t, strings.Contains(text, says), says)
	}
	for _, not := range []string{"http:", "https:", "<script", "src=", "@import", "url(", "ZgotmplZ", "NaN", "Inf", "<b>\"&", "%!"} {
		require.False(t, strings.Contains(text, not), not)
	}
	balanced(t, text)

	// The other machine's name has all that HTML must escape.
	text = html(t, compared(t, "elsewhere.txt"))
	require.Contains(t, text, `Xeon &lt;b&gt;&#34;&amp;\ 2.20GHz`)
	require.Contains(t, text, "nothing is compared")
	require.Contains(t, text, "<b>?</b>regressions")
	require.NotContains(t, text, "NaN")
	balanced(t, text)
}

// balanced fails if tags do not nest, if an id is there twice, and if a link
// goes nowhere.
func balanced(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.AutoClose, d.Entity = append(slices.Clone(xml.HTMLAutoClose), "wbr"), xml.HTMLEntity
	d.Strict = false
	ids, links, pictures := map[string]bool{}, []string{}, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attr := map[string]string{}
		for _, a := range e.Attr {
			attr[a.Name.Local] = a.Value
		}
		if id, ok := attr["id"]; ok {
			require.False(t, ids[id], id)
			ids[id] = true
		}
		if e.Name.Local == "a" {
			links = append(links, attr["href"])
		}
		if e.Name.Local == "svg" {
			pictures++
			require.True(t, attr["aria-hidden"] == "true" || attr["role"] == "img" && attr["aria-label"] != "", "a picture that says nothing")
		}
	}
	require.NotEmpty(t, links)
	for _, l := range links {
		require.True(t, ids[strings.TrimPrefix(l, "#")], l)
	}
	require.Greater(t, pictures, 3)
}

func TestAction(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeAction(&b, compared(t, "before.txt", "after.txt")))
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	var got []result
	require.NoError(t, d.Decode(&got))
	require.Equal(t, result{Name: "Compile/replicas/10k", Unit: "ns/op", Value: 6035000, Range: "± 1 %",
		Extra: "6 samples\ngo1.26.8\nAMD EPYC, 2 processors, linux/amd64"}, got[0])
	names := map[string]bool{}
	for _, r := range got {
		require.False(t, names[r.Name], "the name alone tells them apart: %s", r.Name)
		names[r.Name] = true
	}
	require.True(t, names["Verdict/replicas/100k - allocs/op"])
	require.Len(t, got, 6*4)
}

func TestQuantity(t *testing.T) {
	for want, got := range map[string]string{
		"0 ns": quantity(0, "ns/op"), "4.57 ns": quantity(4.5678, "ns/op"), "158 ns": quantity(158, "ns/op"), "1.00 µs": quantity(999.7, "ns/op"),
		"16.6 ms": quantity(16_612_345, "ns/op"), "12,345 s": quantity(1.2345e13, "ns/op"), "104 B": quantity(104.3, "heap-B/pod"),
		"54.5 MB": quantity(54_542_032, "B/op"), "231,636": quantity(231_636, "allocs/op"), "0.0123": quantity(0.0123, "other"),
		"6.13 G/s": quantity(6131928942, "verdicts/s"), "×1.20": ratio(1.2), "×135": ratio(135.2), "± 0 %": spread(5, 5, 5), "± 10 %": spread(10, 9, 10.5),
	} {
		require.Equal(t, want, got)
	}
}
