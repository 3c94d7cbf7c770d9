/* Ids of traces and spans from texts. Hexadecimal of either case, padded with zeros on the left; base64 of 8
 * or 16 bytes with its padding (protobuf's JSON); any other text, of tracers and tests that count or name, is
 * taken as a name and stands for a hash of it, which never is 0. The empty text is id 0. */
#ifndef KT_TRACE_IDS_H
#define KT_TRACE_IDS_H

#include <stddef.h>
#include <stdint.h>

void kt_id_of_trace(uint8_t id[16], const char *text, size_t n);
uint64_t kt_id_of_span(const char *text, size_t n);

#endif
