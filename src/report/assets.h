/* Files of this folder that pages carry with them, embedded by embed.cmake. */
#ifndef KT_REPORT_ASSETS_H
#define KT_REPORT_ASSETS_H

#include <stddef.h>

extern const char picture_css[], report_css[], report_js[];
extern const size_t picture_css_size, report_css_size, report_js_size;

#endif
