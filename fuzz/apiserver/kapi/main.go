// Command kapi is etcd and kube-apiserver in one process: a real API server for tests, without kubelets or controllers.
//
//	kapi -etcd=DIR -- KUBE-APISERVER-FLAGS
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	folder := flag.String("etcd", "", "the folder where etcd keeps its data")
	flag.Parse()
	etcd, err := startEtcd(*folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kapi: etcd:", err)
		os.Exit(1)
	}
	server := app.NewAPIServerCommand()
	server.SetArgs(append(flag.Args(), "--etcd-servers=http://"+etcd.Clients[0].Addr().String()))
	// The server has to end first: while it shuts down without an etcd it waits for minutes and keeps its port.
	status := cli.Run(server)
	etcd.Close()
	os.Exit(status)
}

// startEtcd starts an etcd on free ports of the loopback interface and returns when it answers. What it keeps is not
// synced to the disk: nobody reads it after the test.
func startEtcd(folder string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = folder
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	free := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.ListenClientUrls, config.AdvertiseClientUrls = free, free
	config.ListenPeerUrls, config.AdvertisePeerUrls = free, free
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	<-etcd.Server.ReadyNotify()
	return etcd, nil
}
