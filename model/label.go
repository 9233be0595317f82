package model

// OpaqueValue is the value of a label that a controller sets and that no input
// says, such as a hash: the key is there, and equal to no literal (R65). It
// holds bytes that label values cannot have, so that no valid selector names
// it, and is longer than they can be, so that it is near to no misspelt one.
// It is never shown.
const OpaqueValue = "\x00 set by a controller: the key is there, and what its value is no selector can know or name"
