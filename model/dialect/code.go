package dialect

import "slices"

// The codes. See Codes for what they mean.
const (
	CodeSyntax          Code = 1001
	CodeNotAnObject     Code = 1002
	CodeEmptyFile       Code = 1003
	CodeDuplicateObject Code = 1004
	CodeUnknownField    Code = 1005
	CodeWrongType       Code = 1006
	CodeUnreadable      Code = 1007
	CodeLimit           Code = 1008
	CodeNoName          Code = 1009
	CodeDuplicateKey    Code = 1010
	CodeBadAddress      Code = 1011
	CodeNoObjects       Code = 1012
	CodeSelectsNothing  Code = 1020
	CodeBadExpression   Code = 1021
	CodeBadFlag         Code = 1022
	CodeBadConfig       Code = 1023

	CodePolicyName    Code = 2001
	CodeProtocol      Code = 2002
	CodePortRange     Code = 2003
	CodePortName      Code = 2004
	CodeEndPort       Code = 2005
	CodeEmptyPeer     Code = 2006
	CodeMixedPeer     Code = 2007
	CodeCIDR          Code = 2008
	CodeExcept        Code = 2009
	CodeSelectorOp    Code = 2010
	CodeSelectorLabel Code = 2011
	CodePolicyTypes   Code = 2012
	CodeSloppyCIDR    Code = 2013

	CodeAssumedAddresses Code = 3001
	CodeNotModelled      Code = 3002
	CodeBrokenDocument   Code = 3003
	CodeNoNamespace      Code = 3004
	CodeMeshPolicy       Code = 3005
	CodeAddressClash     Code = 3006
)

// Doc returns the documentation of c. Every code has one.
func (c Code) Doc() CodeDoc {
	i, ok := slices.BinarySearchFunc(Codes, c, func(d CodeDoc, c Code) int { return int(d.Code) - int(c) })
	if !ok {
		return CodeDoc{Code: c}
	}
	return Codes[i]
}

// Codes documents every code, sorted.
var Codes = []CodeDoc{
	{Code: CodeSyntax, Severity: Error, Title: "document cannot be parsed"},
	{Code: CodeNotAnObject, Severity: Error, Title: "document is not a Kubernetes object"},
	{Code: CodeEmptyFile, Severity: Warning, Title: "file holds no Kubernetes object"},
	{Code: CodeDuplicateObject, Severity: Error, Title: "object given twice"},
	{Code: CodeUnknownField, Severity: Error, Title: "unknown field in a policy"},
	{Code: CodeWrongType, Severity: Error, Title: "field of the wrong type"},
	{Code: CodeUnreadable, Severity: Error, Title: "file cannot be read"},
	{Code: CodeLimit, Severity: Error, Title: "input exceeds a limit"},
	{Code: CodeNoName, Severity: Error, Title: "object has no name"},
	{Code: CodeDuplicateKey, Severity: Error, Title: "key given twice in a mapping"},
	{Code: CodeBadAddress, Severity: Warning, Title: "address cannot be read"},
	{Code: CodeNoObjects, Severity: Error, Title: "input holds no Kubernetes object at all"},
	{Code: CodeSelectsNothing, Severity: Error, Title: "expression selects nothing"},
	{Code: CodeBadExpression, Severity: Error, Title: "expression cannot be read"},
	{Code: CodeBadFlag, Severity: Error, Title: "flag or flag value is unknown"},
	{Code: CodeBadConfig, Severity: Error, Title: "configuration cannot be read"},
	{Code: CodePolicyName, Severity: Error, Title: "policy name is invalid"},
	{Code: CodeProtocol, Severity: Error, Title: "protocol is invalid"},
	{Code: CodePortRange, Severity: Error, Title: "port out of range"},
	{Code: CodePortName, Severity: Error, Title: "port name is invalid"},
	{Code: CodeEndPort, Severity: Error, Title: "endPort is invalid"},
	{Code: CodeEmptyPeer, Severity: Error, Title: "peer without a field"},
	{Code: CodeMixedPeer, Severity: Error, Title: "ipBlock beside a selector"},
	{Code: CodeCIDR, Severity: Error, Title: "CIDR cannot be read"},
	{Code: CodeExcept, Severity: Error, Title: "except is not inside its CIDR"},
	{Code: CodeSelectorOp, Severity: Error, Title: "selector operator or its values are invalid"},
	{Code: CodeSelectorLabel, Severity: Error, Title: "selector key or value is invalid"},
	{Code: CodePolicyTypes, Severity: Error, Title: "policyTypes is invalid"},
	{Code: CodeSloppyCIDR, Severity: Note, Title: "CIDR in a form that new objects may not use"},
	{Code: CodeAssumedAddresses, Severity: Note, Title: "pod addresses are assumed"},
	{Code: CodeNotModelled, Severity: Warning, Title: "policy of a kind that is not modelled"},
	{Code: CodeBrokenDocument, Severity: Warning, Title: "subjects are uncertain because a document is broken"},
	{Code: CodeNoNamespace, Severity: Note, Title: "no Namespace object"},
	{Code: CodeMeshPolicy, Severity: Note, Title: "mesh or L7 policy has no part in the answer"},
	{Code: CodeAddressClash, Severity: Warning, Title: "two pods have one address"},
}
