package engine

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// Budgets that no machine changes. Who exceeds one shows what it buys, and
// changes the number.

// What there is one of for each pod, class or rule stays this small.
func TestSizes(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(model.Pod{}), uintptr(296))
	require.LessOrEqual(t, unsafe.Sizeof(model.Rule{}), uintptr(368))
	require.LessOrEqual(t, unsafe.Sizeof(classInfo{}), uintptr(12))
	require.LessOrEqual(t, unsafe.Sizeof(segment{}), uintptr(64))
	require.LessOrEqual(t, unsafe.Sizeof(entry{}), uintptr(8))
	require.LessOrEqual(t, unsafe.Sizeof(program{}), uintptr(40))
	require.LessOrEqual(t, unsafe.Sizeof(classSet{}), uintptr(56))
	require.LessOrEqual(t, unsafe.Sizeof(peer{}), uintptr(80))
	require.LessOrEqual(t, unsafe.Sizeof(slot{}), uintptr(40))
	// A leaf is its elements and one word; a pod is in one list, a class in two.
	require.LessOrEqual(t, unsafe.Sizeof(leaf[podPlace]{}), uintptr(fan*16+8))
	require.LessOrEqual(t, unsafe.Sizeof(leaf[[model.NumDirections]uint32]{}), uintptr(fan*8+8))
}

// What runs for each rule of a verdict and each word of a row is inlined. That
// classSet.has is not costs a verdict 1 %, which is not worth a second form.
func TestInlining(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", "-o", os.DevNull, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	can := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m): can inline (\S+)`).FindAllSubmatch(out, -1) {
		can[string(m[1])] = true
	}
	for _, f := range []string{
		"mask.has", "mask.or", "mask.and", "mask.overlaps", "mask.empty",
		"(*Index).Class", "(*Index).pod", "(*Index).slotKind", "(*Index).portNames",
		"(*tied).has", "(*tied).end", "(*addrAtoms).family",
		"(*vector[int32]).get", "(*vector[[2]uint32]).get", "(*vector[github.com/podreach/podreach/engine.podPlace]).get",
	} {
		require.True(t, can[f], "%s is not inlined any more", f)
	}
	// And where it counts, not only in principle.
	calls := regexp.MustCompile(`(?m)^\./decide\.go:\d+:\d+: inlining call to (\S+)`).FindAllSubmatch(out, -1)
	inlined := map[string]bool{}
	for _, m := range calls {
		inlined[string(m[1])] = true
	}
	for _, f := range []string{"mask.has", "(*Index).Class", "(*vector[go.shape.[2]uint32]).get", "(*tied).has"} {
		require.True(t, inlined[f], "decide.go calls %s", f)
	}
}
