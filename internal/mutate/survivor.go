package main

import (
	"fmt"
	"strconv"
	"strings"
)

// explained are the mutants that are known to survive, and why.
type explained map[key]string

// parse reads a file of survivors: blocks of five lines as key.String and
// block write them, and comments.
func parse(text string) (explained, error) {
	out := explained{}
	for block := range strings.SplitSeq(text, "\n\n") {
		var lines []string
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		if len(lines) == 0 {
			continue
		}
		k, why, ok := parseBlock(lines)
		if !ok {
			return nil, fmt.Errorf("this is no mutant (file function [#n], - before, + after, why: reason):\n%s", block)
		}
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("explained twice:\n%v", k)
		}
		out[k] = why
	}
	return out, nil
}

func parseBlock(lines []string) (k key, why string, ok bool) {
	if len(lines) != 4 {
		return key{}, "", false
	}
	words := strings.Fields(lines[0])
	if len(words) == 3 {
		n, err := strconv.Atoi(strings.TrimPrefix(words[2], "#"))
		if err != nil || n < 2 {
			return key{}, "", false
		}
		k.nth, words = n-1, words[:2]
	}
	before, b := strings.CutPrefix(lines[1], "-")
	after, a := strings.CutPrefix(lines[2], "+")
	why, w := strings.CutPrefix(lines[3], "why:")
	if len(words) != 2 || !b || !a || !w {
		return key{}, "", false
	}
	k.file, k.function, k.before, k.after = words[0], words[1], strings.TrimSpace(before), strings.TrimSpace(after)
	why = strings.TrimSpace(why)
	return k, why, why != ""
}
