// ktbench is a small test bed for trace-driven models of service times.
//
// It runs a few HTTP services with a chosen number of replicas, each replica a
// queue with a known service-time distribution, instruments them with
// OpenTelemetry, and drives them with open-loop Poisson load, cell by cell
// (one cell is one rate with one set of replica counts). Spans go to any
// OTLP/HTTP receiver, for example Jaeger. A manifest records what was done.
//
//	ktbench run   -config bench.json -otlp 127.0.0.1:4318 -out manifest.json
//	ktbench load  -url http://127.0.0.1:8080/dispatch?customer=123 -rate 10 -n 200
//	ktbench plan  -config bench.json
//	ktbench cluster -config bench.json -otlp 127.0.0.1:4318 -listen 127.0.0.1:9199
//	ktbench serve ...   (started by run and cluster, one process for each replica)
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// Config is the file given with -config.
type Config struct {
	Seed     uint64              `json:"seed"`
	BasePort int                 `json:"base_port"`
	Entry    string              `json:"entry"`
	Services map[string]*Service `json:"services"`
	Grid     Grid                `json:"grid"`
	Cells    []Cell              `json:"cells,omitempty"` // used instead of the grid when given
}

// Service is one service: every replica has Workers workers and one FIFO queue.
type Service struct {
	Dist      string     `json:"dist"`
	Workers   int        `json:"workers,omitempty"`    // default 1
	Steps     [][]string `json:"steps,omitempty"`      // calls: steps in sequence, the calls of a step in parallel
	ErrorRate float64    `json:"error_rate,omitempty"` // share of requests answered with 500
}

// Grid lists, for each number of replicas, the rates to run. Every service has
// that many replicas unless Fixed names it.
type Grid struct {
	Rates       map[int][]float64 `json:"rates"`
	Fixed       map[string]int    `json:"fixed,omitempty"`
	Seconds     float64           `json:"seconds"`
	MinRequests int               `json:"min_requests"`
	Shuffle     bool              `json:"shuffle"`
}

// Cell is one load step.
type Cell struct {
	Rate float64        `json:"rate"`
	N    int            `json:"n"`
	Rep  map[string]int `json:"rep"`
}

func main() {
	runtime.LockOSThread() // replicas end with the thread that started them
	if len(os.Args) < 2 {
		usage()
	}
	var err error
	switch os.Args[1] {
	case "run":
		err = cmdRun(os.Args[2:])
	case "plan":
		err = cmdPlan(os.Args[2:])
	case "load":
		err = cmdLoad(os.Args[2:])
	case "cluster":
		err = cmdCluster(os.Args[2:])
	case "serve":
		err = cmdServe(os.Args[2:])
	default:
		usage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ktbench:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: ktbench run|plan|load|cluster|serve [flags]   (-h after a command lists its flags)")
	os.Exit(2)
}

func readConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.Services[c.Entry] == nil {
		return nil, fmt.Errorf("%s: entry %q is not among the services", path, c.Entry)
	}
	for name, s := range c.Services {
		if s.Workers == 0 {
			s.Workers = 1
		}
		if _, err := parseDist(s.Dist); err != nil {
			return nil, fmt.Errorf("%s: service %s: %w", path, name, err)
		}
		for _, step := range s.Steps {
			for _, callee := range step {
				if c.Services[callee] == nil {
					return nil, fmt.Errorf("%s: service %s calls unknown %q", path, name, callee)
				}
			}
		}
	}
	return c, nil
}
