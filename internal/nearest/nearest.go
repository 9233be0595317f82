// Package nearest finds the word that somebody most likely meant.
package nearest

import "strings"

// Of returns the candidate that is nearest to word, or "" when none is near:
// at most a third of word's letters may differ (one for short words). Letters
// that changed places count once; case does not count against a candidate, but
// breaks ties. Of several equally near candidates the first wins. It costs
// O(letters of word x letters of all candidates); nothing is near to a word of
// more than 100 bytes.
func Of(word string, candidates []string) string {
	if len(word) > 100 {
		return ""
	}
	best, least := "", 2*max(1, len([]rune(word))/3)+1
	for _, c := range candidates {
		d := 2 * distance([]rune(strings.ToLower(word)), []rune(strings.ToLower(c)))
		if d == 0 && word != c {
			d = 1
		}
		if d <= least && (best == "" || d < least) {
			best, least = c, d
		}
	}
	return best
}

// Within reports whether at most that many letters of two words differ, but for
// case. Words of more than 100 bytes are not compared.
func Within(letters int, a, b string) bool {
	if len(a) > 100 || len(b) > 100 {
		return false
	}
	return distance([]rune(strings.ToLower(a)), []rune(strings.ToLower(b))) <= letters
}

// distance is the edit distance in which swapping two neighbours is one step
// (optimal string alignment).
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
