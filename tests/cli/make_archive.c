/* make_archive FILE.h5: the archive of tests/archive/sample_archive.h. */
#include "../archive/sample_archive.h"

int main(int argc, char **argv)
{
    kt_archive archive;
    kt_error err = {0};
    if (argc != 2)
        return 2;
    sample_archive(&archive);
    if (kt_archive_write(argv[1], &archive, NULL, NULL, &err) != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    kt_archive_clear(&archive);
    return err.status == KT_OK ? 0 : 1;
}
