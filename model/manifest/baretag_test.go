package manifest

import "testing"

// A scalar that is tagged "!" is the string that is written, as for kubectl.
func TestBareTags(t *testing.T) {
	for _, text := range []string{
		"a: ! 80", "a: !", "a: ! ~", "a: ! null", "a: ! true", "a: ! 2001-01-01", "a: ! '80'", "a: ! |\n  80", "a: ! [1]", "- ! 80", "{a: ! 80}",
		"a: !\n  80", "a: ! # x\n  80", "a: &x ! 80\nb: *x", "a: ! &x 80", "a: !<!> 80", "a: !<tag:yaml.org,2002:int> 80", "a: !80", "a: !!int 80",
		"! 80: b", "? ! 80\n: b", "! ~: a", "a: ! <<", "! <<: {a: b}", "- ä: ! 80", "\ufeffa: ! 80", "%TAG ! !x\n---\na: ! 80",
		"a: b # ! 80\nc: 80", "a: '! 80'\nb: 80", "# x\r\na: ! 80\r\nb: 80\r\n", "a: |\n  ! 80\nb: 80", "a: 80 ! 80", "a: & ! 80", "a: x\u2028 \nb: ! 80", "a: \"x\u0085y\"\nb: ! 80",
	} {
		compare(t, text)
	}
}
