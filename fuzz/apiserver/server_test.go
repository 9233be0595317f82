package apiserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// root is the root of podreach's module.
const root = "../.."

// The server of all tests, and what they run.
var (
	server   *apiServer
	podreach string // the binary
)

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (code int, err error) {
	folder, err := os.MkdirTemp("", "podreach-apiserver-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the temporary folder is cleaned by the system too
	podreach = filepath.Join(folder, "podreach")
	build := exec.Command("go", "build", "-o", podreach, "./cmd/podreach")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building podreach: %w\n%s", err, out)
	}
	if server, err = startServer(folder); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	return run(), nil
}

// apiServer is a running kapi.
type apiServer struct {
	cmd    *exec.Cmd
	exited chan error
	log    *bytes.Buffer // complete once it has exited
	config rest.Config   // of the administrator
	client *kubernetes.Clientset
}

const adminToken = "administrator"

func startServer(folder string) (*apiServer, error) {
	kapi, err := filepath.Abs(filepath.Join(root, "bin", "kapi"))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{kapi, filepath.Join(root, "bin", "kubectl")} {
		if _, err := os.Stat(name); err != nil {
			return nil, fmt.Errorf("%w; make kapi builds it", err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		"sa.key":     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"sa.pub":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"tokens.csv": []byte(adminToken + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	s := &apiServer{exited: make(chan error, 1), log: &bytes.Buffer{}}
	s.config = rest.Config{
		Host: fmt.Sprintf("https://127.0.0.1:%d", port), BearerToken: adminToken, QPS: -1, WarningHandler: rest.NoWarnings{},
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // the server makes a certificate for itself
	}
	if s.client, err = kubernetes.NewForConfig(&s.config); err != nil {
		return nil, err
	}
	// Without kubelets and controllers nobody makes service accounts or
	// namespaces, so admission must not ask for them.
	s.cmd = exec.Command(kapi, "-etcd", filepath.Join(folder, "etcd"), "--",
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--cert-dir="+filepath.Join(folder, "certs"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+filepath.Join(folder, "sa.pub"),
		"--service-account-signing-key-file="+filepath.Join(folder, "sa.key"),
		"--token-auth-file="+filepath.Join(folder, "tokens.csv"), "--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount,NamespaceLifecycle", "--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
		"--enable-priority-and-fairness=false", "--max-requests-inflight=0", "--max-mutating-requests-inflight=0")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.exited <- s.cmd.Wait() }()
	if err := s.ready(); err != nil {
		return nil, errors.Join(err, s.stop(), errors.New(s.log.String()))
	}
	return s, nil
}

// ready waits until the server answers.
func (s *apiServer) ready() error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		_, err := s.client.RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
		if err == nil {
			return nil
		}
		select {
		case exit := <-s.exited:
			s.exited <- exit
			return errors.Join(errors.New("kapi has ended"), exit)
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("kapi is not ready: %w", err)
		}
	}
}

// stop ends the server and waits for it.
func (s *apiServer) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case exit := <-s.exited:
		_ = exit // by our signal, or said before
		return nil
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		return errors.New("kapi did not end within 30s")
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// kubeconfig writes a kubeconfig with a context for each token, the first
// being the current one.
func kubeconfig(t *testing.T, names []string, tokens map[string]string) string {
	t.Helper()
	c := clientcmdapi.NewConfig()
	c.Clusters["kapi"] = &clientcmdapi.Cluster{Server: server.config.Host, InsecureSkipTLSVerify: true}
	for _, name := range names {
		c.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: tokens[name]}
		c.Contexts[name] = &clientcmdapi.Context{Cluster: "kapi", AuthInfo: name}
	}
	c.CurrentContext = names[0]
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*c, file))
	return file
}

// command runs podreach, or kubectl, with only our kubectl on the PATH.
func command(t *testing.T, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join(root, "bin"))
	require.NoError(t, err)
	if name == "kubectl" {
		name = filepath.Join(bin, name)
	}
	var out, errs strings.Builder
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Dir = t.TempDir() // no podreach.yaml is near
	cmd.Env = append(os.Environ(), "PATH="+bin, "HOME="+cmd.Dir)
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		code = exit.ExitCode()
	}
	return out.String(), errs.String(), code
}
