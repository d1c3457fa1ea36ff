/* What reading and writing PNG files share: libpng's errors come by longjmp, and its memory is
 * asked for here, so that the want of it is told from a file at fault. */
#ifndef GTI_DATA_PNG_H
#define GTI_DATA_PNG_H

#include "data/data.h"

#ifdef GT_WITH_PNG
#include <png.h>

typedef struct {
    const char *path; /* of the file, for messages; NULL: one is made */
    gt_data_error *error;
} gti_png;

/* The functions for png_create_read_struct_2 and its like, whose pointers all lead to a gti_png. */
void gti_png_on_error(png_structp png, png_const_charp why);
void gti_png_on_warning(png_structp png, png_const_charp why);
png_voidp gti_png_malloc(png_structp png, png_alloc_size_t size);
void gti_png_free(png_structp png, png_voidp memory);
#endif

#endif
