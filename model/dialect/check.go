package dialect

// checkCodes are what podreach check finds beside what assertions state.
var checkCodes = []CodeDoc{
	{
		Code: CodeWaiverExpired, Severity: Warning, Title: "waiver has expired",
		Text: "The last day of a waiver is past. It accepts nothing any more, what it accepted counts again, and it is a failure of its own, so that it does not stay in the file for ever: repair what it was about and remove it, or agree on another day.",
		Example: `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: ml}
spec:
  assertions:
  - {id: no-internet, expect: isolated, from: 'ml-data:', to: internet}
  waivers:
  - {assertion: no-internet, owner: platform, reason: the migration, expires: 2020-01-31}
`,
	},
	{
		Code: CodeChecksNothing, Severity: Warning, Title: "assertion selects nothing",
		Text: "An endpoint expression of an assertion means nothing in the input, no destination has a port of a name that it gives, or both sides are outside addresses, between which no connection is. An assertion about nothing would hold whatever the policies say, so it fails; the message names the nearest thing that exists. Where nothing is fair, as with one file for many clusters, --allow-empty takes it as an empty side.",
		Example: `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: ml}
spec:
  assertions:
  - {id: no-internet, expect: isolated, from: 'ml-trainin:', to: internet}
`,
	},
	{
		Code: CodeWaiverIdle, Severity: Warning, Title: "waiver accepts nothing",
		Text: "A waiver is of an assertion that holds, or of endpoints that do not violate it. It does no harm and does not fail, but would accept what nobody has looked at yet: remove it.",
		Example: `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: ml}
spec:
  assertions:
  - {id: no-internet, expect: isolated, from: 'ml-data:', to: internet}
  waivers:
  - {assertion: no-internet, owner: platform, reason: the migration, expires: 2999-12-31}
`,
	},
}
