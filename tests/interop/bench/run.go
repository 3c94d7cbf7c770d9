package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

// Result is one cell of the manifest. Times are Unix microseconds.
type Result struct {
	Cell        int            `json:"cell"`
	StartUs     int64          `json:"start_us"` // just before the first request
	EndUs       int64          `json:"end_us"`   // after the last reply
	RpsAsked    float64        `json:"rps_asked"`
	RpsAchieved float64        `json:"rps_achieved"` // (n-1) / (last send - first send)
	N           int            `json:"n"`
	Errors      int            `json:"errors"` // replies other than 2xx, and failures
	MaxLateMs   float64        `json:"max_late_ms"`
	ReplyMeanMs float64        `json:"reply_mean_ms"`
	ReplyP50Ms  float64        `json:"reply_p50_ms"`
	ReplyP95Ms  float64        `json:"reply_p95_ms"`
	Rep         map[string]int `json:"rep"`
	ReplicaRho  map[string]any `json:"expected_utilisation,omitempty"`
}

// Manifest is what run writes.
type Manifest struct {
	Note   string   `json:"note"`
	Config *Config  `json:"config"`
	Cells  []Result `json:"cells"`
}

func (c *Config) cells() []Cell {
	if len(c.Cells) > 0 {
		return c.Cells
	}
	var out []Cell
	var reps []int
	for k := range c.Grid.Rates {
		reps = append(reps, k)
	}
	sort.Ints(reps)
	for _, k := range reps {
		for _, r := range c.Grid.Rates[k] {
			cell := Cell{Rate: r, Rep: map[string]int{}}
			cell.N = max(c.Grid.MinRequests, int(math.Ceil(r*c.Grid.Seconds)))
			for name := range c.Services {
				cell.Rep[name] = k
				if f := c.Grid.Fixed[name]; f > 0 {
					cell.Rep[name] = f
				}
			}
			out = append(out, cell)
		}
	}
	if c.Grid.Shuffle {
		rng := rand.New(rand.NewPCG(c.Seed, 77))
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// rho is the expected utilisation of one replica (errors cut later steps short; they are ignored here).
func (c *Config) rho(name string, cell Cell) float64 {
	visits := c.visits(c.Entry, name)
	d, _ := parseDist(c.Services[name].Dist)
	return cell.Rate * visits * d.mean() / float64(cell.Rep[name]*c.Services[name].Workers)
}

func (c *Config) visits(from, name string) float64 {
	v := 0.0
	if from == name {
		v = 1
	}
	for _, step := range c.Services[from].Steps {
		for _, callee := range step {
			v += c.visits(callee, name)
		}
	}
	return v
}

func cmdPlan(args []string) error {
	fs := flag.NewFlagSet("plan", flag.ExitOnError)
	config := fs.String("config", "bench.json", "configuration file")
	fs.Parse(args)
	cfg, err := readConfig(*config)
	if err != nil {
		return err
	}
	names := cfg.names()
	total := 0.0
	for i, cell := range cfg.cells() {
		total += float64(cell.N) / cell.Rate
		fmt.Printf("%3d rate %5.1f n %4d (%5.1f s)", i, cell.Rate, cell.N, float64(cell.N)/cell.Rate)
		for _, n := range names {
			fmt.Printf("  %s x%d rho %.2f", n, cell.Rep[n], cfg.rho(n, cell))
		}
		fmt.Println()
	}
	fmt.Printf("about %.0f s of load, and about 1.5 s more for each cell\n", total)
	return nil
}

func (c *Config) names() []string {
	var names []string
	for n := range c.Services {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func cmdRun(args []string) error {
	fs := flag.NewFlagSet("run", flag.ExitOnError)
	config := fs.String("config", "bench.json", "configuration file")
	otlp := fs.String("otlp", "127.0.0.1:4318", "OTLP/HTTP receiver, host:port")
	out := fs.String("out", "manifest.json", "manifest to write")
	gap := fs.Duration("gap", time.Second, "pause between cells")
	fs.Parse(args)
	cfg, err := readConfig(*config)
	if err != nil {
		return err
	}
	m := Manifest{Config: cfg, Note: "times are Unix microseconds; one cell is one load step with fixed replicas"}
	for i, cell := range cfg.cells() {
		res, err := runCell(cfg, *config, *otlp, i, cell)
		if err != nil {
			return fmt.Errorf("cell %d: %w", i, err)
		}
		m.Cells = append(m.Cells, *res)
		fmt.Printf("cell %d rate %g n %d: achieved %.2f/s, mean %.1f ms, p95 %.1f ms, errors %d, latest send %.1f ms late\n",
			i, cell.Rate, cell.N, res.RpsAchieved, res.ReplyMeanMs, res.ReplyP95Ms, res.Errors, res.MaxLateMs)
		if err := writeJSON(*out, m); err != nil {
			return err
		}
		time.Sleep(*gap)
	}
	return nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func runCell(cfg *Config, config, otlp string, i int, cell Cell) (res *Result, err error) {
	r := replicas{cfg: cfg, config: config, otlp: otlp}
	defer func() {
		if e := r.stop(); e != nil && err == nil {
			err = e
		}
	}()
	if err := r.start(cell.Rep, i); err != nil {
		return nil, err
	}
	var urls []string
	for _, a := range cfg.addrs(cfg.Entry, cell.Rep[cfg.Entry]) {
		urls = append(urls, "http://"+a+"/"+cfg.Entry)
	}
	res, err = drive(urls, cell.Rate, cell.N, cfg.Seed, uint64(i)+1000)
	if err != nil {
		return nil, err
	}
	res.Cell, res.Rep = i, cell.Rep
	res.ReplicaRho = map[string]any{}
	for _, n := range cfg.names() {
		res.ReplicaRho[n] = math.Round(cfg.rho(n, cell)*1000) / 1000
	}
	return res, nil
}

// drive sends n requests at Poisson times of the given rate, round-robin over
// urls. It is open-loop: a slow reply never delays the next request.
func drive(urls []string, rate float64, n int, seed, stream uint64) (*Result, error) {
	if rate <= 0 || n < 2 || len(urls) == 0 {
		return nil, errors.New("needs a rate above 0, at least 2 requests and a URL")
	}
	rng := rand.New(rand.NewPCG(seed, stream))
	client := &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	times := make([]float64, n)
	bad := make([]bool, n)
	var wg sync.WaitGroup
	start := time.Now()
	due, last, late := time.Duration(0), time.Duration(0), time.Duration(0)
	for i := range n {
		if i > 0 {
			due += time.Duration(rng.ExpFloat64() / rate * 1e9)
		}
		time.Sleep(due - time.Since(start))
		last = time.Since(start)
		late = max(late, last-due)
		wg.Add(1)
		go func() {
			defer wg.Done()
			t := time.Now()
			resp, err := client.Get(urls[i%len(urls)])
			if err != nil {
				bad[i] = true
			} else {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				bad[i] = resp.StatusCode/100 != 2
			}
			times[i] = float64(time.Since(t).Nanoseconds()) / 1e6
		}()
	}
	wg.Wait()
	r := &Result{StartUs: start.UnixMicro(), EndUs: time.Now().UnixMicro(), RpsAsked: rate, N: n,
		RpsAchieved: float64(n-1) / last.Seconds(), MaxLateMs: float64(late.Nanoseconds()) / 1e6}
	for i := range n {
		r.ReplyMeanMs += times[i] / float64(n)
		if bad[i] {
			r.Errors++
		}
	}
	sort.Float64s(times)
	r.ReplyP50Ms, r.ReplyP95Ms = times[n/2], times[n*95/100]
	return r, nil
}

func cmdLoad(args []string) error {
	fs := flag.NewFlagSet("load", flag.ExitOnError)
	url := fs.String("url", "", "URL to get; several are separated by commas and used in turn")
	rate := fs.Float64("rate", 10, "mean requests per second (Poisson)")
	n := fs.Int("n", 200, "requests")
	seed := fs.Uint64("seed", 1, "random seed")
	fs.Parse(args)
	r, err := drive(strings.Split(*url, ","), *rate, *n, *seed, 0)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
