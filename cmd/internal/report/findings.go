package report

// Level says how bad a finding is.
type Level uint8

// The levels. SARIF, annotations and JUnit have these three.
const (
	Note Level = iota
	Warning
	Error
)

// String is "note", "warning" or "error".
func (l Level) String() string { return [...]string{"note", "warning", "error"}[l] }

// Findings is the outcome of a gate: what was checked, and what is wrong. The
// formats of CI are made of it.
type Findings struct {
	Command string  // "podreach check"
	Summary string  // one sentence: "2 of 14 assertions do not hold"
	Checks  []Check // everything that was looked at, whether it holds or not, in order
	Items   []Finding
}

// Check is one thing that was looked at: an assertion, a kind of lint finding,
// a kind of change.
type Check struct {
	ID    string // unique and stable: "training-no-internet", "PR4003"
	Title string // a few words
	Text  string // what it means and what to do, in Markdown; may be ""
	Level Level  // of its findings, unless they say otherwise
	Score string // GitHub's security-severity, "0.1" to "10.0"; may be ""
	Tags  []string
	At    *Place // where it is stated; nil for what is built in
}

// Finding is one thing that is wrong: one for a check and the groups or the
// object that it is about, never one for each pair of pods.
type Finding struct {
	Check   string // Check.ID
	Level   Level
	Message string  // one line that stands alone
	Detail  string  // more lines for people; may be ""
	At      []Place // the first is where to look: the rule that opens, the line that is wrong
	Key     string  // what it is about, stable between runs: names, no lines and no counts
	Waived  string  // why it is accepted; "" when it is not
}

// Place is a position in a file, as the user named the file.
type Place struct {
	File         string
	Line, Column int    // from 1; 0 when not known
	Message      string // what is there; may be ""
}
