package accept

import (
	"math/rand/v2"
	"strings"

	"sigs.k8s.io/yaml"
)

// spellings are scalars whose type or value depends on how a format reads
// them: booleans of YAML 1.1, numbers of other bases, dates, tags and quotes.
var (
	yamlSpellings = []string{
		"yes", "No", "on", "OFF", "y", "n", "true", "TRUE", "tRUE", "~", "null", "Null", "NULL", "nULL", "", "0x50", "0o120", "0120", "010", "1_000", "+80", "-80", "80.0", "8e1", "8.0e1", "80.", ".5",
		".inf", ".NaN", "0b101", "190:20:30", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "'80'", `"80"`, "!!str 80", "!!int 80", `!!int "80"`, `!!float 80`, "!!bool true", "!!binary VENQ",
		"!!null null", "!x TCP", "! 80", "&a TCP", "*a", "TCP # and more", `"T\x43P"`, `"T\u0043P"`, "|\n          TCP", ">-\n          TCP", "'T''P'", "{}", "[]", "[a]", "{a: b}", "{a}", "=", "<<", "\t80",
		"80 ", "0", "00", "-0", "08", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e400", "@a", "`a`", "%a", "- a", "a: b", "? a", "'a", `"a`, "[a", "\u00e4", "\ufeffa", "\u0085",
	}
	jsonSpellings = []string{
		"80.0", "8e1", "8E+1", "800e-1", "80.5", "-0", "080", "+80", "0x50", "1e400", "1e-400", "9007199254740993", "9223372036854775808", "18446744073709551616", "NaN", "True", "null", "true", `"80"`,
		`"T\u0043P"`, `"\ud800"`, "\"\xff\"", `"a` + "\n" + `b"`, `"\x41"`, "{}", "[]", `{"a":1,"a":2}`, `{"":1}`, "[1,]", "/**/80", "'80'", "", "80 80",
	}
	yamlKeys = []string{"yes", "on", "80", "8.5", "null", "~", "''", `"po\x72t"`, "!!str port", "&k port", "<<", "[a]", "{a: b}", "? port", "'port' ", "Port", "0x50", "2001-01-01", "port\t"}
	jsonKeys = []string{`"po\u0072t"`, `"Port"`, `"PORT"`, `"port "`, `""`, "port", "80", "null", `"spec"`, `"po` + "\xff" + `rt"`, `"from"`, `"ipblock"`}
)

// Respell changes one place of the text of a policy, given as JSON: the way in
// which it writes a value or a key, a line twice, or the ends of lines. It comes
// back as JSON or as YAML.
func Respell(r *rand.Rand, text string) string {
	values, keys := jsonSpellings, jsonKeys
	if r.IntN(3) > 0 {
		y, err := yaml.JSONToYAML([]byte(text))
		if err != nil {
			return text
		}
		text, values, keys = string(y), yamlSpellings, yamlKeys
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	i := r.IntN(len(lines))
	key, value, found := cutField(lines[i])
	if strings.Contains(key, "apiVersion") || strings.Contains(key, "kind") { // another kind is another matter
		return text
	}
	end := ""
	if strings.HasSuffix(value, ",") {
		value, end = value[:len(value)-1], ","
	}
	opens := strings.HasSuffix(value, "{") || strings.HasSuffix(value, "[") // it goes on in other lines
	indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " -"))]
	switch n := r.IntN(10); {
	case n < 5 && found && !opens:
		lines[i] = key + values[r.IntN(len(values))] + end
	case n < 7 && found:
		lines[i] = indent + keys[r.IntN(len(keys))] + ": " + value + end
	case n < 8 && found && !opens:
		lines[i] += "\n" + strings.ReplaceAll(lines[i], "- ", "  ")
	case n < 9 && found:
		lines[i] = strings.Repeat(" ", r.IntN(6)) + strings.TrimLeft(lines[i], " ")
	default:
		return strings.Join(lines, "\r\n") + "\r\n"
	}
	return strings.Join(lines, "\n") + "\n"
}

// cutField cuts a line behind the colon, or behind the dash of a list.
func cutField(line string) (key, value string, found bool) {
	if i := strings.Index(line, ": "); i >= 0 {
		return line[:i+2], line[i+2:], true
	}
	if i := strings.Index(line, "- "); i >= 0 && strings.TrimSpace(line[:i]) == "" {
		return line[:i+2], line[i+2:], true
	}
	return line, "", false
}
