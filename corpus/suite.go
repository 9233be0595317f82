package corpus

import (
	"fmt"
	"slices"
	"testing"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// System is an implementation under test: it loads a case and returns a
// function that answers queries about it. A query about an endpoint that the
// case does not have must give an error.
type System func(Case) (func(Query) (model.Verdict, error), error)

// Run takes sys through every case, as a subtest each. The sets that a case
// expects are compared at every boundary of every set and port in the case,
// and at the neighbours of these, in all three protocols.
func Run(t *testing.T, sys System) {
	t.Helper()
	Suite{Verdict: sys}.Run(t)
}

// Suite is an implementation in more detail than a System. Parts that are nil
// are not tested.
type Suite struct {
	Verdict System
	// Codes reads a case and returns the codes of all diagnostics.
	Codes func(Case) ([]dialect.Code, error)
	// Other answers for protocols that have no ports (R84).
	Other func(Case) (func(from, to string) (model.Other, error), error)
	// Internet returns the ports on which a pod reaches some address of the
	// internet in one family, and those on which it reaches all (R112).
	Internet func(Case) (func(pod string, f model.Family) (anywhere, everywhere model.PortSet, err error), error)
}

// Run takes the suite through every case, as a subtest each.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	verdicts := 0
	for _, c := range Cases() {
		t.Run(c.ID, func(t *testing.T) {
			failures, n := s.check(c)
			verdicts += n
			if len(failures) == 0 {
				return
			}
			t.Log("\n" + c.text)
			for _, f := range failures {
				t.Error(f)
			}
		})
	}
	t.Logf("%d cases, %d verdicts compared", len(Cases()), verdicts)
}

// check returns what s gets wrong in c, and how many verdicts it was asked for.
func (s Suite) check(c Case) (failures []string, verdicts int) {
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if s.Verdict != nil {
		ask, err := s.Verdict(c)
		if err != nil {
			fail("cannot load the case: %v", err)
		} else {
			for _, e := range c.Expect {
				n, wrong := e.check(ask, c.ports)
				verdicts += n
				if wrong != "" {
					fail("%v: %s", e, wrong)
				}
			}
			for _, end := range c.Absent {
				// The other end is an address, which every case has.
				if v, err := ask(Query{From: end, To: shorthand["G"], Port: 80, Family: model.AnyFamily}); err == nil {
					fail("absent %s: got %v, want an error", end, v)
				}
			}
		}
	}
	if s.Codes != nil {
		if codes, err := s.Codes(c); err != nil {
			fail("cannot read the case: %v", err)
		} else {
			var errors []dialect.Code
			for _, code := range codes {
				if code.Doc().Severity == dialect.Error {
					errors = append(errors, code)
				}
			}
			slices.Sort(errors)
			errors = slices.Compact(errors)
			switch {
			case len(c.Errors) > 0 && len(errors) == 0:
				fail("errors: got none, want some about %v", c.Errors)
			case len(c.Errors) == 0 && !slices.Equal(errors, c.Invalid):
				fail("errors: got %v, want %v", errors, c.Invalid)
			}
			for _, code := range c.Noted {
				if !slices.Contains(codes, code) {
					fail("diagnostics: got %v, want %v among them", codes, code)
				}
			}
			for _, code := range codes {
				if said(code) && !slices.Contains(c.Noted, code) {
					fail("diagnostics: got %v, which is not noted", code)
				}
			}
		}
	}
	if s.Other != nil && len(c.Other) > 0 {
		ask, err := s.Other(c)
		if err != nil {
			fail("cannot load the case: %v", err)
		} else {
			for _, e := range c.Other {
				if got, err := ask(e.From, e.To); err != nil || got != e.Other {
					fail("%s>%s other: got %v, %v, want %v", e.From, e.To, got, err, e.Other)
				}
			}
		}
	}
	if s.Internet != nil && len(c.Internet) > 0 {
		ask, err := s.Internet(c)
		if err != nil {
			fail("cannot load the case: %v", err)
		} else {
			for _, e := range c.Internet {
				anywhere, everywhere, err := ask(e.Pod, e.Family)
				if err != nil || !anywhere.Equal(e.Anywhere) || !everywhere.Equal(e.Everywhere) {
					fail("%s internet %v: got %v everywhere %v, %v, want %v everywhere %v",
						e.Pod, e.Family, anywhere, everywhere, err, e.Anywhere, e.Everywhere)
				}
			}
		}
	}
	return failures, verdicts
}

// said reports whether a case that gives rise to a diagnostic must note it:
// every warning, and notes about policies. Notes about what else there is in a
// cluster are beside the point of most cases.
func said(code dialect.Code) bool {
	switch code.Doc().Severity {
	case dialect.Warning:
		return true
	case dialect.Note:
		return code >= 2000 && code < 3000 || code == dialect.CodeOutsideIdentity || code == dialect.CodeTie || code == dialect.CodePluginIgnores
	}
	return false
}

// check asks for every port that could tell the expected set from another and
// describes the first wrong verdict; "" means there is none.
func (e Expectation) check(ask func(Query) (model.Verdict, error), named []uint16) (n int, wrong string) {
	want := model.Bounds{Lower: e.Lower, Upper: e.Upper}
	bad := 0
	for _, port := range e.probes(named) {
		for p := range model.Protocol(model.NumProtocols) {
			got, err := ask(Query{From: e.From, To: e.To, Protocol: p, Port: port, Family: e.Family})
			n++
			switch {
			case err != nil:
				return n, fmt.Sprintf("%v %d: %v", p, port, err)
			case got == want.Verdict(p, port):
			default:
				if bad++; bad == 1 {
					wrong = fmt.Sprintf("%v %d: got %v, want %v", p, port, got, want.Verdict(p, port))
				}
			}
		}
	}
	if bad > 1 {
		wrong += fmt.Sprintf(" (and %d more of %d ports)", bad-1, n)
	}
	return n, wrong
}

// sample is asked for everywhere: the ends of the port space and ports that
// implementations may treat in a special way.
var sample = []uint16{1, 2, 22, 53, 80, 443, 1023, 1024, 5353, 8080, 9999, 30000, 32767, 32768, 65534, 65535}

// probes returns the ports to ask for: sample, and each boundary of the
// expected sets and each port that the case names, with their neighbours.
func (e Expectation) probes(named []uint16) []uint16 {
	out := slices.Clone(sample)
	around := func(port uint16) {
		for d := -1; d <= 1; d++ {
			if n := int(port) + d; n >= 1 && n <= model.MaxPort {
				out = append(out, uint16(n))
			}
		}
	}
	for _, port := range named {
		around(port)
	}
	for _, set := range []model.PortSet{e.Lower, e.Upper} {
		for _, r := range set.Ranges() {
			around(r.First)
			around(r.Last)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
