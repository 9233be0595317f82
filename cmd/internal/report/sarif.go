package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What GitHub takes of an upload. More than the first of each pair is rejected,
// more than the second is not shown.
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
const (
	maxResults   = 25_000 // 5,000 shown, by severity
	maxRules     = 25_000
	maxLocations = 100 // of 1,000
	maxTags      = 10  // of 20
	maxTitle     = 255
	maxText      = 1_024
)

// maxMessage bounds what one result may cost: an upload is at most 10 MB,
// compressed.
const maxMessage = 4_096

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	home        = "https://github.com/podreach/podreach"
	helpPage    = home + "/blob/main/docs/CI.md"
	rootID      = "%SRCROOT%"
	fingerprint = "podreach/v1" // the name of how Finding.Key is made and hashed
)

// The parts of SARIF 2.1.0 that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool              sarifTool         `json:"tool"`
		Invocations       []sarifInvocation `json:"invocations"`
		AutomationDetails sarifAutomation   `json:"automationDetails"`
		ColumnKind        string            `json:"columnKind"`
		Results           []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		Version         string      `json:"version,omitempty"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		InformationURI  string      `json:"informationUri"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string             `json:"id"`
		Name                 string             `json:"name"`
		ShortDescription     sarifText          `json:"shortDescription"`
		FullDescription      sarifText          `json:"fullDescription"`
		HelpURI              string             `json:"helpUri"`
		Help                 sarifText          `json:"help"`
		DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
		Properties           sarifProperties    `json:"properties"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifProperties struct {
		Tags             []string `json:"tags,omitempty"`
		Precision        string   `json:"precision"`
		SecuritySeverity string   `json:"security-severity,omitempty"`
		ProblemSeverity  string   `json:"problem.severity,omitempty"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		ID               int            `json:"id,omitempty"`
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		Message          *sarifText     `json:"message,omitempty"`
		LogicalLocations []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)

// semantic is a version as Go writes it that is a semantic version.
var semantic = regexp.MustCompile(`^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\+[0-9A-Za-z.-]+)?$`)

// sarif is the log of one run. What is beyond the limits of GitHub is left out,
// the least bad first, and a notification says so.
func (f *Findings) sarif() sarifLog {
	items := f.worstFirst()
	found := len(items)
	items = items[:min(found, maxResults)]
	driver := sarifDriver{Name: "podreach", Version: f.Version, InformationURI: home, Rules: []sarifRule{}}
	if m := semantic.FindStringSubmatch(f.Version); m != nil {
		driver.SemanticVersion = m[1]
	}
	checks := f.checks()
	stated := len(checks)
	if stated > maxRules {
		used := map[string]bool{}
		for _, x := range items {
			used[x.Check] = true
		}
		checks = slices.DeleteFunc(checks, func(c Check) bool { return !used[c.ID] })
	}
	rules := map[string]int{}
	for i := range checks {
		rules[checks[i].ID] = i
		driver.Rules = append(driver.Rules, checks[i].rule())
	}
	command := f.Command
	if command == "" {
		command = "podreach"
	}
	run := sarifRun{
		Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		// The part before the slash is the category, so that check and lint of one
		// commit do not replace each other.
		AutomationDetails: sarifAutomation{strings.ReplaceAll(command, " ", "-") + "/"},
	}
	notify := func(format string, args ...any) {
		i := &run.Invocations[0]
		i.Notifications = append(i.Notifications, sarifNotification{"warning", sarifText{Text: fmt.Sprintf(format, args...)}})
	}
	if found > len(items) {
		notify("Only the %d worst of %d findings are listed: GitHub takes no more in one run.", len(items), found)
	}
	if stated > len(checks) {
		notify("Only the %d checks that have findings are listed, of %d: GitHub takes at most %d rules in one run.", len(checks), stated, maxRules)
	}
	at := f.places()
	keys := map[string]int{}
	cutPlaces := 0
	for _, x := range items {
		c := &checks[rules[x.Check]]
		r := sarifResult{RuleID: x.Check, RuleIndex: rules[x.Check], Level: x.Level.String()}
		primary := at.primary(x, c, f.Input)
		r.Locations, r.RelatedLocations = at.locations(x, primary, f.Input)
		if len(r.RelatedLocations) >= maxLocations {
			r.RelatedLocations = r.RelatedLocations[:maxLocations-1]
			cutPlaces++
		}
		r.Message = sarifText{Text: x.message(r.RelatedLocations, at)}
		key := x.Check + "\x00" + x.Key
		if x.Key == "" {
			key = x.Check + "\x00\x00" + x.Message
		}
		keys[key]++
		sum := sha256.Sum256([]byte(key))
		r.PartialFingerprints = map[string]string{fingerprint: fmt.Sprintf("%s:%d", hex.EncodeToString(sum[:16]), keys[key])}
		if x.Waived != "" {
			r.Suppressions = []sarifSuppression{{"external", "accepted", cut(printable(x.Waived), maxText)}}
		}
		run.Results = append(run.Results, r)
	}
	if cutPlaces > 0 {
		notify("Of %d findings only the first %d places are listed.", cutPlaces, maxLocations)
	}
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// rule is a check as a reportingDescriptor. GitHub wants a text in each field.
func (c *Check) rule() sarifRule {
	title := printable(c.Title)
	if title == "" {
		title = printable(c.ID)
	}
	text := strings.TrimSpace(c.Text)
	if text == "" {
		text = title
	}
	first, _, _ := strings.Cut(text, "\n\n")
	r := sarifRule{
		ID: c.ID, Name: cut(title, maxTitle), HelpURI: helpPage,
		ShortDescription:     sarifText{Text: cut(title, maxText)},
		FullDescription:      sarifText{Text: cut(strings.Join(strings.Fields(first), " "), maxText)},
		Help:                 sarifText{Text: text, Markdown: text},
		DefaultConfiguration: sarifConfiguration{c.Level.String()},
		Properties:           sarifProperties{Precision: "very-high"},
	}
	tags := c.Tags
	if score, err := strconv.ParseFloat(c.Score, 64); err == nil && score > 0 && score <= 10 {
		r.Properties.SecuritySeverity = c.Score
		// It counts only for what has this tag.
		tags = append([]string{"security"}, slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == "security" })...)
	} else {
		r.Properties.ProblemSeverity = [...]string{Note: "recommendation", Warning: "warning", Error: "error"}[c.Level]
	}
	r.Properties.Tags = unique(tags)[:min(len(unique(tags)), maxTags)]
	return r
}

// unique is a list without what occurs earlier in it.
func unique(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// locations are where a finding is shown, and its other places.
func (p *places) locations(x *Finding, primary Place, input string) (one, related []sarifLocation) {
	main := sarifLocation{}
	switch {
	case primary.File != "":
		main = p.location(primary)
	case len(x.At) > 0:
		main = p.location(x.At[0])
	default:
		main = p.location(Place{File: input})
	}
	// Without a line GitHub has no place for an alert.
	if main.PhysicalLocation.Region == nil {
		main.PhysicalLocation.Region = &sarifRegion{StartLine: 1, EndLine: 1}
	}
	for _, at := range x.At {
		if at == primary {
			continue
		}
		if !p.spot(at.File).file {
			main.LogicalLocations = append(main.LogicalLocations, sarifLogical{printable(at.String())})
			continue
		}
		l := p.location(at)
		l.ID = len(related) + 1
		related = append(related, l)
	}
	main.Message = nil // the result's own says it
	return []sarifLocation{main}, related
}

func (p *places) location(at Place) sarifLocation {
	var l sarifLocation
	uri, relative := p.uri(at.File)
	if uri == "" || uri == "-" {
		uri = "stdin"
	}
	l.PhysicalLocation.ArtifactLocation.URI = uri
	if relative {
		l.PhysicalLocation.ArtifactLocation.URIBaseID = rootID
	}
	if at.Line > 0 {
		l.PhysicalLocation.Region = &sarifRegion{StartLine: at.Line, StartColumn: at.Column, EndLine: at.Line}
	}
	if at.Message != "" {
		l.Message = &sarifText{Text: cut(printable(at.Message), maxText)}
	}
	return l
}

// message is the text of a result. Its first sentence is all that a list of
// alerts shows; links to other places are numbers of related locations.
func (x *Finding) message(related []sarifLocation, p *places) string {
	text := cut(plain(x.Message), maxText)
	if text == "" {
		text = x.Check
	}
	if x.Detail != "" {
		text += "\n\n" + cut(plain(x.Detail), maxMessage-2*maxText)
	}
	var elsewhere []string
	for _, at := range x.At {
		if !p.spot(at.File).file {
			elsewhere = append(elsewhere, plain(at.String()))
		}
	}
	for _, l := range related[:min(len(related), maxTags)] {
		name := l.PhysicalLocation.ArtifactLocation.URI
		if l.PhysicalLocation.Region != nil {
			name += fmt.Sprintf(":%d", l.PhysicalLocation.Region.StartLine)
		}
		link := fmt.Sprintf("[%s](%d)", name, l.ID)
		if l.Message != nil {
			link += " " + plain(l.Message.Text)
		}
		elsewhere = append(elsewhere, link)
	}
	if len(elsewhere) > 0 {
		text += "\n\nSee " + cut(strings.Join(elsewhere, "; "), maxText)
	}
	return text
}

// plain is text that holds no link of SARIF, [text](target), of its own.
func plain(s string) string {
	return strings.ReplaceAll(printableLines(s), "](", "] (")
}
