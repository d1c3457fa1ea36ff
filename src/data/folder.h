/* The pictures below a folder. */
#ifndef GTI_DATA_FOLDER_H
#define GTI_DATA_FOLDER_H

#include "data/data.h"

typedef struct {
    char *path;
    size_t folder; /* so many bytes of it are the folder that it lies in */
    int64_t label;
} gti_listed;

/* All zero is an empty one. */
typedef struct {
    gti_listed *files;
    int64_t count, room;
    char **classes; /* by name, as many as labels */
    int64_t n_classes;
    gt_image_folder_report report;
} gti_listing;

/* Fills in an empty listing; what it holds is to be freed, also after a failure. */
bool gti_folder_list_make(gti_listing *l, const char *folder, gt_data_error *error);
/* The same of all pictures below a folder, without classes. */
bool gti_folder_list_all(gti_listing *l, const char *folder, gt_data_error *error);
void gti_folder_list_free(gti_listing *l);

/* --- folder.c --- */

/* Sets p's h and w to the size that is asked for, or that of the picture at `path`. */
bool gti_folder_size(const int size[2], const char *path, const gt_image_opts *how, gti_picture *p,
                     gt_data_error *error);

#endif
