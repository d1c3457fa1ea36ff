/* Samples for reductions with options of a type that begins as gt_reduce_opts does. */
#ifndef GTI_OPS_REDUCTION_SAMPLES_H
#define GTI_OPS_REDUCTION_SAMPLES_H

#include "reduction.h"

#define GTI_REDUCE(type, ...)                                                                      \
    .opts = &(const type)                                                                          \
    {                                                                                              \
        .axes = __VA_ARGS__                                                                        \
    }

/* At least two elements are reduced to each. */
#define GTI_REDUCTION_SAMPLES(type)                                                                \
    {.label = "all", .in = GT_INPUTS(GT_IN(3, 4))},                                                \
        {.label = "all, keepdim",                                                                  \
         .in = GT_INPUTS(GT_IN(2, 3)),                                                             \
         GTI_REDUCE(type, 0, .keepdim = true)},                                                    \
        {.label = "rows", .in = GT_INPUTS(GT_IN(3, 4)), GTI_REDUCE(type, GT_AXIS(0))},             \
        {.label = "columns", .in = GT_INPUTS(GT_IN(3, 4)), GTI_REDUCE(type, GT_AXIS(1))},          \
        {.label = "columns, keepdim",                                                              \
         .in = GT_INPUTS(GT_IN(3, 4)),                                                             \
         GTI_REDUCE(type, GT_AXIS(-1), .keepdim = true)},                                          \
        {.label = "middle", .in = GT_INPUTS(GT_IN(2, 3, 2)), GTI_REDUCE(type, GT_AXIS(1))},        \
        {.label = "outer and inner",                                                               \
         .in = GT_INPUTS(GT_IN(2, 3, 2)),                                                          \
         GTI_REDUCE(type, GT_AXIS(0) | GT_AXIS(-1))},                                              \
        {.label = "channels",                                                                      \
         .in = GT_INPUTS(GT_IN(2, 2, 2, 2)),                                                       \
         GTI_REDUCE(type, GT_AXIS(0) | GT_AXIS(2) | GT_AXIS(3), .keepdim = true)},                 \
        {.label = "three groups",                                                                  \
         .in = GT_INPUTS(GT_IN(2, 1, 2, 2, 1, 2, 1, 2)),                                           \
         GTI_REDUCE(type, GT_AXIS(0) | GT_AXIS(3) | GT_AXIS(-1))},                                 \
        {.label = "17 wide", .in = GT_INPUTS(GT_IN(17))},                                          \
    {                                                                                              \
        .label = "9 rows of 3", .in = GT_INPUTS(GT_IN(9, 3)), GTI_REDUCE(type, GT_AXIS(0))         \
    }

/* Beyond the blocks and lanes of the kernels. */
#define GTI_LONG_REDUCTION_SAMPLES(type)                                                           \
    {.label = "71 wide", .in = GT_INPUTS(GT_IN(2, 71)), GTI_REDUCE(type, GT_AXIS(1))},             \
        {.label = "130 rows", .in = GT_INPUTS(GT_IN(130, 3)), GTI_REDUCE(type, GT_AXIS(0))},       \
        {.label = "300 columns", .in = GT_INPUTS(GT_IN(3, 300)), GTI_REDUCE(type, GT_AXIS(0))},    \
    {                                                                                              \
        .label = "2100 wide", .in = GT_INPUTS(GT_IN(2100))                                         \
    }

/* One element each, or none at all. */
#define GTI_SMALL_REDUCTION_SAMPLES(type)                                                          \
    {.label = "scalar", .in = GT_INPUTS(GT_IN_SCALAR)},                                            \
        {.label = "size one", .in = GT_INPUTS(GT_IN(1))},                                          \
        {.label = "axis 0 of a number",                                                            \
         .in = GT_INPUTS(GT_IN_SCALAR),                                                            \
         GTI_REDUCE(type, GT_AXIS(0))},                                                            \
        {.label = "axis -1 of a number, keepdim",                                                  \
         .in = GT_INPUTS(GT_IN_SCALAR),                                                            \
         GTI_REDUCE(type, GT_AXIS(-1), .keepdim = true)},                                          \
        {.label = "axis of size one",                                                              \
         .in = GT_INPUTS(GT_IN(3, 1, 2)),                                                          \
         GTI_REDUCE(type, GT_AXIS(1))},                                                            \
    {                                                                                              \
        .label = "zero-size, kept", .in = GT_INPUTS(GT_IN(0, 3)), GTI_REDUCE(type, GT_AXIS(1))     \
    }

#define GTI_REDUCTION_ERRORS(type)                                                                 \
    {.label = "no such axis",                                                                      \
     .in = GT_INPUTS(GT_IN(2, 3)),                                                                 \
     GTI_REDUCE(type, GT_AXIS(2)),                                                                 \
     .code = GT_ERR_SHAPE,                                                                         \
     .message = "there is no axis 2"},                                                             \
        {.label = "axis 1 of a number",                                                            \
         .in = GT_INPUTS(GT_IN_SCALAR),                                                            \
         GTI_REDUCE(type, GT_AXIS(1)),                                                             \
         .code = GT_ERR_SHAPE,                                                                     \
         .message = "there is no axis 1"},                                                         \
        {.label = "NULL",                                                                          \
         .in = GT_INPUTS({.null = true}),                                                          \
         .code = GT_ERR_ARGUMENT,                                                                  \
         .message = "x is NULL"},                                                                  \
    {                                                                                              \
        .label = "whole numbers",                                                                  \
        .in = GT_INPUTS({.shape = GT_DIMS(3), .dtype = GT_I64, .high = 5}), .code = GT_ERR_DTYPE,  \
        .message = "i64"                                                                           \
    }

#endif
