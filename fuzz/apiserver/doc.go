// Package apiserver tests podreach against a real API server: reading it live
// gives what the same objects give in files, and a NetworkPolicy is refused
// exactly when the server refuses it.
//
// It is a module of its own because the server is built from its source. Run
// it with `make live`, which builds the server (kapi: etcd and kube-apiserver
// in one process) and kubectl once, in some five minutes.
package apiserver
