package report_test

import (
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/report"
)

// xsd is as much of an XML schema as testdata/junit-10.xsd uses for what is
// written here: elements that hold others by reference, in any order, or text.
type xsd struct {
	Elements []struct {
		Name    string `xml:"name,attr"`
		Type    string `xml:"type,attr"`
		Complex *struct {
			Mixed      bool `xml:"mixed,attr"`
			Attributes []struct {
				Name string `xml:"name,attr"`
				Use  string `xml:"use,attr"`
			} `xml:"attribute"`
			Choice         []reference `xml:"choice>element"`
			Sequence       []reference `xml:"sequence>element"`
			SequenceChoice []reference `xml:"sequence>choice>element"`
		} `xml:"complexType"`
	} `xml:"element"`
}

type reference struct {
	Ref string `xml:"ref,attr"`
}

// validate returns what of a document the schema does not allow.
func (s *xsd) validate(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	var open []int
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if n := len(open); n > 0 {
				c := s.Elements[open[n-1]].Complex
				if c == nil || !slices.Contains(slices.Concat(c.Choice, c.Sequence, c.SequenceChoice), reference{name}) {
					return fmt.Errorf("<%s> inside <%s>", name, s.Elements[open[n-1]].Name)
				}
			}
			i := -1
			for j, e := range s.Elements {
				if e.Name == name {
					i = j
				}
			}
			if i < 0 {
				return fmt.Errorf("unknown <%s>", name)
			}
			open = append(open, i)
			if s.Elements[i].Complex == nil {
				if s.Elements[i].Type != "xs:string" || len(token.Attr) > 0 {
					return fmt.Errorf("<%s> is not as this test reads it", name)
				}
				continue
			}
			for _, a := range s.Elements[i].Complex.Attributes {
				if a.Use == "required" && !slices.ContainsFunc(token.Attr, func(x xml.Attr) bool { return x.Name.Local == a.Name }) {
					return fmt.Errorf("<%s> lacks %s", name, a.Name)
				}
			}
			for _, x := range token.Attr {
				if !slices.ContainsFunc(s.Elements[i].Complex.Attributes, func(a struct {
					Name string `xml:"name,attr"`
					Use  string `xml:"use,attr"`
				}) bool {
					return a.Name == x.Name.Local
				}) {
					return fmt.Errorf("<%s> has %s", name, x.Name.Local)
				}
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 || strings.TrimSpace(string(token)) == "" {
				continue
			}
			if e := s.Elements[open[len(open)-1]]; e.Complex != nil && !e.Complex.Mixed {
				return errors.New("text in <" + e.Name + ">")
			}
		}
	}
}

//go:embed testdata/junit-10.xsd
var junitXSD string

func junitSchema(t *testing.T) *xsd {
	t.Helper()
	s := &xsd{}
	require.NoError(t, xml.Unmarshal([]byte(junitXSD), s))
	require.Len(t, s.Elements, 14)
	return s
}

func TestJUnit(t *testing.T) {
	s := junitSchema(t)
	text := write(t, report.JUnit, report.Document{Findings: gate(repository(t))})
	require.NoError(t, s.validate(text))
	type result struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Suite struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Name    string  `xml:"name,attr"`
				Class   string  `xml:"classname,attr"`
				Failure *result `xml:"failure"`
				Skipped *result `xml:"skipped"`
				Out     string  `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(text), &got))
	suite := got.Suite
	require.Equal(t, []int{5, 3, 0, 1}, []int{suite.Tests, suite.Failures, suite.Errors, suite.Skipped})
	require.Len(t, suite.Cases, 5)
	require.Equal(t, "podreach check", suite.Cases[0].Class)
	require.Equal(t, "no-internet: Training is isolated", suite.Cases[0].Name)
	require.Equal(t, "2 findings; ml/job/a reaches 8.8.8.8", suite.Cases[0].Failure.Message)
	require.Equal(t, "error", suite.Cases[0].Failure.Type)
	require.Contains(t, suite.Cases[0].Failure.Text, "    TCP 443\n    12 of 18 pods\n    k8s/ml.yaml:1:5 opens it\n")
	require.Contains(t, suite.Cases[0].Failure.Text, "error: ml/job/b reaches 8.8.8.8\n")
	require.Nil(t, suite.Cases[1].Failure) // it holds
	require.Nil(t, suite.Cases[1].Skipped)
	require.Equal(t, "waived: until March, says the data team", suite.Cases[2].Skipped.Message)
	require.Nil(t, suite.Cases[2].Failure)
	require.Contains(t, suite.Cases[2].Out, "db is open (waived: until March, says the data team)")
	require.NotNil(t, suite.Cases[3].Failure)
	require.Equal(t, "warning", suite.Cases[4].Failure.Type)
	require.Equal(t, "old news too", suite.Cases[4].Failure.Message)
	require.Equal(t, "chart/templates/np.yaml:5: warning: old news\n", suite.Cases[4].Out)
	for _, illegal := range []string{"\x00", "\x1b", "\ufffe", "&#x1B;", "&#x0;"} {
		require.NotContains(t, text, illegal)
	}

	// What only passes is no failure; nothing at all is a suite without cases.
	f := &report.Findings{Command: "podreach lint", Items: []report.Finding{{Check: "a", Message: "m", Passes: true}}}
	text = write(t, report.JUnit, report.Document{Findings: f})
	require.NoError(t, s.validate(text))
	require.Contains(t, text, `failures="0"`)
	require.NotContains(t, text, "<failure")
	require.NoError(t, s.validate(write(t, report.JUnit, report.Document{Findings: &report.Findings{}})))
}

// TestJUnitSchemaRejects requires that the check of this test can fail.
func TestJUnitSchemaRejects(t *testing.T) {
	s := junitSchema(t)
	for _, bad := range []string{
		`<testsuites><testcase name="a"/></testsuites>`,
		`<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>`,
		`<testsuites><testsuite name="a" tests="1" failures="0" errors="0" level="x"/></testsuites>`,
		`<testsuites><testsuite name="a" tests="1" failures="0" errors="0">text</testsuite></testsuites>`,
		`<testsuites><finding/></testsuites>`,
		`<testsuites><testsuite name="` + "\x01" + `" tests="1" failures="0" errors="0"/></testsuites>`,
	} {
		require.Error(t, s.validate(bad), bad)
	}
}
