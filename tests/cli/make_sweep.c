/* make_sweep RUN TRIALS [EVENTS [SEARCHES]]: a run's config.json and the ledger of a Hyperband sweep whose
 * law is known: the value depends on learning-rate and hidden, a little on clip, on nothing else. EVENTS:
 * stop after so many, 0: all. SEARCHES: each of a service of its own, 0: one for all. */
#include "kt/file.h"
#include "kt/ledger.h"
#include "kt/rng.h"
#include "kt/rungs.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNGS = 3, MOST = 2000 };

static const char config[] =
    "{\"kt_train\":\"test\",\"numerics\":1,\"options\":{},\"sweep\":{\"batch\":16,\"eta\":3.0,\"folds\":0,"
    "\"keep\":1,\"max_failures\":0,\"max_trials\":10000,\"method\":\"random\",\"objective\":\"nll\","
    "\"per\":\"%s\",\"rungs\":3,\"scheduler\":\"hyperband\",\"seed\":1,\"space\":{\"activation\":\"tanh\","
    "\"clip\":{\"uniform\":[0,1],\"when\":{\"recipe\":[\"default\"]}},\"components\":{\"int\":[4,16]},"
    "\"hidden\":{\"choice\":[[16,16],[32,32],[64]]},\"learning-rate\":{\"log\":[0.001,0.1]},"
    "\"recipe\":{\"choice\":[\"default\",\"fast\"]},\"weight-decay\":{\"uniform\":[0,0.3]}},"
    "\"trials\":%d}}";
static const char *const hidden[] = {"[16,16]", "[32,32]", "[64]"};

typedef struct {
    double rate, decay, clip, noise;
    int hidden, components, first, rung;
    bool fast, failed, there;
    double value;
} trial;

typedef struct {
    kt_ledger *ledger;
    kt_rungs rungs;
    char service[40];
    bool own; /* the service has its own search */
    double time;
    long left; /* events; negative: any number */
    kt_rng rng;
} maker;

static void must(kt_status status, const kt_error *err)
{
    if (status != KT_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

/* The event with its search and time, if it may be told still. */
static void tell(maker *m, const char *format, ...)
{
    char text[600];
    kt_error err = {0};
    kt_json *event;
    va_list args;
    if (m->left == 0)
        return;
    m->left--;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    must(kt_json_parse(&event, text, strlen(text), "event", &err), &err);
    if (m->own && kt_json_get(event, "trial"))
        kt_json_put(event, "search", kt_json_string(m->service));
    must(kt_ledger_write(m->ledger, kt_json_put(event, "time", kt_json_real(m->time)), &err), &err);
}

static void propose(maker *m, trial *t, int i)
{
    char clip[60] = "";
    t->rate = pow(10, -3 + 2 * kt_rng_uniform(&m->rng));
    t->decay = 0.3 * kt_rng_uniform(&m->rng);
    t->clip = kt_rng_uniform(&m->rng);
    t->hidden = (int)kt_rng_below(&m->rng, 3);
    t->components = 4 + (int)kt_rng_below(&m->rng, 13);
    t->fast = kt_rng_below(&m->rng, 2) == 1;
    t->noise = kt_rng_normal(&m->rng);
    t->there = t->first == 0;
    if (!t->fast)
        snprintf(clip, sizeof clip, "\"clip\":%.17g,", t->clip);
    tell(m,
         "{\"event\":\"proposed\",\"trial\":%d,\"first\":%d,\"options\":{\"activation\":\"tanh\",%s"
         "\"components\":%d,\"hidden\":%s,\"learning-rate\":%.17g,\"recipe\":\"%s\",\"weight-decay\":%.17g}}",
         i, t->first, clip, t->components, hidden[t->hidden], t->rate, t->fast ? "fast" : "default",
         t->decay);
}

static double law(const trial *t, double share)
{
    double off = log10(t->rate) + 2.2;
    return -1.5 + 0.3 * off * off + 0.12 * (t->hidden == 0) + (t->fast ? 0 : 0.02 * t->clip) +
           0.01 * t->noise + 0.2 * (1 - share);
}

static void run_trial(maker *m, trial *t, int i, int rung)
{
    tell(m, "{\"event\":\"started\",\"trial\":%d,\"rung\":%d}", i, rung);
    m->time += 0.1 * m->rungs.share[rung];
    t->failed = t->rate > 0.08;
    t->value = t->failed ? NAN : law(t, m->rungs.share[rung]);
    if (t->failed)
        tell(m,
             "{\"event\":\"scored\",\"trial\":%d,\"rung\":%d,\"service\":\"%s\",\"fold\":0,\"steps\":9,"
             "\"seconds\":%.17g,\"reason\":\"the loss is no number <&>\"}",
             i, rung, m->service, 0.18 * m->rungs.share[rung]);
    else
        tell(m,
             "{\"event\":\"scored\",\"trial\":%d,\"rung\":%d,\"service\":\"%s\",\"fold\":0,\"steps\":%d,"
             "\"seconds\":%.17g,\"value\":%.17g}",
             i, rung, m->service, (int)(900 * m->rungs.share[rung]), 0.18 * m->rungs.share[rung], t->value);
}

static void decide(maker *m, trial *t, int n, int rung)
{
    static int first[MOST];
    static double value[MOST];
    static bool there[MOST], promoted[MOST];
    for (int i = 0; i < n; i++) {
        first[i] = t[i].first;
        value[i] = t[i].value;
        there[i] = t[i].there;
        if (!t[i].there)
            continue;
        if (t[i].failed)
            tell(m, "{\"event\":\"failed\",\"trial\":%d,\"rung\":%d,\"reason\":\"%s: no number <&>\"}", i,
                 rung, m->service);
        else
            tell(m, "{\"event\":\"rung\",\"trial\":%d,\"rung\":%d,\"value\":%.17g}", i, rung, t[i].value);
    }
    if (rung == RUNGS - 1)
        return;
    kt_rungs_promote(promoted, &m->rungs, first, value, there, (size_t)n, rung);
    for (int i = 0; i < n; i++) {
        if (t[i].there && !t[i].failed)
            tell(m, "{\"event\":\"%s\",\"trial\":%d,\"rung\":%d}", promoted[i] ? "promoted" : "stopped", i,
                 rung);
        t[i].there = promoted[i] || t[i].first == rung + 1;
    }
}

static void search(maker *m, int n)
{
    static trial t[MOST];
    static int first[MOST];
    int best = -1;
    kt_rungs_deal(first, &m->rungs, (size_t)n);
    for (int i = 0; i < n; i++) {
        t[i] = (trial){.first = first[i]};
        propose(m, &t[i], i);
    }
    for (int rung = 0; rung < RUNGS; rung++) {
        for (int i = 0; i < n; i++)
            if (t[i].there)
                run_trial(m, &t[i], i, rung);
        decide(m, t, n, rung);
    }
    for (int i = 0; i < n; i++)
        if (t[i].there && !t[i].failed && (best < 0 || t[i].value < t[best].value))
            best = i;
    tell(m, "{\"event\":\"won\",\"trial\":%d,\"place\":0,\"value\":%.17g}", best, t[best].value);
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    char *path = NULL, text[2000];
    if (argc < 3 || atoi(argv[2]) < 1 || atoi(argv[2]) > MOST)
        return 2;
    int n = atoi(argv[2]), searches = argc > 4 ? atoi(argv[4]) : 0;
    maker m = {.time = (double)time(NULL),
               .own = searches > 0,
               .left = argc > 3 && atol(argv[3]) > 0 ? atol(argv[3]) : -1};
    must(kt_folder_create(argv[1], &err), &err);
    must(kt_path_join(&path, argv[1], "config.json", &err), &err);
    snprintf(text, sizeof text, config, searches > 0 ? "service" : "all", n);
    must(kt_file_write(path, text, strlen(text), &err), &err);
    free(path);
    must(kt_rungs_make(&m.rungs, KT_RUNGS_HYPERBAND, RUNGS, 3, &err), &err);
    kt_rng_init(&m.rng, 1, 0, KT_RNG_SAMPLE, 0, 0);
    must(kt_ledger_open(&m.ledger, argv[1], "00", NULL, &err), &err);
    tell(&m, "{\"event\":\"resumed\",\"ranks\":2}");
    for (int k = 0; k < (searches > 0 ? searches : 1); k++) {
        snprintf(m.service, sizeof m.service, "s%04d", k);
        search(&m, n);
    }
    tell(&m, "{\"event\":\"ended\",\"trials\":%d,\"failures\":0}", n * (searches > 0 ? searches : 1));
    kt_ledger_close(m.ledger);
    return 0;
}
