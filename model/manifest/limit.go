package manifest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/podreach/podreach/internal/nearest"
)

// Limits bounds what one input can cost. A zero field means its default.
type Limits struct {
	Document  int64 // bytes of a JSON value; members of a JSON list count one by one
	YAML      int64 // bytes of a YAML document; by default at most Document
	Expansion int64 // bytes that the aliases of one YAML document may add
	Depth     int64 // levels of nesting in a YAML document (JSON: 10,000, the decoder's own)
	Text      int64 // bytes of the text of an input, after decompression
	Kept      int64 // bytes of memory, after compression, for the text of an input that cannot be read again
	Objects   int64 // objects of an input, members of lists among them
	Problems  int64 // diagnostics about the objects of an input
}

// The defaults of Limits.
const (
	MaxDocument  = 64 << 20 // bytes
	MaxYAML      = 32 << 20 // bytes, a list of some 5,000 pods; the parser takes 80 times as much memory, up to 150 times for lists of digits
	MaxExpansion = 16 << 20 // bytes
	MaxDepth     = 1000     // levels
	MaxText      = 8 << 30  // bytes, some 700,000 pods as kubectl prints them
	MaxKept      = 1 << 30  // bytes
	MaxObjects   = 5_000_000
	MaxProblems  = 100_000
)

// maxNesting is the JSON decoder's bound on nesting. All that is YAML becomes JSON.
const maxNesting = 10_000

// limit is a field of Limits under its name.
type limit struct {
	name     string
	bytes    bool
	standard int64
	most     int64 // 0: it may have any value
	field    func(*Limits) *int64
}

var limits = []limit{
	{"document", true, MaxDocument, 0, func(l *Limits) *int64 { return &l.Document }},
	{"yaml", true, MaxYAML, 0, func(l *Limits) *int64 { return &l.YAML }},
	{"aliases", true, MaxExpansion, 0, func(l *Limits) *int64 { return &l.Expansion }},
	{"depth", false, MaxDepth, maxNesting, func(l *Limits) *int64 { return &l.Depth }},
	{"text", true, MaxText, 0, func(l *Limits) *int64 { return &l.Text }},
	{"kept", true, MaxKept, 0, func(l *Limits) *int64 { return &l.Kept }},
	{"objects", false, MaxObjects, 0, func(l *Limits) *int64 { return &l.Objects }},
	{"problems", false, MaxProblems, 0, func(l *Limits) *int64 { return &l.Problems }},
}

// ParseLimits reads limits as people write them, "document=128Mi,depth=2k": names
// that DefaultLimits has, and quantities as Kubernetes has them. Limits that
// are not named are 0.
func ParseLimits(text string) (Limits, error) {
	var out Limits
	for word := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(word), "=")
		if !ok {
			return Limits{}, fmt.Errorf("%q is not in the form NAME=VALUE, such as document=128Mi", clip(word))
		}
		l := limitOf(name)
		if l == nil {
			return Limits{}, fmt.Errorf("there is no limit %q%s", clip(name), didYouMean(name))
		}
		q, err := resource.ParseQuantity(value)
		n := q.Value()
		switch {
		case *l.field(&out) != 0:
			return Limits{}, fmt.Errorf("%s is given twice", name)
		case err != nil, strings.HasSuffix(value, "m"), strings.HasSuffix(value, "u"), strings.HasSuffix(value, "n"), q.Sign() > 0 && (n <= 0 || n > 1<<60):
			return Limits{}, fmt.Errorf("%s is %q, expected a number such as 2000 or 128Mi", name, clip(value))
		case q.Sign() <= 0:
			return Limits{}, fmt.Errorf("%s is %s, expected more than 0", name, value)
		case l.most > 0 && n > l.most:
			return Limits{}, fmt.Errorf("%s is %s, expected at most %d", name, value, l.most)
		}
		*l.field(&out) = n
	}
	return out, nil
}

// DefaultLimits is the text from which ParseLimits would make the defaults.
func DefaultLimits() string {
	words := make([]string, len(limits))
	for i, l := range limits {
		words[i] = l.name + "=" + l.quantity(l.standard)
	}
	return strings.Join(words, ",")
}

func limitOf(name string) *limit {
	for i := range limits {
		if limits[i].name == name {
			return &limits[i]
		}
	}
	return nil
}

func didYouMean(name string) string {
	names := make([]string, len(limits))
	for i, l := range limits {
		names[i] = l.name
	}
	if n := nearest.Of(name, names); n != "" {
		return "; did you mean " + n + "?"
	}
	return "; valid are " + strings.Join(names, ", ")
}

// quantity writes a value as ParseLimits reads it.
func (l *limit) quantity(n int64) string {
	units, by := []string{"", "k", "M", "G"}, int64(1000)
	if l.bytes {
		units, by = []string{"", "Ki", "Mi", "Gi"}, 1024
	}
	i := 0
	for ; i < len(units)-1 && n%by == 0; i++ {
		n /= by
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// complete puts the defaults where nothing is said.
func (l Limits) complete() Limits {
	if l.YAML <= 0 && l.Document > 0 {
		l.YAML = min(l.Document, MaxYAML)
	}
	for i := range limits {
		if p := limits[i].field(&l); *p <= 0 {
			*p = limits[i].standard
		}
	}
	return l
}

// raise says how a limit is raised, in a message that it was exceeded:
// " (--limit yaml=64Mi raises this)".
func (l Limits) raise(name string) string {
	which := limitOf(name)
	now := *which.field(&l)
	if which.most > 0 && now >= which.most {
		return ""
	}
	next := now * 2
	if which.most > 0 {
		next = min(next, which.most)
	}
	return fmt.Sprintf(" (--limit %s=%s raises this)", name, which.quantity(next))
}

// limitError is an input that exceeds one of Limits, or a bound that is fixed.
type limitError struct{ message string }

func (e *limitError) Error() string { return e.message }

// isLimit reports whether err comes from a limit, the JSON decoder's own
// bound on nesting included.
func isLimit(err error) bool {
	var l *limitError
	return errors.As(err, &l) || strings.Contains(err.Error(), "exceeded max depth")
}

// size prints a number of bytes: "64 MiB".
func size(n int64) string {
	for _, unit := range []string{" bytes", " KiB", " MiB"} {
		if n < 1024 || n%1024 != 0 {
			return strconv.FormatInt(n, 10) + unit
		}
		n /= 1024
	}
	return strconv.FormatInt(n, 10) + " GiB"
}
