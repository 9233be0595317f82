package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// The parser is YAML 1.2 with some 1.1; kubectl reads through sigs.k8s.io/yaml,
// which is YAML 1.1. What a scalar means is therefore decided here and not by
// the parser: `yes` is a boolean, 0o17 and 017 are 15, 1_000 is 1000, base 60
// is a string. A test compares this file with sigs.k8s.io/yaml.

// The tags that decide how a scalar resolves.
const (
	tagNull      = "!!null"
	tagBool      = "!!bool"
	tagString    = "!!str"
	tagInt       = "!!int"
	tagFloat     = "!!float"
	tagTimestamp = "!!timestamp"
	tagBinary    = "!!binary"
	tagMerge     = "!!merge"
)

const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// isText reports whether a scalar is a string by its style, or because it begins
// as nothing else that a plain scalar may be. Most are.
func isText(n *yaml.Node) bool {
	switch {
	case n.Style&yaml.TaggedStyle != 0 || n.Value == "":
		return n.Style&yaml.TaggedStyle == 0 && n.Style&quoted != 0
	case n.Style&quoted != 0:
		return true
	}
	return strings.IndexByte("~yYnNtTfFoO.+-0123456789", n.Value[0]) < 0
}

// scalarOf resolves a scalar node to nil, bool, int64, uint64, float64 or string.
func scalarOf(n *yaml.Node) (any, error) {
	tag := ""
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		tag = n.Tag
	case n.Style&quoted != 0:
		return n.Value, nil
	}
	switch tag {
	case tagString:
		return n.Value, nil
	case tagBinary:
		b, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			return nil, errors.New("!!binary value is not base64")
		}
		return string(b), nil
	case "", tagBool, tagInt, tagFloat, tagNull, tagTimestamp:
		resolved, v := resolvePlain(n.Value, tag == "" || tag == tagTimestamp)
		switch {
		case tag == "" || tag == resolved:
			return v, nil
		case tag == tagFloat && resolved == tagInt:
			if i, ok := v.(int64); ok {
				return float64(i), nil
			}
		}
		return nil, fmt.Errorf("value is not a %s", tag)
	}
	return n.Value, nil // a tag of the author's own
}

// resolvePlain returns the tag and the value of a plain scalar. Timestamps
// stay strings; they matter because 2001-01-01 must not be read as a number.
func resolvePlain(s string, timestamps bool) (tag string, v any) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return tagNull, nil
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return tagBool, true
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return tagBool, false
	case ".nan", ".NaN", ".NAN":
		return tagFloat, math.NaN()
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return tagFloat, math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return tagFloat, math.Inf(-1)
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return tagFloat, f
		}
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		if timestamps && isTimestamp(s) {
			return tagTimestamp, s
		}
		if v := number(strings.ReplaceAll(s, "_", "")); v != nil {
			if _, ok := v.(float64); ok {
				return tagFloat, v
			}
			return tagInt, v
		}
	}
	return tagString, s
}

var decimalFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// number reads an integer in Go's notation (0x, 0o, 0b, a leading 0 is octal)
// or a decimal float: int64, uint64 or float64, or nil.
func number(s string) any {
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(s, 0, 64); err == nil {
		return u
	}
	if decimalFloat.MatchString(s) {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return binary(s)
}

// binary reads what ParseInt refuses after a 0b prefix but kubectl takes: a
// second sign.
func binary(s string) any {
	if rest, ok := strings.CutPrefix(s, "0b"); ok {
		if i, err := strconv.ParseInt(rest, 2, 64); err == nil {
			return i
		}
	} else if rest, ok := strings.CutPrefix(s, "-0b"); ok {
		if i, err := strconv.ParseInt("-"+rest, 2, 64); err == nil {
			return i
		}
	}
	return nil
}

// isTimestamp reports whether s is a date, or a date with a time.
func isTimestamp(s string) bool {
	if len(s) < 5 || s[4] != '-' || strings.Trim(s[:4], "0123456789") != "" {
		return false
	}
	for _, layout := range [...]string{"2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// keyOf renders a mapping key as JSON does: as a string.
func keyOf(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", errors.New("a mapping key is itself a list or a mapping")
	}
	if isText(n) {
		return n.Value, nil
	}
	v, err := scalarOf(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		switch s := strconv.FormatFloat(v, 'g', -1, 32); s { // 32 bits, as kubectl has it
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return s, nil
		}
	case nil:
		return "null", notJSON("a mapping key is null")
	}
	return n.Value, notJSON("a mapping key is too large a number")
}

// notJSON is what YAML can say and JSON cannot. kubectl does not mind it in a
// field that another one overrides.
type notJSON string

func (e notJSON) Error() string { return string(e) }

// appendScalar appends v, a result of scalarOf, as JSON.
func appendScalar(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return b, notJSON("JSON has no infinity and no NaN")
		}
		return jsontext.AppendFloat(b, v, 64), nil
	}
	b, _ = jsontext.AppendQuote(b, v.(string)) // what is not UTF-8 becomes U+FFFD, as in encoding/json
	return b, nil
}
