package dialect

import (
	"fmt"

	"github.com/podreach/podreach/model"
)

// Severity says what a diagnostic means for the run.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // something was left out of the answer; exit code 2
	Warning                 // the answer stands, but is likely not what was meant, or is uncertain in part
	Note                    // worth knowing; shown with -v
)

// String is "error", "warning" or "note".
func (s Severity) String() string { return [...]string{"error", "warning", "note"}[s] }

// Diagnostic is one thing that reading or lowering has to say.
type Diagnostic struct {
	Code    Code
	Origin  model.Origin    // the field it is about
	Line    int             // from 1, when the parser already said it; otherwise found from Origin on demand
	Column  int             // from 1, or 0
	Object  model.ObjectRef // the object it is about, when there is one
	Message string          // one sentence without position and code; names the object and the nearest valid value
}

// Severity is the severity of the diagnostic's code.
func (d Diagnostic) Severity() Severity { return d.Code.Doc().Severity }

// Code is a stable diagnostic code: 1xxx reading, 2xxx validation, 3xxx
// uncertainty, 4xxx lint, 5xxx packs. A code never changes its meaning.
type Code uint16

// String is "PR" and four digits.
func (c Code) String() string { return fmt.Sprintf("PR%04d", uint16(c)) }

// Lint reports whether the code is of what podreach lint finds: a policy that
// does not do what it says.
func (c Code) Lint() bool { return c/100 == 40 }

// CodeDoc explains a code.
type CodeDoc struct {
	Code     Code
	Severity Severity
	Title    string // a few words
	Text     string // what it means and what to do, a paragraph or two
	Profile  string // in which Example gives the code; "" is all
	Example  string // input that gives exactly this code; a test runs it
	After    string // of lint: the same put right, which gives no finding
}
