package cli

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/podreach/podreach/model/dialect"
)

// baseline is what is known not to hold: podreach.baseline/v1
// (docs/schema/baseline.json).
type baseline struct {
	Schema   string            `json:"schema"`
	Findings []baselineFinding `json:"findings"`

	at map[string]bool // by fingerprint
}

// baselineFinding is one thing that does not hold. The fingerprint is that of the
// other two, which are there for people.
type baselineFinding struct {
	Assertion   string `json:"assertion"`
	About       string `json:"about"`
	Fingerprint string `json:"fingerprint"`
}

// baselineDocument is the part of a document about the baseline.
type baselineDocument struct {
	File string   `json:"file"`
	Gone []string `json:"gone"` // what is in it and holds now, or is stated no more
}

const baselineSchema = "podreach.baseline/v1"

// maxBaseline is how long a baseline may be.
const maxBaseline = 256 << 20

func newBaselineFinding(assertion, about string) baselineFinding {
	sum := sha256.Sum256([]byte(assertion + "\x00" + about))
	return baselineFinding{assertion, about, hex.EncodeToString(sum[:16])}
}

func (f *baselineFinding) text() string { return f.Assertion + ": " + f.About }

func compareFindings(a, b baselineFinding) int {
	return cmp.Or(strings.Compare(a.Assertion, b.Assertion), strings.Compare(a.About, b.About))
}

func readBaseline(file string) (*baseline, error) {
	info, err := os.Stat(file)
	if os.IsNotExist(err) {
		return nil, coded(dialect.CodeUnreadable, "--baseline %s does not exist; --write-baseline makes it", file)
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxBaseline) {
		return nil, coded(dialect.CodeUnreadable, "--baseline %s is no file of at most %d MiB", file, maxBaseline>>20)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, coded(dialect.CodeUnreadable, "--baseline %s: %s", file, pathError(err))
	}
	b := &baseline{at: map[string]bool{}}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, coded(dialect.CodeBadAssertions, "--baseline %s: %v", file, err)
	}
	if b.Schema != baselineSchema {
		return nil, coded(dialect.CodeBadAssertions, "--baseline %s: schema is %q, expected %q", file, b.Schema, baselineSchema)
	}
	for _, f := range b.Findings {
		if f != newBaselineFinding(f.Assertion, f.About) {
			return nil, coded(dialect.CodeBadAssertions, "--baseline %s: the fingerprint of %q is not its own; write the file anew with --write-baseline", file, f.text())
		}
		b.at[f.Fingerprint] = true
	}
	return b, nil
}

// has reports whether a finding is known. What was certain and only may be now
// is no news.
func (b *baseline) has(f baselineFinding) bool {
	if certain, ok := strings.CutSuffix(f.About, uncertainKey); ok && b.at[newBaselineFinding(f.Assertion, certain).Fingerprint] {
		return true
	}
	return b.at[f.Fingerprint]
}

// gone lists what is in the baseline and not among the findings of now.
func (b *baseline) gone(now []baselineFinding) []string {
	is := map[string]bool{}
	for _, f := range now {
		is[f.Fingerprint] = true
		if certain, ok := strings.CutSuffix(f.About, uncertainKey); ok {
			is[newBaselineFinding(f.Assertion, certain).Fingerprint] = true
		}
	}
	out := []string{}
	for _, f := range b.Findings {
		if !is[f.Fingerprint] {
			out = append(out, f.text())
		}
	}
	slices.Sort(out)
	return out
}

// writeBaseline writes findings, sorted, each once.
func writeBaseline(file string, findings []baselineFinding) error {
	sorted := slices.Clone(findings)
	slices.SortFunc(sorted, compareFindings)
	b := baseline{Schema: baselineSchema, Findings: slices.Compact(sorted)}
	if b.Findings == nil {
		b.Findings = []baselineFinding{}
	}
	err := replace(file, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(b)
	})
	if err != nil {
		return coded(dialect.CodeUnreadable, "--baseline %s: %s", file, pathError(err))
	}
	return nil
}
