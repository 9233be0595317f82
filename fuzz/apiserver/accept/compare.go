package accept

import (
	"fmt"
	"slices"
	"strings"
)

// Compare holds what podreach says of the text of a policy against what the
// server says: both take it, and with the defaults that the server fills in it
// means the same, or both do not. It returns the entries of the ledger that
// explain why it is not so; what they do not explain is an error.
func Compare(ledger []Entry, text string, ours Reading, theirs Answer) (explained []string, err error) {
	why := ""
	if (ours.Err == "") != (theirs.Message == "") {
		if explained = Explain(ledger, ours, theirs); len(explained) > 0 {
			return explained, nil
		}
		why = "refused by one of them"
	} else if ours.Err == "" {
		if back := Read(theirs.Object); back.Err != "" || !slices.Equal(ours.Rules, back.Rules) {
			why = "means something else with defaults: " + back.Err + "\n" + strings.Join(back.Rules, "\n") + "\nbefore:\n" + strings.Join(ours.Rules, "\n")
		}
	}
	if why == "" {
		return nil, nil
	}
	return nil, fmt.Errorf("%s\nserver: %s\npodreach: %s\n%s", why, theirs.Message, ours.Err, text)
}

// SameField reports whether podreach blames a field that the server blames, or
// what holds it: what is missing stands nowhere.
func SameField(ours Reading, theirs Answer) bool {
	for _, a := range ours.Fields {
		for _, b := range theirs.Fields {
			if a == b || holds(a, b) || holds(b, a) {
				return true
			}
		}
	}
	return false
}

// holds reports whether field is directly in outer.
func holds(outer, field string) bool {
	rest, found := strings.CutPrefix(field, outer)
	rest = strings.TrimPrefix(rest, ".")
	return found && rest != "" && !strings.ContainsAny(rest[1:], ".[")
}
