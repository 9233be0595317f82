package report

import (
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The elements of JUnit's XML that Jenkins and GitLab read.
type (
	junitSuites struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    string      `xml:"tests,attr"`
		Failures string      `xml:"failures,attr"`
		Errors   string      `xml:"errors,attr"`
		Skipped  string      `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		ClassName string       `xml:"classname,attr"`
		Skipped   *junitResult `xml:"skipped"`
		Failure   *junitResult `xml:"failure"`
		Out       string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit writes one test case for each check. It has one failure with all its
// findings: of several, Jenkins shows the first alone. A check of which every
// finding is waived is skipped.
func (f *Findings) junit(w io.Writer) error {
	at := f.places()
	byCheck := map[string][]*Finding{}
	for i := range f.Items {
		x := &f.Items[i]
		byCheck[x.Check] = append(byCheck[x.Check], x)
	}
	suite := junitSuite{Name: legal(f.Command), Errors: "0"}
	failures, skipped := 0, 0
	for _, c := range f.checks() {
		tc := junitCase{Name: legal(c.ID), ClassName: legal(f.Command)}
		if c.Title != "" && c.Title != c.ID {
			tc.Name += ": " + legal(c.Title)
		}
		var failing, waived, passing []*Finding
		for _, x := range byCheck[c.ID] {
			switch {
			case x.fails():
				failing = append(failing, x)
			case x.Waived != "":
				waived = append(waived, x)
			default:
				passing = append(passing, x)
			}
		}
		others := slices.Concat(waived, passing)
		switch {
		case len(failing) > 0:
			failures++
			worst := failing[0]
			for _, x := range failing {
				if x.Level > worst.Level {
					worst = x
				}
			}
			message := worst.Message
			if len(failing) > 1 {
				message = count(len(failing), "finding") + "; " + message
			}
			tc.Failure = &junitResult{Type: worst.Level.String(), Message: legal(message), Text: legal(at.texts(failing))}
		case len(waived) > 0 && len(passing) == 0:
			skipped++
			tc.Skipped = &junitResult{Message: legal("waived: " + waived[0].Waived)}
		}
		tc.Out = legal(at.texts(others))
		suite.Cases = append(suite.Cases, tc)
	}
	suite.Tests, suite.Failures, suite.Skipped = strconv.Itoa(len(suite.Cases)), strconv.Itoa(failures), strconv.Itoa(skipped)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// texts are findings for people, one after the other.
func (p *places) texts(items []*Finding) string {
	var b strings.Builder
	for _, x := range items {
		place := ""
		if len(x.At) > 0 {
			place = p.shown(x.At[0]) + ": "
		}
		b.WriteString(printable(place + x.Level.String() + ": " + x.Message))
		if x.Waived != "" {
			b.WriteString(printable(" (waived: " + x.Waived + ")"))
		}
		b.WriteByte('\n')
		if x.Detail != "" {
			for line := range strings.SplitSeq(printableLines(x.Detail), "\n") {
				b.WriteString("    " + line + "\n")
			}
		}
		for _, at := range x.At[min(len(x.At), 1):] {
			b.WriteString("    " + printable(strings.TrimRight(p.shown(at)+" "+at.Message, " ")) + "\n")
		}
	}
	return b.String()
}

// legal replaces what XML 1.0 cannot hold, not even escaped
// (https://www.w3.org/TR/xml/#charsets).
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000:
			return r
		}
		return utf8.RuneError
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}
