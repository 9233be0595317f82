package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	sigs "sigs.k8s.io/yaml"
)

// mayHoldPolicy reports whether a document that says this kind can hold a
// policy. "" is a kind that is not known.
func mayHoldPolicy(kind string) bool {
	return kind == "" || isListKind(kind) || strings.Contains(kind, "Policy")
}

var (
	kindLine      = regexp.MustCompile(`^kind: *["']?([A-Za-z][A-Za-z0-9]*)["']?\s*(#.*)?$`)
	namespaceLine = regexp.MustCompile(`^  namespace: *["']?([a-z0-9]([-a-z0-9]*[a-z0-9])?)["']?\s*(#.*)?$`)
)

// salvage reads the kind and the namespace of a YAML document that cannot be
// parsed, from the lines that say them in the usual layout. What is said twice
// or in another way is not known. The namespace counts only if it stands right
// below metadata.
func salvage(text []byte) *Broken {
	kind, namespace, kinds, namespaces := "", "", 0, 0
	inMetadata := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		top := len(line) > 0 && line[0] != ' ' && line[0] != '#' && line[0] != '\t'
		switch {
		case top && bytes.HasPrefix(line, []byte("kind:")):
			kinds++
			kind = ""
			if m := kindLine.FindSubmatch(line); m != nil {
				kind = string(m[1])
			}
		case inMetadata && bytes.HasPrefix(line, []byte("  namespace:")):
			namespaces++
			namespace = ""
			if m := namespaceLine.FindSubmatch(line); m != nil {
				namespace = string(m[1])
			}
		}
		if top {
			inMetadata = bytes.HasPrefix(line, []byte("metadata:"))
		}
	}
	if kinds != 1 {
		kind, namespace = "", ""
	}
	if namespaces != 1 {
		namespace = ""
	}
	return &Broken{Kind: kind, Namespace: namespace, Policy: mayHoldPolicy(kind)}
}

var lineMessage = regexp.MustCompile(`^(?:error converting YAML to JSON: )?yaml: (?:line (\d+): )?((?s).*)$`)

// yamlProblem turns an error of the YAML parser into a position, relative to
// the text, and a message.
func yamlProblem(text []byte, err error) (line, column int, message string) {
	line, column, message = yamlPosition(text, err)
	if strings.HasPrefix(message, "exceeded max depth") {
		message = fmt.Sprintf("nested more than %d levels deep", maxNesting)
	}
	switch at := nthLine(text, line); {
	case bytes.Contains(at, []byte("{{")):
		message += " (this looks like a Helm template: render it first, with helm template)"
	case bytes.ContainsRune(at[:min(column-1, len(at))], '\t'):
		message += " (a tab does not indent in YAML)"
	}
	return line, column, message
}

func yamlPosition(text []byte, err error) (line, column int, message string) {
	var n *nodeError
	if errors.As(err, &n) {
		return n.node.Line, n.node.Column, n.Error()
	}
	// This parser tells where the enclosing construct begins, the one that
	// kubectl uses where the problem is.
	if _, e := sigs.YAMLToJSON(text); e != nil && lineMessage.MatchString(e.Error()) {
		err = e
	}
	m := lineMessage.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, 1, err.Error()
	}
	line, _ = strconv.Atoi(m[1])
	message = m[2]
	switch {
	case strings.HasPrefix(message, "did not find expected"), strings.HasPrefix(message, "found undefined tag handle"):
		line++ // these count from 0
	case m[1] == "":
		if l, c, what := badCharacter(text); what != "" {
			return l, c, what
		}
		name, _ := strings.CutPrefix(message, "unknown anchor '")
		if name, ok := strings.CutSuffix(name, "' referenced"); ok {
			before := text[:max(0, bytes.Index(text, []byte("*"+name)))]
			return bytes.Count(before, []byte("\n")) + 1, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]), message
		}
		_, lines := preamble(text)
		line = lines + 1
	}
	line = max(1, min(line, bytes.Count(bytes.TrimSpace(text), []byte("\n"))+1+leadingLines(text)))
	at := nthLine(text, line)
	return line, 1 + len(at) - len(bytes.TrimLeft(at, " \t")), message
}

// leadingLines counts the empty lines before the content.
func leadingLines(text []byte) int {
	return bytes.Count(text[:len(text)-len(bytes.TrimLeft(text, " \t\r\n"))], []byte("\n"))
}

func nthLine(text []byte, n int) []byte {
	for line := range bytes.Lines(text) {
		if n--; n == 0 {
			return bytes.TrimRight(line, "\r\n")
		}
	}
	return nil
}

// badCharacter finds the first byte that YAML does not allow anywhere.
func badCharacter(text []byte) (line, column int, what string) {
	line, column = 1, 1
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n <= 1:
			return line, column, fmt.Sprintf("byte 0x%02x is not UTF-8", text[0])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return line, column, fmt.Sprintf("control character 0x%02x is not allowed", r)
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		text = text[n:]
	}
	return 0, 0, ""
}
