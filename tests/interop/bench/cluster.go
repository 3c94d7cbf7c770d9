package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// replicas are the running processes of all services, one for each replica.
type replicas struct {
	cfg          *Config
	config, otlp string
	procs        []*exec.Cmd
}

// start runs as many replicas as rep says and waits until they answer. Random numbers follow from the seed and stream.
func (r *replicas) start(rep map[string]int, stream int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var reps []string
	for _, n := range r.cfg.names() {
		if rep[n] < 1 {
			return fmt.Errorf("no replicas for %s", n)
		}
		reps = append(reps, fmt.Sprintf("%s=%d", n, rep[n]))
	}
	for _, n := range r.cfg.names() {
		for k := range rep[n] {
			p := exec.Command(self, "serve", "-config", r.config, "-service", n, "-replica", fmt.Sprint(k),
				"-rep", strings.Join(reps, ","), "-stream", fmt.Sprint(stream), "-otlp", r.otlp)
			p.Stderr = os.Stderr
			p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
			if err := p.Start(); err != nil {
				return err
			}
			r.procs = append(r.procs, p)
		}
	}
	for _, n := range r.cfg.names() {
		for _, a := range r.cfg.addrs(n, rep[n]) {
			if err := waitReady("http://"+a+"/healthz", 10*time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}

// stop ends them with SIGTERM, on which each sends its last spans.
func (r *replicas) stop() (err error) {
	for _, p := range r.procs {
		p.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range r.procs {
		if e := p.Wait(); e != nil && err == nil {
			err = fmt.Errorf("a replica failed: %w", e)
		}
	}
	r.procs = nil
	return err
}

func waitReady(url string, limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.New(url + " did not become ready")
}

// cmdCluster keeps the services running and scales them when asked, as an orchestrator does: the answer to
// /scale?service=S&rep=N comes when all replicas are ready again. It starts with one replica of each.
func cmdCluster(args []string) error {
	fs := flag.NewFlagSet("cluster", flag.ExitOnError)
	config := fs.String("config", "bench.json", "configuration file")
	otlp := fs.String("otlp", "127.0.0.1:4318", "OTLP/HTTP receiver, host:port")
	listen := fs.String("listen", "127.0.0.1:9199", "where it is told what to do, host:port")
	fs.Parse(args)
	cfg, err := readConfig(*config)
	if err != nil {
		return err
	}
	rep := map[string]int{}
	for _, n := range cfg.names() {
		rep[n] = 1
	}
	r := replicas{cfg: cfg, config: *config, otlp: *otlp}
	defer r.stop()
	if err := r.start(rep, 0); err != nil {
		return err
	}
	scale := make(chan scaling)
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {})
	http.HandleFunc("/scale", func(w http.ResponseWriter, q *http.Request) {
		n, err := strconv.Atoi(q.FormValue("rep"))
		if err != nil || n < 1 || n > 20 || cfg.Services[q.FormValue("service")] == nil {
			http.Error(w, "a service and its replicas, 1 to 20", http.StatusBadRequest)
			return
		}
		done := make(chan error)
		scale <- scaling{q.FormValue("service"), n, done}
		if err := <-done; err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	failed := make(chan error, 1)
	go func() { failed <- http.ListenAndServe(*listen, nil) }()
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	for stream := 1; ; stream++ { // here, since replicas end with the thread that started them
		select {
		case <-end:
			return r.stop()
		case err := <-failed:
			return err
		case s := <-scale:
			rep[s.service] = s.rep
			s.done <- errors.Join(r.stop(), r.start(rep, stream))
		}
	}
}

type scaling struct {
	service string
	rep     int
	done    chan error
}
