/* make_archive FILE.h5 [ensembles | networks | N]: the archive of tests/archive/sample_archive.h; the same
 * with ensembles; one with a network of every form; or one with N services, s0000 and so on, of the usual
 * form. */
#include "../archive/sample_networks.h"

/* n services of the usual form. */
static void sample_many(kt_archive *archive, size_t n)
{
    sample_features(archive);
    archive->n_entries = n;
    archive->entries = sample_new(n, sizeof *archive->entries);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "s%04zu", i);
        sample_entry(&archive->entries[i], name, KT_WEIBULL, false, 8);
        kt_model_clear(&archive->entries[i].fitted.model);
        sample_network(&archive->entries[i].fitted.model, 0);
    }
}

int main(int argc, char **argv)
{
    kt_archive archive = {0};
    kt_error err = {0};
    if (argc < 2 || argc > 3)
        return 2;
    if (argc == 2)
        sample_archive(&archive);
    else if (strcmp(argv[2], "ensembles") == 0)
        sample_ensembles(&archive);
    else if (strcmp(argv[2], "networks") == 0)
        sample_networks(&archive);
    else
        sample_many(&archive, (size_t)atoi(argv[2]));
    if (kt_archive_write(argv[1], &archive, NULL, NULL, &err) != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    kt_archive_clear(&archive);
    return err.status == KT_OK ? 0 : 1;
}
