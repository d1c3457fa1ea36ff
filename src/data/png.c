#include "data/png.h"

#ifdef GT_WITH_PNG
#include <stdlib.h>

void gti_png_on_error(png_structp png, png_const_charp why)
{
    const gti_png *p = png_get_error_ptr(png);
    if (p->path)
        gt_data_fail(p->error, GT_ERR_FORMAT, "%s: not a sound PNG file: %s", p->path, why);
    else gt_data_fail(p->error, GT_ERR_IO, "the PNG was not made: %s", why);
    png_longjmp(png, 1);
}

/* They tell of colour profiles and the like, which nobody looks at. */
void gti_png_on_warning(png_structp png, png_const_charp why)
{
    (void)png, (void)why;
}

/* What fails here is the first error, and stays it. */
png_voidp gti_png_malloc(png_structp png, png_alloc_size_t size)
{
    const gti_png *p = png_get_mem_ptr(png);
    return gti_data_malloc(size, p->error);
}

void gti_png_free(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}
#endif
