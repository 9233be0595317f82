#!/usr/bin/env bash
# Runs podreach in GitHub Actions, with the inputs of action.yml as PODREACH_*:
# a table in the log, annotations, a job summary, and SARIF and JUnit on demand.
# The exit code is podreach's.
set -euo pipefail

fail() {
	echo "::error title=podreach::$1"
	exit 2
}

# each TEXT: its lines that are not blank, as the array lines. (Bash 3.2 of macOS
# has neither mapfile nor references.)
each() {
	local line
	lines=()
	while IFS= read -r line || [ -n "$line" ]; do
		line="${line#"${line%%[![:space:]]*}"}"
		line="${line%"${line##*[![:space:]]}"}"
		if [ -n "$line" ]; then lines+=("$line"); fi
	done <<<"$1"
}

command=${PODREACH_COMMAND:-}
# Exit code 1 would be findings.
cd -- "${PODREACH_DIRECTORY:-.}" || fail "the input 'working-directory' is no folder that can be entered"
each "${PODREACH_FILES:-.}"
files=(${lines[@]+"${lines[@]}"})
each "${PODREACH_ASSERTIONS:-}"
assertions=(${lines[@]+"${lines[@]}"})
each "${PODREACH_ARGS:-}"
further=(${lines[@]+"${lines[@]}"})

# base prints the revision that diff compares with. A checkout has only the
# newest commit: the base branch is fetched when it is not there.
base() {
	if [ -n "${PODREACH_BASE:-}" ]; then
		if ! git rev-parse --quiet --verify --end-of-options "$PODREACH_BASE^{commit}" >/dev/null; then
			git fetch --quiet --no-tags --depth=1 origin -- "$PODREACH_BASE" >&2 && git rev-parse FETCH_HEAD
			return
		fi
		echo "$PODREACH_BASE"
		return
	fi
	[ -n "${GITHUB_BASE_REF:-}" ] || return 1
	local branch="refs/remotes/origin/$GITHUB_BASE_REF"
	if ! git rev-parse --quiet --verify "$branch^{commit}" >/dev/null; then
		git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:$branch" >&2 || return 1
	fi
	git rev-parse "$branch"
}

arguments=("$command")
operands=()
case $command in
check)
	[ ${#assertions[@]} -gt 0 ] || fail "the input 'assertions' is empty: check needs at least one AssertionSet file"
	operands=("${assertions[@]}")
	for f in ${files[@]+"${files[@]}"}; do arguments+=("--filename=$f"); done
	;;
lint)
	for f in ${files[@]+"${files[@]}"}; do arguments+=("--filename=$f"); done
	;;
diff)
	[ ${#files[@]} -eq 1 ] || fail "the input 'files' names ${#files[@]} paths: diff compares one folder or file"
	revision=$(base) || fail "there is no revision to compare with: set the input 'base', or run on pull requests"
	operands=("git:$revision:${files[0]}" "${files[0]}")
	;;
*)
	fail "the input 'command' is check, diff or lint"
	;;
esac
if [ -n "${PODREACH_FAIL_ON:-}" ]; then arguments+=("--fail-on=$PODREACH_FAIL_ON"); fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
arguments+=(-o table -o "github=$scratch/annotations" -o "md=$scratch/summary")
if [ -n "${PODREACH_SARIF:-}" ]; then arguments+=(-o "sarif=$PODREACH_SARIF"); fi
if [ -n "${PODREACH_JUNIT:-}" ]; then arguments+=(-o "junit=$PODREACH_JUNIT"); fi
arguments+=(${further[@]+"${further[@]}"} -- ${operands[@]+"${operands[@]}"})
# A file of an earlier run must not pass for the answer of this one.
rm -f -- ${PODREACH_SARIF:+"$PODREACH_SARIF"} ${PODREACH_JUNIT:+"$PODREACH_JUNIT"}

# Names come from files that anybody may have written: between these two lines
# the runner takes nothing for a command.
token="podreach-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
echo "::stop-commands::$token"
status=0
podreach "${arguments[@]}" 2>&1 || status=$?
echo "::$token::"

if [ -f "$scratch/annotations" ]; then cat "$scratch/annotations"; fi
if [ -f "$scratch/summary" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$scratch/summary" >>"$GITHUB_STEP_SUMMARY"; fi
if [ "$status" -gt 1 ]; then echo "::error title=podreach $command::podreach could not read everything; the log says what"; fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
	echo "exit-code=$status" >>"$GITHUB_OUTPUT"
	if [ -n "${PODREACH_SARIF:-}" ] && [ -f "$PODREACH_SARIF" ]; then
		delimiter="$token"
		printf 'sarif-file<<%s\n%s\n%s\n' "$delimiter" "$(cd "$(dirname -- "$PODREACH_SARIF")" && pwd)/$(basename -- "$PODREACH_SARIF")" "$delimiter" >>"$GITHUB_OUTPUT"
	fi
fi
exit "$status"
