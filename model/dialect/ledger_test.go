package dialect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

func TestLedger(t *testing.T) {
	var l Ledger
	require.NoError(t, l.Err())
	l.Report(Diagnostic{Code: CodeEmptyFile, Message: "empty"})
	require.NoError(t, l.Err())
	l.Report(Diagnostic{Code: CodeSyntax, Origin: model.Origin{File: "a.yaml"}, Line: 3, Column: 1, Message: "broken YAML"})
	require.EqualError(t, l.Err(), "a.yaml:3:1: broken YAML (PR1001)")
	l.Diagnostics = append(l.Diagnostics, Diagnostic{Code: CodeNoObjects, Message: "none"})
	require.EqualError(t, l.Err(), "a.yaml:3:1: broken YAML (PR1001), and 1 more error")
	l.Report(Diagnostic{Code: CodeNoObjects, Message: "none"})
	require.EqualError(t, l.Err(), "a.yaml:3:1: broken YAML (PR1001), and 2 more errors")
	require.Equal(t, []int{3, 1, 0}, []int{l.Count(Error), l.Count(Warning), l.Count(Note)})
	l.Diagnostics = []Diagnostic{{Code: CodeUnreadable, Origin: model.Origin{File: "b"}, Message: "gone"}}
	require.EqualError(t, l.Err(), "b: gone (PR1007)")
	l.Diagnostics = nil
	require.NoError(t, l.Err())
}

// Of millions of diagnostics a few are kept and all are counted.
func TestLedgerKeepsFew(t *testing.T) {
	var l Ledger
	for range MaxKept + 5 {
		l.Report(Diagnostic{Code: CodeNoObjects, Message: "none"})
	}
	l.Report(Diagnostic{Code: CodeEmptyFile, Message: "empty"})
	l.Leave(CodeEmptyFile, 2)
	require.Len(t, l.Diagnostics, MaxKept+1)
	require.Equal(t, map[Code]int{CodeNoObjects: 5, CodeEmptyFile: 2}, l.Left)
	require.Equal(t, []int{MaxKept + 5, 3}, []int{l.Count(Error), l.Count(Warning)})
	require.Equal(t, MaxKept+8, l.Reported())
	require.EqualError(t, l.Err(), "none (PR1012), and 10004 more errors")
	l.Diagnostics = nil
	require.EqualError(t, l.Err(), "5 errors")
}
