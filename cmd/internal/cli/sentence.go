package cli

import (
	"strings"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// sentence is FROM reach TO on PORTS.
type sentence struct{ from, to, ports string }

func sentenceError(format string, args ...any) error {
	return coded(dialect.CodeBadExpression, format+"; the form is: can FROM reach TO [on PORTS]", args...)
}

// parseSentence splits the words of a question, given as any number of
// arguments. "reach" and "on" are keywords only outside brackets.
func parseSentence(args []string) (sentence, error) {
	text := strings.Join(args, " ")
	words, open := splitWords(text)
	if open >= 0 {
		word, _, _ := strings.Cut(text[open:], " ")
		return sentence{}, sentenceError("the '%c' of %q is not closed", text[open], word)
	}
	reach := -1
	for i := 1; i < len(words); i++ {
		if words[i] == "reach" {
			reach = i
			break
		}
	}
	switch {
	case len(words) == 0:
		return sentence{}, sentenceError("there is no question")
	case strings.TrimSpace(args[0]) == "", words[0] == "reach" && reach < 0:
		return sentence{}, emptyText("FROM")
	case reach < 0:
		for _, w := range words[1:] {
			if nearest.Of(w, []string{"reach"}) != "" {
				return sentence{}, sentenceError("found %q; did you mean reach?", w)
			}
		}
		return sentence{}, sentenceError("the word \"reach\" is missing")
	case reach == len(words)-1 && strings.TrimSpace(args[len(args)-1]) == "", reach == len(words)-3 && words[reach+1] == "on":
		return sentence{}, emptyText("TO")
	case reach == len(words)-1:
		return sentence{}, sentenceError("there is nothing after \"reach\"")
	}
	s := sentence{from: strings.Join(words[:reach], " ")}
	rest := words[reach+1:]
	for i := len(rest) - 2; i > 0; i-- {
		if rest[i] == "on" {
			s.ports = strings.Join(rest[i+1:], " ")
			rest = rest[:i]
			break
		}
	}
	if n := len(rest); n > 2 && s.ports == "" && portList(rest[n-1:]) != "" && nearest.Of(rest[n-2], []string{"on"}) != "" {
		return sentence{}, sentenceError("found %q; did you mean on?", rest[n-2])
	}
	if n := len(rest); n > 1 && s.ports == "" && portList(rest[n-1:]) != "" && strings.Trim(rest[n-1][:1], "0123456789") == "" {
		return sentence{}, sentenceError("the word \"on\" is missing before %q", rest[n-1])
	}
	if list := portList(strings.Fields(s.ports)); list != "" && strings.Contains(strings.TrimSpace(s.ports), " ") && !strings.Contains(s.ports, ",") {
		return sentence{}, sentenceError("ports take commas between: on %s", list)
	}
	if len(rest) > 1 && s.ports == "" && rest[len(rest)-1] == "on" {
		if strings.TrimSpace(args[len(args)-1]) == "" {
			return sentence{}, emptyText("PORTS")
		}
		return sentence{}, sentenceError("there is no port after \"on\"")
	}
	s.to = strings.Join(rest, " ")
	return s, nil
}

// portList joins words by commas when each of them is ports; else it is "".
func portList(words []string) string {
	for _, w := range words {
		if _, err := solver.ParsePorts(w); err != nil {
			return ""
		}
	}
	return strings.Join(words, ",")
}

// splitWords splits at spaces outside brackets. open is where a bracket stands
// that is not closed, or -1.
func splitWords(s string) (out []string, open int) {
	depth, start := 0, -1
	open = -1
	for i, c := range s + " " {
		switch c {
		case '(', '{':
			if depth++; depth == 1 {
				open = i
			}
		case ')', '}':
			if depth = max(depth-1, 0); depth == 0 {
				open = -1
			}
		}
		space := c == ' ' || c == '\t' || c == '\n'
		switch {
		case i == len(s) && start >= 0, space && depth == 0 && start >= 0:
			out = append(out, s[start:i])
			start = -1
		case !space && start < 0:
			start = i
		}
	}
	return out, open
}
