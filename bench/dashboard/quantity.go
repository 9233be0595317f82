package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// quantity writes a value for people: three digits and a unit.
func quantity(v float64, unit string) string {
	switch unit {
	case nanoseconds, "ns/pod":
		return scaled(v, []string{"ns", "µs", "ms", "s"})
	case "B/op", "heap-B/pod":
		return scaled(v, []string{"B", "kB", "MB", "GB"})
	case "MB/s":
		return digits(v) + " MB/s"
	case "verdicts/s":
		return scaled(v, []string{"/s", "k/s", "M/s", "G/s", "T/s"})
	}
	return digits(v)
}

func scaled(v float64, units []string) string {
	i := 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	return digits(v) + " " + units[i]
}

// digits writes three digits, and all of a whole number, with commas.
func digits(v float64) string {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return fmt.Sprint(v)
	}
	after := 0
	if v != math.Trunc(v) {
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // 0.9997 is 1.00
		after = max(0, min(6, 2-int(math.Floor(math.Log10(math.Abs(v))))))
	}
	s := strconv.FormatFloat(v, 'f', after, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// ratio writes how many times.
func ratio(r float64) string {
	switch {
	case math.IsInf(r, 0):
		return "from 0"
	case r >= 10:
		return "×" + digits(math.Round(r))
	}
	return fmt.Sprintf("×%.2f", r)
}

// percent writes how much more.
func percent(r float64) string {
	if math.IsInf(r, 0) {
		return "from 0"
	}
	return fmt.Sprintf("%+.0f %%", 100*(r-1))
}

// spread writes how far the ends of an interval are from its middle.
func spread(center, low, high float64) string {
	if center == 0 || low == high {
		return "± 0 %"
	}
	return fmt.Sprintf("± %.0f %%", 100*max(high/center-1, 1-low/center))
}
