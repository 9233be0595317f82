package fuzz

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/podreach/podreach/internal/gen"
)

// maxQuestions is how many sources of questions are tried on a shrunk
// cluster: a check that samples may miss what it met in the whole one.
const maxQuestions = 3

// check is Check, where a panic is an error.
func (c *Comparison) check(cluster *gen.Cluster, r *rand.Rand) (n Count, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return c.Check(cluster, r)
}

// failure tells everything about a disagreement: where it is, how to see it
// again, and the smallest cluster that still has one of the same sort.
func (c *Comparison) failure(where, rerun string, cluster *gen.Cluster, questions func(try uint64) *rand.Rand, err error) string {
	sort, found := sortOf(err), err
	small := gen.Shrink(cluster, func(s *gen.Cluster) bool {
		for try := range uint64(maxQuestions) {
			if _, e := c.check(s, questions(try)); e != nil && sortOf(e) == sort {
				found = e
				return true
			}
		}
		return false
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v\nrerun: %s\nshrunk from %d objects to %d, of which: %v\n", where, err, rerun, cluster.Objects(), small.Objects(), found)
	b.WriteString(configuration(small))
	b.Write(small.YAML())
	return b.String()
}

var digits = regexp.MustCompile("[0-9]+")

// sortOf is what an error has in common with those of other clusters that have
// the same reason: the question of a Mismatch, otherwise the text before the
// first colon, of a panic up to the second.
func sortOf(err error) string {
	if m := (*Mismatch)(nil); errors.As(err, &m) {
		return m.What
	}
	parts := strings.SplitN(err.Error(), ":", 3)
	if parts[0] == "panic" && len(parts) > 1 {
		line, _, _ := strings.Cut(parts[1], "\n")
		parts[0] += line
	}
	return digits.ReplaceAllString(parts[0], "0")
}

// configuration is what the objects do not say, as comments: lines of a
// podreach.yaml, and flags.
func configuration(c *gen.Cluster) string {
	var b strings.Builder
	list := func(name string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(&b, "# %s: ['%s']\n", name, strings.Join(values, "', '"))
		}
	}
	list("podCIDRs", c.PodCIDRs)
	list("serviceCIDRs", c.ServiceCIDRs)
	list("ipFamilies", c.Families)
	var unmanaged []string
	for _, set := range c.Unmanaged {
		unmanaged = append(unmanaged, set.String())
	}
	list("unmanaged", unmanaged)
	if c.Profile != "" {
		fmt.Fprintf(&b, "# --profile %s\n", c.Profile)
	}
	if c.DefaultNamespace != "" {
		fmt.Fprintf(&b, "# --default-namespace %s\n", c.DefaultNamespace)
	}
	return b.String()
}
